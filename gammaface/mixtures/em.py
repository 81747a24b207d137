"""Expectation-maximisation for many mixtures at once.

Every K and every restart of a sweep reads the same rows, so their parameters are stacked
and one pass serves them all: log densities are one matrix product, sufficient statistics
another (:mod:`gammaface.mixtures.covariances`). Rows are read in chunks, centred (float32
cannot hold E[x^2] - E[x]^2 of data far from zero), multiplied in float32 and summed in
float64 across chunks and blocks of features (near a saddle EM makes a rounding a thousand
times as large in some iterations); the array may be a memory map larger than memory, or
spread over workers, which then add up their statistics. A mixture that has converged
leaves the stack. The stopping rule, the floor `reg_covar` and the order of the steps are
scikit-learn's, and so is the optimum from the same start.

An *empty* component (less than one row) or a *collapsed* one (every variance within ten
times `reg_covar`, the floor) is repaired: it gives up its place and takes half of the
heaviest component, the two halves set apart by one standard deviation in a random
direction. Each mixture has `REPAIRS` of them; then it is left as it is. A component is
not collapsed where all data are as narrow as that, nor can a tied one be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from gammaface.mixtures.covariances import Parameters
from gammaface.mixtures.rows import Rows
from gammaface.mixtures.stack import Fit, Group, Start, log_densities, normalise, stacks

REPAIRS = 5
Progress = Callable[[int, int], None]


def fit_all(
    rows: Rows,
    starts: Sequence[Start],
    *,
    max_iter: int = 100,
    tol: float = 1e-3,
    reg_covar: float = 1e-6,
    progress: Progress | None = None,
) -> list[Fit]:
    """Run EM from every start, all together.

    Parameters
    ----------
    rows : Rows
    starts : sequence of Start
        Any mixture of K, restarts and left-out folds.
    max_iter, tol, reg_covar
        As in scikit-learn: stop when the mean log-likelihood changes by less than `tol`.
    progress : callable, optional
        ``progress(done, total)`` in mixtures, after every pass; may raise to cancel.

    Returns
    -------
    list of Fit
        In the order of `starts`.

    Raises
    ------
    GammaFaceError
        When a covariance matrix is singular in spite of `reg_covar`.
    """
    counts, pooled = rows.moments()
    fits: list[Fit | None] = [None] * len(starts)
    for stack in stacks(rows, starts):
        groups = [_begin(rows, starts, ids, pooled, reg_covar) for ids in stack]
        for iteration in range(1, max_iter + 1):
            bounds, statistics = _expect(rows, groups, counts, pooled)
            for group, bound, sums in zip(groups, bounds, statistics, strict=True):
                changed = _maximise(rows, group, sums, pooled, reg_covar)
                _advance(group, bound, changed, fits, rows.centre, tol, last=iteration == max_iter)
            groups = [group for group in groups if group.ids]
            if progress:
                progress(sum(fit is not None for fit in fits), len(fits))
            if not groups:
                break
    return fits


def _begin(rows: Rows, starts: Sequence[Start], ids: list[int], pooled: Tensor, reg: float) -> Group:
    means = torch.from_numpy(np.stack([starts[i].means - rows.centre for i in ids])).to(rows.device)
    left_out = torch.tensor([starts[i].left_out for i in ids], device=rows.device)
    k = means.shape[1]
    weights = torch.full(means.shape[:2], 1 / k, dtype=torch.float64, device=rows.device)
    covariances = rows.shape.start(pooled[left_out + 1], k, reg)
    return Group(ids, left_out, Parameters(weights, means, covariances), [[] for _ in ids], [0] * len(ids))


def _expect(
    rows: Rows, groups: list[Group], counts: Tensor, pooled: Tensor
) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
    """One pass: mean log-likelihoods (F,), component counts (F, K) and feature sums (F, K, p)."""
    bounds = [torch.zeros(g.shape[0], dtype=torch.float64, device=rows.device) for g in groups]
    sizes = [group.shape.numel() for group in groups]
    held = torch.zeros(sum(sizes), dtype=torch.float64, device=rows.device)
    sums = torch.zeros(sum(sizes), rows.width, dtype=torch.float64, device=rows.device)
    product = torch.empty_like(sums, dtype=rows.dtype)
    for at, phi, joint, parts in log_densities(rows, groups):
        for group, bound, part in zip(groups, bounds, parts, strict=True):
            total = normalise(part)
            if rows.folds is not None:
                seen = rows.folds[at][None] != group.left_out[:, None]
                part.mul_(seen[:, None])
                total.mul_(seen)
            bound += total.sum(1)
        held += joint.sum(1)
        sums += torch.mm(joint.to(rows.dtype), phi, out=product)
    # All workers go on from the same bits, so that they agree on what has converged.
    rows.workers.sum(held, sums, *bounds)
    for group, bound in zip(groups, bounds, strict=True):
        bound /= counts[group.left_out + 1]
        bound += rows.shape.base_mean(group.parameters, pooled[group.left_out + 1])
    shapes = [group.shape for group in groups]
    split = zip(held.split(sizes), sums.split(sizes), shapes, strict=True)
    return bounds, [(h.view(shape), s.view(*shape, -1)) for h, s, shape in split]


def _maximise(
    rows: Rows, group: Group, statistics: tuple[Tensor, Tensor], pooled: Tensor, reg: float
) -> list[bool]:
    """Estimate the group's parameters anew; tells which mixtures needed a repair."""
    held, sums = statistics
    held = held + 10 * torch.finfo(torch.float64).eps  # scikit-learn's guard against 0 / 0
    sums = sums / held[..., None]
    weights, means = held / held.sum(1, keepdim=True), sums[..., : rows.d]
    pooled = pooled[group.left_out + 1]
    covariances = rows.shape.estimate(sums[..., rows.d :], means, weights, pooled, reg)
    group.parameters = Parameters(weights, means.clone(), covariances)
    floor = (10 * reg) ** 0.5
    wide = rows.shape.deviations(rows.shape.start(pooled, 1, reg), rows.d).amax((1, 2)) > floor
    narrow = rows.shape.deviations(covariances, rows.d).amax(-1) <= floor
    weak = (held < 1) | (narrow & wide[:, None])
    return [_repair(rows, group, f, weak[f]) for f in range(len(group.ids))]


def _repair(rows: Rows, group: Group, f: int, weak: Tensor) -> bool:
    """Split the heaviest component of mixture f over one that is empty or collapsed."""
    p, heavy = group.parameters, int(group.parameters.weights[f].argmax())
    if not weak.any() or weak[heavy] or group.repairs[f] == REPAIRS:
        return False
    lost = int(weak.nonzero()[0, 0])
    direction = np.random.default_rng([group.shape[1], group.repairs[f]]).standard_normal(rows.d)
    deviations = rows.shape.deviations(p.covariances[f : f + 1], rows.d)[0].expand(group.shape[1], -1)
    offset = deviations[heavy] * torch.from_numpy(direction).to(rows.device) / 2
    p.means[f, lost] = p.means[f, heavy] + offset
    p.means[f, heavy] -= offset
    p.weights[f, lost] = p.weights[f, heavy] = p.weights[f, heavy] / 2
    p.weights[f] /= p.weights[f].sum()
    if rows.shape.own:
        p.covariances[f, lost] = p.covariances[f, heavy]
    group.repairs[f] += 1
    return True


def _advance(
    group: Group,
    bounds: Tensor,
    repaired: list[bool],
    fits: list[Fit | None],
    centre: np.ndarray,
    tol: float,
    *,
    last: bool,
) -> None:
    """Note the log-likelihoods; mixtures that have converged become fits and leave."""
    staying = []
    for f, bound in enumerate(bounds.tolist()):
        curve = group.curves[f]
        change = abs(bound - curve[-1]) if curve else np.inf
        curve.append(bound)
        converged = change < tol and not repaired[f]
        if not (converged or last):
            staying.append(f)
            continue
        p = group.parameters[f]
        fits[group.ids[f]] = Fit(
            weights=p.weights.cpu().numpy(),
            means=p.means.cpu().numpy() + centre,
            covariances=p.covariances.cpu().numpy(),
            curve=np.array(curve),
            converged=converged,
            repairs=group.repairs[f],
            left_out=int(group.left_out[f]),
        )
    group.keep(staying)
