"""Taking a classifier's own errors out of the shares that it reports (CLEAM)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gammaface.errors import GammaFaceError

# Beyond this condition number a share's third digit is the classifier's noise.
MAX_CONDITION = 1e3


@dataclass(frozen=True)
class Corrected:
    """Shares with the classifier's errors taken out; ``low`` and ``high`` where asked for."""

    shares: np.ndarray
    low: float
    high: float
    note: str


def cleam(shares, recalls_or_confusion, *, sd: float | None = None, n_sets: int | None = None) -> Corrected:
    r"""Class shares with the attribute classifier's own errors taken out.

    .. math:: M p = \hat p, \quad M_{ij} = P(pred\ i\,|\,true\ j);
              \quad p_0 = \frac{\mu - (1 - \alpha_1)}{\alpha_0 + \alpha_1 - 1}

    Source: CLEAM (Teo et al. 2023), point and interval estimate; more classes solve the system.
    Solutions outside the simplex are clipped to 0 or more, renormalised, and noted.

    Parameters
    ----------
    shares : float or array of shape (K,)
        Predicted shares; one number is mu, the share of class 0 of two.
    recalls_or_confusion : array of shape (2,) or (K, K)
        (alpha_0, alpha_1), the recalls of two classes on real validation data, or M, whose
        columns add up to 1.
    sd, n_sets : float and int, optional
        Standard deviation of mu over S sets: gives the 95% interval mu -+ 1.96 sd/sqrt(S)
        of class 0 (two classes only).

    Returns
    -------
    Corrected
        Shares in [0, 1]; NaN with a note where the classifier cannot tell classes apart.

    Raises
    ------
    GammaFaceError
        For shapes that do not match, values that are not shares, or half an interval.

    Examples
    --------
    >>> two = cleam(.55, (.9, .8), sd=.02, n_sets=30)
    >>> round(float(two.shares[0]), 6), round(two.low, 6), round(two.high, 6)
    (0.5, 0.489776, 0.510224)
    >>> M = [[.9, .05, .1], [.05, .9, .1], [.05, .05, .8]]
    >>> cleam([.5, .3, .2], M).shares.round(6).tolist()
    [0.517647, 0.282353, 0.2]
    """
    observed = np.asarray(shares, dtype=float)
    observed = np.array([observed, 1 - observed]) if observed.ndim == 0 else observed
    confusion = np.asarray(recalls_or_confusion, dtype=float)
    if confusion.shape == (2,):
        a0, a1 = confusion
        confusion = np.array([[a0, 1 - a1], [1 - a0, a1]])
    if observed.ndim != 1 or confusion.shape != (len(observed),) * 2:
        raise GammaFaceError(
            f"shares {observed.shape} and confusion {confusion.shape} do not match",
            fix="Give K shares and a (K, K) matrix, or two recalls.",
        )
    for name, sums in (("shares", observed.sum()), ("columns of M", confusion.sum(0))):
        if not (abs(sums - 1) < 1e-3).all():
            raise GammaFaceError(f"the {name} do not add up to 1", fix="Normalise them.")
    if min(observed.min(), confusion.min()) < 0:
        raise GammaFaceError("shares and recalls cannot be negative", fix="Give 0 or more.")
    if (sd is None) != (n_sets is None) or (sd is not None and len(observed) != 2):
        raise GammaFaceError("an interval needs sd, n_sets and two classes", fix="Give all, or neither.")
    if np.linalg.cond(confusion) > MAX_CONDITION:
        unknown = np.full(len(observed), np.nan)
        return Corrected(unknown, np.nan, np.nan, "the classifier cannot tell the classes apart")
    solved = np.linalg.solve(confusion, observed)
    low = high = np.nan
    if sd is not None:
        reach = 1.96 * sd / np.sqrt(n_sets) / abs(np.linalg.det(confusion))
        low, high = np.clip([solved[0] - reach, solved[0] + reach], 0, 1).tolist()
    clipped = np.clip(solved, 0, None)
    outside = bool((solved < -1e-12).any())
    note = "the solution lay outside the simplex and was clipped" if outside else ""
    return Corrected(clipped / clipped.sum(), low, high, note)
