"""KL divergence between the groups' score histograms (GAMMA-FACE, eq. 15)."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.special import rel_entr

from gammaface.errors import GammaFaceError
from gammaface.metrics.counts import check_choice, ratio
from gammaface.metrics.encode import Coded, encode, own_scores
from gammaface.metrics.measure import Measure

VARIANTS = ("fixed", "princeton")


def kl_divergence(
    scores,
    y,
    groups,
    *,
    bins: int = 50,
    sigma: float = 1.0,
    eps: float = 1e-6,
    min_n: int = 30,
    variant: str = "fixed",
) -> Measure:
    r"""Symmetric KL divergence between the groups' scores, given the true class.

    .. math:: mean_{t,\, i<j}\; KL(h_{it} \| h_{jt}) + KL(h_{jt} \| h_{it})

    Source: GAMMA-FACE, eq. 15, after Ramaswamy et al. 2021. h is the histogram of the true
    class's own score over (0, 1), divided by n, smoothed with a Gaussian (reflecting edges,
    cut at 4 sigma), plus eps, renormalised.

    Parameters
    ----------
    scores : array of shape (n,) or (n, classes), or DataFrame
        Probabilities. One column is the score of class 1 of a two-class target; of several
        the true class's own is used, found by name in a frame.
    y, groups
        As in `gammaface.metrics.bias`.
    bins : int
        Number of bins.
    sigma : float
        Width of the smoothing in bins; 0 for none.
    eps : float
        Added to each bin. With 0 the divergence may be infinite.
    min_n : int
        A (group, class) cell with fewer samples is skipped and noted.
    variant : {"fixed", "princeton"}
        ``princeton`` follows the public code of Ramaswamy et al.: each histogram over its
        own range, filtered as integers, not renormalised.

    Returns
    -------
    Measure
        In nats, from 0 upward; NaN with a note where scores are NaN or no pair of cells is
        large enough.

    Raises
    ------
    GammaFaceError
        For scores outside [0, 1] or of the wrong shape, an unknown variant, a bad option,
        and as `gammaface.metrics.bias`.

    Examples
    --------
    >>> a, b = [.1, .2, .3, .9], [.1, .7, .8, .9]
    >>> value = kl_divergence(a + b, [1] * 8, list("aaaabbbb"), bins=2, sigma=0, eps=0, min_n=1)
    >>> round(value, 6)
    1.098612
    """
    check_choice("variant", variant, VARIANTS)
    if bins < 1 or sigma < 0 or eps < 0 or min_n < 1:
        raise GammaFaceError(
            f"bins={bins}, sigma={sigma}, eps={eps}, min_n={min_n} cannot be used",
            fix="Use bins and min_n of 1 or more, sigma and eps of 0 or more.",
        )
    coded = encode(y, y, groups)
    own = own_scores(scores, coded)
    missing = int(np.isnan(own).sum())
    if missing:
        return Measure(np.nan, missing_note(missing))
    valid = coded.counts().sum(-1) >= min_n
    if variant == "princeton":
        value = from_scores(own, coded.y, coded.g, valid, bins=bins, sigma=sigma, eps=eps)
    else:
        tally = np.bincount(histogram_cells(own, coded, bins=bins), minlength=valid.size * bins).reshape(
            *valid.shape, bins
        )
        value = from_histograms(tally, valid, sigma=sigma, eps=eps)
    return Measure(value, small_cells_note(valid, min_n))


def histogram_cells(own: np.ndarray, coded: Coded, *, bins: int) -> np.ndarray:
    """One code per row for (group, true class, bin); the last bin includes 1."""
    bin_ = np.searchsorted(np.linspace(0, 1, bins + 1), own, side="right") - 1
    return np.ravel_multi_index((coded.g, coded.y, np.minimum(bin_, bins - 1)), (*coded.shape[:2], bins))


def from_histograms(
    tally: np.ndarray, valid: np.ndarray, *, sigma: float = 1.0, eps: float = 1e-6
) -> np.ndarray:
    """The fixed variant from counts (..., group, class, bin)."""
    used = valid.any(-1)
    tally, valid = tally[..., used, :, :], valid[used]
    h = ratio(tally, tally.sum(-1, keepdims=True))
    if sigma > 0:
        h = gaussian_filter1d(h, sigma, axis=-1, mode="reflect", truncate=4.0)
    h = h + eps
    h = np.where(valid[..., None], h / h.sum(-1, keepdims=True), np.nan)
    return _mean_over_pairs(h)


def from_scores(
    own: np.ndarray,
    y: np.ndarray,
    g: np.ndarray,
    valid: np.ndarray,
    *,
    bins: int = 50,
    sigma: float = 1.0,
    eps: float = 1e-6,
) -> float:
    """The princeton variant, which needs the scores: each histogram has its own range."""
    h = np.full((*valid.shape, bins), np.nan)
    for group, label in np.argwhere(valid):
        cell = own[(g == group) & (y == label)]
        if len(cell):
            tally = gaussian_filter(np.histogram(cell, bins=bins)[0], sigma)
            # Integer filtering can leave nothing of a small cell: then it is undefined.
            h[group, label] = ratio(tally, tally.sum()) + eps
    return float(_mean_over_pairs(h))


def missing_note(missing: int) -> str:
    """Words for scores that are NaN."""
    return f"{missing} scores are NaN, so the divergence is undefined"


def small_cells_note(valid: np.ndarray, min_n: int) -> str:
    """Words for the cells that are too small."""
    small = int((~valid).sum())
    return f"{small} of {valid.size} cells have under {min_n} samples, skipped" if small else ""


def _mean_over_pairs(h: np.ndarray) -> np.ndarray:
    total, pairs = np.zeros(h.shape[:-3]), np.zeros(h.shape[:-3])
    for i in range(h.shape[-3] - 1):  # one row of pairs at a time: all of them fill the memory
        a, b = h[..., i : i + 1, :, :], h[..., i + 1 :, :, :]
        both = (rel_entr(a, b) + rel_entr(b, a)).sum(-1)
        defined = ~np.isnan(both)
        total += np.where(defined, both, 0.0).sum((-1, -2))
        pairs += defined.sum((-1, -2))
    return ratio(total, pairs)
