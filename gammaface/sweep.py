"""The sweep over K: how well each number of components describes the latents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from gammaface.errors import GammaFaceError
from gammaface.latents import Latents
from gammaface.mixture import check_covariance, codes_of, n_parameters
from gammaface.mixtures.em import fit_all
from gammaface.mixtures.rows import Rows, pick_means
from gammaface.mixtures.stack import Start, describe, likeliest
from gammaface.parallel.shards import Shard
from gammaface.parallel.workers import ALONE, Workers
from gammaface.sweep_rows import constant_dimensions, distinct, held_out, stability, summary, totals
from gammaface.workspace import Run

FOLDS = 5
UNSTABLE = 0.5


def sweep_bic(
    array: Latents | np.ndarray | Shard,
    ks: Iterable[int] = range(1, 12),
    *,
    covariance: str = "diag",
    seed: int = 0,
    restarts: int = 3,
    folds: int = FOLDS,
    max_iter: int = 100,
    device: str = "cpu",
    workers: Workers = ALONE,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Fit every K together and tell how well each one describes the codes.

    One pass over the codes per EM iteration serves every K, restart and held-out fold
    (:mod:`gammaface.mixtures.em`); a memory map is never read whole.

    Parameters
    ----------
    array : Latents, numpy.ndarray or Shard
        (n, d).
    ks : iterable of int
        Numbers of components, 1 to n.
    covariance : {"diag", "spherical", "tied", "full"}
    seed : int
        Of the k-means++ picks and the folds.
    restarts : int
        Fits per K, at least 2 (one where K = 1, which has one optimum); the likeliest is told.
    folds : int
        Of the held-out log-likelihood; 0 leaves it out.
    device : str
        Where to compute.
    workers : Workers
        They call this together, each reads its own rows, and all get the table.
    progress : callable, optional
        ``progress(done, total)`` in numbers of K, after every pass; may raise to cancel.

    Returns
    -------
    pandas.DataFrame
        One row per K:

        ======================  ===========================================================
        k, n_parameters
        n_per_parameter         latents per free parameter
        log_likelihood          nats per row
        bic, aic                lower is better
        heldout_loglik          nats per row, on folds that the fit did not see
        heldout_sd              standard deviation of that between folds
        stability_ari           mean adjusted Rand index between restarts; 1 = same clusters
        smallest_weight         share of the smallest component
        responsibility_entropy  over log K: 0 every row certain, 1 every row undecided
        iterations, converged   of the likeliest fit
        repairs                 its components that were empty or collapsed and began anew
        curve                   its mean log-likelihood per row before each iteration, a list
        n, distinct             latents, and how many of them differ
        constant_dimensions     dimensions in which all latents are the same
        ======================  ===========================================================

    Raises
    ------
    GammaFaceError
        As :meth:`LatentMixture.fit`; also when `ks` is empty or `folds` is 1 or negative.

    Examples
    --------
    >>> z = np.r_[np.zeros((50, 2)), np.full((50, 2), 9.0)] + np.random.default_rng(0).normal(size=(100, 2))
    >>> suggest_k(sweep_bic(z, range(1, 5)), n=100).k
    2
    """
    array, ks = Shard.of(codes_of(array), workers), sorted(set(ks))
    check_covariance(covariance)
    if not ks:
        raise GammaFaceError("no K to sweep", fix="Give a range such as 1..11.")
    if folds < 0 or folds == 1:
        raise GammaFaceError(f"{folds} folds", fix="Give 2 or more, or 0 to leave held-out rows out.")
    fold_of = _folds(len(array), folds, seed)
    rows = Rows(array, covariance, folds=fold_of, device=device)
    starts = _starts(array, ks, fold_of, seed=seed, restarts=max(2, restarts))
    fits = fit_all(
        rows,
        starts,
        max_iter=max_iter,
        progress=progress and (lambda done, total: progress(done * len(ks) // total, len(ks))),
    )
    described, own = describe(rows, fits), fold_of[array.own]
    sums = np.array([totals(d, own == fit.left_out) for d, fit in zip(described, fits, strict=True)])
    array.workers.sum(torch.from_numpy(sums))
    facts = {"n": rows.n, "distinct": distinct(array), "constant_dimensions": constant_dimensions(rows)}
    table = []
    for k in ks:
        mine = [i for i, fit in enumerate(fits) if len(fit.weights) == k]
        whole = [i for i in mine if fits[i].left_out < 0]
        chosen = likeliest([fits[i] for i in whole])
        best = next(i for i in whole if fits[i] is chosen)
        row = summary(fits[best], sums[best], rows.n, n_parameters(k, rows.d, covariance))
        row |= held_out(sums[[i for i in mine if i not in whole], 2:])
        row["stability_ari"] = stability([described[i].labels for i in whole], k, array.workers)
        table.append(row | facts)
    return pd.DataFrame(table)


def keep_sweep(run: Run, table: pd.DataFrame) -> pd.DataFrame:
    """Store a sweep as the tables ``sweep`` and ``convergence`` of a run open for writing.

    ``convergence`` has the curves, a row per K and iteration: ``k, iteration, log_likelihood``.
    Returns the sweep without them.
    """
    curves = table[["k", "curve"]].explode("curve", ignore_index=True)
    curves.insert(1, "iteration", curves.groupby("k").cumcount() + 1)
    curves = curves.rename(columns={"curve": "log_likelihood"}).astype({"log_likelihood": float})
    run.write_table("convergence", curves)
    rest = table.drop(columns="curve")
    run.write_table("sweep", rest)
    return rest


def _folds(n: int, folds: int, seed: int) -> np.ndarray:
    """(n,) the fold of each row, even and at random; -1 where there are none."""
    folds = min(folds, n)
    if folds < 2:
        return np.full(n, -1)
    return np.random.default_rng(seed).permutation(np.arange(n) % folds)


def _starts(
    array: np.ndarray, ks: list[int], fold_of: np.ndarray, *, seed: int, restarts: int
) -> list[Start]:
    """Every K from every restart's picks, and once without each fold."""
    runs = [(-1, seed + r) for r in range(restarts)] + [(fold, seed) for fold in range(fold_of.max() + 1)]
    starts = []
    for at, (fold, fold_seed) in enumerate(runs):
        seen = np.flatnonzero(fold_of != fold) if fold >= 0 else np.arange(len(array))
        # A K that is too large for a fold has no held-out figure; for all rows it is refused.
        mine = [k for k in ks if fold < 0 or k <= len(seen)]
        mine = [k for k in mine if k > 1 or at == 0 or fold >= 0]
        if mine:
            means = pick_means(array, max(mine), seed=fold_seed, candidates=seen)
            starts += [Start(means[:k], left_out=fold) for k in mine]
    return starts


@dataclass(frozen=True)
class Suggestion:
    """A number of components, and why; `warnings` says what speaks against trusting it."""

    k: int
    reason: str
    warnings: tuple[str, ...]


def suggest_k(table: pd.DataFrame, *, n: int) -> Suggestion:
    """Read a sweep: a K with the reason for it, and in words what makes it doubtful.

    The K of the lowest BIC, unless even that fit has more parameters than latents: BIC's
    penalty then decides alone, and the K of the highest held-out log-likelihood is taken.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`sweep_bic` returns it.
    n : int
        Number of latents.
    """
    lowest, span = table.loc[table["bic"].idxmin()], f"K={table['k'].min()} to {table['k'].max()}"
    best, reason = lowest, f"BIC is lowest at K={int(lowest['k'])} among {span}"
    if table["heldout_loglik"].notna().any():
        seen = table.loc[table["heldout_loglik"].idxmax()]
        preferred = f"held-out log-likelihood is highest at K={int(seen['k'])}"
        if n < lowest["n_parameters"]:
            best, reason = (
                seen,
                f"{preferred} among {span}; BIC, lowest at K={int(lowest['k'])}, is not reliable",
            )
        else:
            reason += f"; {preferred}"
    return Suggestion(int(best["k"]), reason, tuple(_doubts(table, lowest, best, n)))


def _doubts(table: pd.DataFrame, lowest: pd.Series, best: pd.Series, n: int) -> list[str]:
    k, edge, said = int(best["k"]), int(lowest["k"]), []
    if len(table) == 1:
        said.append(f"only K={k} was tried: there is nothing to compare it with.")
    elif edge == table["k"].max():
        said.append(f"BIC is still falling at K={edge}, the edge of the grid: it does not choose a K here.")
    elif edge == table["k"].min() > 1:
        said.append(f"BIC is lowest at K={edge}, the edge of the grid: try smaller K as well.")
    if n < best["n_parameters"] or n < lowest["n_parameters"]:
        said.append(
            f"{n:,} latents for {int(max(best['n_parameters'], lowest['n_parameters'])):,} parameters: BIC"
            " is not reliable; harvest more or reduce the dimensions with PCA."
        )
    if k > 1 and best["stability_ari"] < UNSTABLE:
        said.append(
            f"fits with K={k} from different starts agree only to an adjusted Rand index of"
            f" {best['stability_ari']:.2f}: the components are not stable."
        )
    if k == 1:
        said.append("one Gaussian describes these latents best: there are no clusters to balance.")
    if best["smallest_weight"] * n < 2:
        said.append(
            f"with K={k} for {n:,} latents the smallest component holds"
            f" {best['smallest_weight'] * n:.1f} of them: it describes a latent, not a group."
        )
    if not best["converged"]:
        said.append(f"the fit with K={k} was stopped before it converged.")
    return said + _doubts_about_data(best, n)


def _doubts_about_data(best: pd.Series, n: int) -> list[str]:
    said = []
    if best.get("repairs", 0):
        said.append(
            f"{int(best['repairs'])} components were empty or had collapsed onto single latents and"
            " began anew: K may be too large."
        )
    if (distinct := int(best.get("distinct", n))) < n:
        said.append(
            f"{n - distinct:,} of {n:,} latents repeat others: repeated rows make clusters of their own"
            " and inflate n; harvest with distinct seeds."
        )
    if constant := int(best.get("constant_dimensions", 0)):
        said.append(
            f"{constant:,} dimensions are constant: their likelihood is set by the covariance floor"
            " alone; leave them out or use PCA."
        )
    return said
