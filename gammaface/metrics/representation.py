"""How evenly a generator represents groups (GAN rebalancing, eq. 8 and 9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.metrics.correction import cleam
from gammaface.metrics.measure import Measure, join_notes
from gammaface.metrics.shares import check_classes, class_shares


@dataclass(frozen=True)
class Representation:
    """Fairness discrepancy over several sets, with what it must be read beside.

    ``discrepancy`` and ``sd`` are mean and standard deviation over ``sets`` sets of ``size``
    samples; ``noise_floor`` is what a perfectly fair sampler would show at that size;
    ``corrected`` is the discrepancy of ``corrected_shares`` (CLEAM; NaN without recalls).
    """

    kind: str
    discrepancy: float
    sd: float
    sets: int
    size: int
    noise_floor: float
    shares: np.ndarray
    corrected: float
    corrected_shares: np.ndarray
    note: str


def fairness_discrepancy(labels_or_probs, n_classes: int, *, kind: str = "hard") -> Measure:
    r"""Fairness discrepancy: distance of the class shares from even ones.

    .. math:: \| 1/K - share \|_2

    Source: GAN rebalancing, eq. 8 and 9.

    Parameters
    ----------
    labels_or_probs, n_classes, kind
        As in `class_shares`.

    Returns
    -------
    Measure
        Without unit, from 0 (even) to sqrt(1 - 1/K). A fair sampler of N images shows
        `noise_floor`, not 0.

    Raises
    ------
    GammaFaceError
        As `class_shares`.

    Examples
    --------
    >>> round(fairness_discrepancy([0] * 6 + [1] * 4, 4), 6)
    0.519615
    >>> probabilities = [[.9, .1], [.6, .4], [.55, .45], [.2, .8]]
    >>> round(fairness_discrepancy(probabilities, 2, kind="soft"), 7)
    0.0883883
    """
    shares = class_shares(labels_or_probs, n_classes, kind=kind)
    return Measure(np.linalg.norm(1 / n_classes - shares))


def noise_floor(n_classes: int, n: int) -> float:
    r"""Discrepancy that a perfectly fair i.i.d. sampler shows (root mean square).

    .. math:: \sqrt{(1 - 1/K) / N}

    Source: the multinomial variance, sum_k (1/K)(1 - 1/K) / N.

    Parameters
    ----------
    n_classes, n : int
        Number of classes K and of samples N.

    Returns
    -------
    float
        Without unit, in (0, 1).

    Raises
    ------
    GammaFaceError
        For fewer than 2 classes or no sample.

    Examples
    --------
    >>> round(noise_floor(6, 10_000), 4)
    0.0091
    """
    check_classes(n_classes)
    if n < 1:
        raise GammaFaceError(f"n={n} samples have no noise floor", fix="Give n of 1 or more.")
    return float(np.sqrt((1 - 1 / n_classes) / n))


def representation(
    labels_or_probs,
    n_classes: int,
    *,
    kind: str = "hard",
    sets: int = 5,
    size: int = 10_000,
    recalls_or_confusion=None,
) -> Representation:
    """Fairness discrepancy as it is reported: several sets, noise floor, correction.

    Source: GAN rebalancing, eq. 8 and 9, and its protocol of 5 sets of 10,000 samples.

    Parameters
    ----------
    labels_or_probs, n_classes, kind
        As in `class_shares`, one entry per sample; the sets are consecutive rows.
    sets, size : int
        Number of sets and samples per set. Too few samples make the sets smaller, and the
        note says so.
    recalls_or_confusion : array, optional
        As in `cleam`, for the corrected value.

    Returns
    -------
    Representation
        Discrepancies without unit in [0, sqrt(1 - 1/K)]; the corrected ones are NaN without
        ``recalls_or_confusion``.

    Raises
    ------
    GammaFaceError
        As `class_shares` and `cleam`, and for fewer samples than sets.

    Examples
    --------
    >>> report = representation([0, 1, 0, 0] * 50, 2, sets=2, size=100)
    >>> report.discrepancy, round(report.noise_floor, 4)
    (0.3535533905932738, 0.0707)
    """
    values = np.asarray(labels_or_probs)
    if not 1 <= sets <= len(values):
        raise GammaFaceError(f"{len(values)} samples cannot be split into {sets} sets", fix="Use fewer sets.")
    used = min(size, len(values) // sets)
    shares = np.array(
        [class_shares(values[i * used : (i + 1) * used], n_classes, kind=kind) for i in range(sets)]
    )
    found = np.linalg.norm(1 / n_classes - shares, axis=1)
    corrected, note = np.full(n_classes, np.nan), ""
    if recalls_or_confusion is not None:
        result = cleam(shares.mean(0), recalls_or_confusion)
        corrected, note = result.shares, result.note
    return Representation(
        kind=kind,
        discrepancy=float(found.mean()),
        sd=float(found.std(ddof=1)) if sets > 1 else float("nan"),
        sets=sets,
        size=used,
        noise_floor=noise_floor(n_classes, used),
        shares=shares.mean(0),
        corrected=float(np.linalg.norm(1 / n_classes - corrected)),
        corrected_shares=corrected,
        note=join_notes(f"sets of {used} samples instead of {size}" if used < size else "", note),
    )
