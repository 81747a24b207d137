"""Mixtures side by side: stacked parameters and the densities of rows under all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import threshold_

from gammaface.mixtures.covariances import Parameters
from gammaface.mixtures.rows import Rows

STACK = 2**30  # bytes of parameters and statistics held together; more mixtures go in turns
BLOCK = 256  # features multiplied at once: float32 adds up no more of them, float64 the blocks
ROUNDING = 1e-6  # relative difference of log-likelihoods that tells nothing
LEAST = -60.0  # log responsibility below which it is 0: denormal numbers slow a product tenfold


@dataclass(frozen=True)
class Start:
    """Where a mixture begins: its means; weights are even, covariances those of all its rows."""

    means: np.ndarray  # (K, d)
    left_out: int = -1  # the fold it must not see; -1: it sees all


@dataclass(frozen=True)
class Fit:
    """One fitted mixture.

    Attributes
    ----------
    weights, means, covariances : numpy.ndarray
        float64, in scikit-learn's shapes.
    curve : numpy.ndarray
        Mean log-likelihood (nats per row it saw) before each iteration's update.
    converged : bool
        Whether the last change was below `tol`.
    repairs : int
        Components that were empty or collapsed and started anew.
    left_out : int
        The fold it did not see; -1 when it saw all rows.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    curve: np.ndarray
    converged: bool
    repairs: int
    left_out: int = -1

    @property
    def lower_bound(self) -> float:
        return float(self.curve[-1])


def likeliest(fits: Sequence[Fit]) -> Fit:
    """The fit of the highest likelihood; of those that differ by rounding alone the first."""
    best = max(fit.lower_bound for fit in fits)
    return next(fit for fit in fits if fit.lower_bound >= best - ROUNDING * max(1.0, abs(best)))


@dataclass
class Group:
    """Mixtures of one K on their way."""

    ids: list[int]
    left_out: Tensor  # (F,)
    parameters: Parameters
    curves: list[list[float]]
    repairs: list[int]

    @property
    def shape(self) -> tuple[int, int]:
        return self.parameters.weights.shape

    def keep(self, chosen: list[int]) -> None:
        self.ids, self.left_out = [self.ids[i] for i in chosen], self.left_out[chosen]
        self.parameters = self.parameters[chosen]
        self.curves, self.repairs = [self.curves[i] for i in chosen], [self.repairs[i] for i in chosen]


def stacks(rows: Rows, starts: Sequence[Start]) -> Iterator[list[list[int]]]:
    """Starts that fit into `STACK` bytes together, grouped by K."""
    stack: dict[int, list[int]] = {}
    taken = 0
    for i in sorted(range(len(starts)), key=lambda i: len(starts[i].means)):
        k = len(starts[i].means)
        # Statistics and parameters in float64, natural parameters and a product in float32.
        size = 28 * k * rows.width + (24 * rows.d**2 if rows.shape.matrix else 0)
        if stack and taken + size > STACK:
            yield list(stack.values())
            stack, taken = {}, 0
        stack.setdefault(k, []).append(i)
        taken += size
    yield list(stack.values())


def log_densities(rows: Rows, groups: list[Group]) -> Iterator[tuple[slice, Tensor, Tensor, list[Tensor]]]:
    """Per chunk: rows, features (b, p), one tensor (M, b) of all groups, and its views (F, K, b).

    M counts every component of every mixture. Densities are float64, carry the weights, and
    are told beside the shape's base.
    """
    sizes = [group.shape.numel() for group in groups]
    eta = torch.empty(sum(sizes), rows.width, dtype=rows.dtype, device=rows.device)
    offset = torch.empty(sum(sizes), 1, dtype=torch.float64, device=rows.device)
    places = zip(groups, eta.split(sizes), offset.split(sizes), strict=True)
    for group, eta_here, offset_here in places:
        natural, normaliser = rows.shape.natural(group.parameters)
        eta_here.copy_(natural.flatten(0, 1))
        offset_here.copy_((normaliser + group.parameters.weights.log()).view(-1, 1))
    room = torch.empty(sum(sizes), rows.step, dtype=torch.float64, device=rows.device)
    product = torch.empty_like(room, dtype=rows.dtype)
    for at, phi in rows.chunks():
        joint, block = room[:, : len(phi)], product[:, : len(phi)]
        joint.copy_(offset.expand_as(joint))
        for some_eta, some_phi in zip(eta.split(BLOCK, 1), phi.split(BLOCK, 1), strict=True):
            joint += torch.mm(some_eta, some_phi.T, out=block)
        parts = joint.split(sizes)
        yield at, phi, joint, [p.view(*g.shape, -1) for p, g in zip(parts, groups, strict=True)]


def normalise(part: Tensor) -> Tensor:
    """Turn log densities (F, K, b) into responsibilities in place; the rows' log-likelihoods (F, b)."""
    top = part.amax(1, keepdim=True)
    threshold_(part.sub_(top), LEAST, -torch.inf).exp_()
    total = part.sum(1, keepdim=True)
    part.div_(total)
    return (top + total.log_())[:, 0]


@dataclass(frozen=True)
class Description:
    """How a fitted mixture sees rows, those of one worker where they are spread over several.

    Attributes
    ----------
    log_likelihood : numpy.ndarray
        (n,) in nats.
    labels : numpy.ndarray
        (n,) the likeliest component.
    entropy : float
        Mean entropy of a row's responsibilities over log K: 0 all certain, 1 all even.
    """

    log_likelihood: np.ndarray
    labels: np.ndarray
    entropy: float


def describe(rows: Rows, fits: Sequence[Fit]) -> list[Description]:
    """Log-likelihoods, labels and entropies of this worker's rows under every fit, in one pass."""
    n = len(rows.array)
    likelihoods = np.empty((len(fits), n))
    labels, entropies = np.empty((len(fits), n), dtype=np.int16), np.zeros(len(fits))
    for at, group, part, total in _posteriors(rows, fits):
        likelihoods[group.ids, at] = total.cpu().numpy()
        labels[group.ids, at] = part.argmax(1).cpu().numpy()
        entropies[group.ids] += torch.special.entr(part).sum((1, 2), dtype=torch.float64).cpu().numpy()
    most = np.log([max(2, len(fit.weights)) for fit in fits]) * max(1, n)
    return [Description(*facts) for facts in zip(likelihoods, labels, entropies / most, strict=True)]


def responsibilities(rows: Rows, fit: Fit) -> np.ndarray:
    """r_ik, (n, K); rows sum to 1."""
    found = np.empty((rows.n, len(fit.weights)))
    for at, _, part, _ in _posteriors(rows, [fit]):
        found[at] = part[0].T.cpu().numpy()
    return found


def _posteriors(rows: Rows, fits: Sequence[Fit]) -> Iterator[tuple[slice, Group, Tensor, Tensor]]:
    """Per chunk and group: responsibilities (F, K, b) and log-likelihoods (F, b)."""
    for stack in stacks(rows, fits):
        groups = [_fitted(rows, fits, ids) for ids in stack]
        for at, phi, _, parts in log_densities(rows, groups):
            for group, part in zip(groups, parts, strict=True):
                total = normalise(part)
                yield at, group, part, total + rows.shape.base_rows(group.parameters, phi[:, : rows.d])


def _fitted(rows: Rows, fits: Sequence[Fit], ids: list[int]) -> Group:
    weights, means, covariances = (
        torch.from_numpy(np.stack([getattr(fits[i], name) for i in ids])).to(rows.device)
        for name in ("weights", "means", "covariances")
    )
    centred = means - torch.from_numpy(rows.centre).to(rows.device)
    return Group(ids, torch.full((len(ids),), -1), Parameters(weights, centred, covariances), [], [])
