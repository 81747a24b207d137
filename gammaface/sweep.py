"""The sweep over K: how well each number of components describes the latents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from gammaface.errors import GammaFaceError
from gammaface.latents import Latents
from gammaface.mixture import LatentMixture, check_codes

HELD_OUT_SHARE = 0.2
UNSTABLE = 0.5


def sweep_bic(
    array: Latents | np.ndarray,
    ks: Iterable[int] = range(1, 12),
    *,
    covariance: str = "diag",
    seed: int = 0,
    restarts: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Fit every K and tell how well each one describes the codes.

    Returns
    -------
    pandas.DataFrame
        One row per K: ``k``, ``n_parameters``, ``bic``, ``aic``, ``heldout_loglik``
        (nats per row, on a fifth of the rows that a second fit did not see),
        ``stability_ari`` (adjusted Rand index between restarts; 1 = same clusters),
        ``smallest_weight``, ``converged``.

    Raises
    ------
    GammaFaceError
        As :meth:`LatentMixture.fit`; also when `ks` is empty.
    """
    array = np.asarray(array.array if isinstance(array, Latents) else array, dtype=np.float64)
    ks = sorted(set(ks))
    if not ks:
        raise GammaFaceError("no K to sweep", fix="Give a range such as 1..11.")
    for k in (ks[0], ks[-1]):
        check_codes(array, k)
    rows = np.random.default_rng(seed).permutation(len(array))
    held = rows[: max(1, int(HELD_OUT_SHARE * len(rows)))]
    kept = np.setdiff1d(rows, held)
    table = []
    for done, k in enumerate(ks, start=1):
        fits = [
            LatentMixture(k, covariance=covariance, seed=seed + r).fit(array)
            for r in range(max(2, restarts) if k > 1 else 1)
        ]
        best = max(fits, key=lambda m: m.model_.lower_bound_)
        heldout = np.nan
        if k <= len(kept):
            half = LatentMixture(k, covariance=covariance, seed=seed).fit(array[kept])
            heldout = half.log_likelihood(array[held])
        labels = [m.predict(array) for m in fits]
        table.append(
            {
                "k": k,
                "n_parameters": best.n_parameters_,
                "bic": best.bic(array),
                "aic": best.aic(array),
                "heldout_loglik": heldout,
                "stability_ari": (
                    float(np.mean([adjusted_rand_score(labels[0], b) for b in labels[1:]])) if k > 1 else 1.0
                ),
                "smallest_weight": float(best.weights_.min()),
                "converged": best.converged_,
            }
        )
        if progress:
            progress(done, len(ks))
    return pd.DataFrame(table)


@dataclass(frozen=True)
class Suggestion:
    """A number of components, and why; `warnings` says what speaks against trusting it."""

    k: int
    reason: str
    warnings: tuple[str, ...]


def suggest_k(table: pd.DataFrame, *, n: int) -> Suggestion:
    """Read a sweep: the K of the lowest BIC, with what makes it doubtful in words."""
    best = table.loc[table["bic"].idxmin()]
    k, warnings_ = int(best["k"]), []
    if len(table) > 1 and k == table["k"].max():
        warnings_.append(f"BIC is still falling at K={k}, the edge of the grid: it does not choose a K here.")
    if n < best["n_parameters"]:
        warnings_.append(
            f"{n:,} latents for {int(best['n_parameters']):,} parameters: BIC is not reliable;"
            " harvest more or reduce the dimensions with PCA."
        )
    if k > 1 and best["stability_ari"] < UNSTABLE:
        warnings_.append(
            f"two fits with K={k} agree only to an adjusted Rand index of"
            f" {best['stability_ari']:.2f}: the components are not stable."
        )
    if k == 1:
        warnings_.append("one Gaussian describes these latents best: there are no clusters to balance.")
    reason = f"BIC is lowest at K={k} among K={table['k'].min()} to {table['k'].max()}"
    return Suggestion(k, reason, tuple(warnings_))
