"""Each group's own rates and each class's share, with intervals and sizes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.metrics import counts
from gammaface.metrics.correction import cleam
from gammaface.metrics.encode import encode
from gammaface.metrics.intervals import check_resampling, percentile_interval, resampled_counts
from gammaface.metrics.paired import MIN_N
from gammaface.metrics.shares import class_shares

SMALL = "{n} samples, under {least}"


def group_table(
    y, p, groups, *, resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Accuracy and recall of every group, P(p = y | a) and P(p = t | t, a).

    Source: the rates that GAMMA-FACE's eq. 12 compares, with percentile intervals.

    Parameters
    ----------
    y, p, groups
        As in `bias`.
    resamples, confidence, seed : int, float, int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        group, rate ("accuracy" or "recall of <class>"), value, low, high (fractions in
        [0, 1]), n (samples behind the rate), note. A rate without samples is NaN.

    Raises
    ------
    GammaFaceError
        As `bias`, and for a bootstrap that cannot give an interval.

    Examples
    --------
    >>> table = group_table([1, 1, 1, 1], [1, 1, 1, 0], list("aabb"), resamples=20)
    >>> table[["group", "rate", "value", "n"]].iloc[[0, 3]].values.tolist()
    [['a', 'accuracy', 1.0, 2], ['b', 'accuracy', 0.5, 2]]
    """
    check_resampling(resamples=resamples, confidence=confidence)
    coded = encode(y, p, groups)
    table = coded.counts()
    chunks = resampled_counts([coded.cells()], [table.size], resamples=resamples, seed=seed)
    samples = np.concatenate([_rates(chunk.reshape(-1, *table.shape)) for (chunk,) in chunks])
    labels = table.sum(-1)
    sizes = np.column_stack([labels.sum(-1), labels])
    rates = ["accuracy", *(f"recall of {label}" for label in coded.classes)]
    rows = []
    for i, group in enumerate(coded.groups):
        for j, rate in enumerate(rates):
            low, high = percentile_interval(samples[:, i, j], confidence=confidence)
            rows.append((group, rate, _rates(table)[i, j], low, high, sizes[i, j]))
    frame = pd.DataFrame(rows, columns=["group", "rate", "value", "low", "high", "n"])
    return frame.assign(note=[_size_note(n) for n in frame["n"]])


def share_table(
    labels,
    n_classes: int,
    *,
    recalls_or_confusion=None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of every class among generated samples, as labelled and as corrected.

    Source: GAN rebalancing, eq. 8 (shares); CLEAM (Teo et al. 2023) for the correction.

    Parameters
    ----------
    labels, n_classes
        As in `class_shares`.
    recalls_or_confusion : array, optional
        As in `cleam`; without it ``corrected`` is NaN.
    resamples, confidence, seed : int, float, int
        Of the bootstrap, which for labels is one multinomial draw per resample.

    Returns
    -------
    DataFrame
        class, share, low, high, corrected (fractions in [0, 1]), n (samples labelled so),
        note.

    Raises
    ------
    GammaFaceError
        As `class_shares` and `cleam`, and for shares in place of labels.

    Examples
    --------
    >>> share_table([0] * 60 + [1] * 40, 2)[["share", "n"]].values.tolist()
    [[0.6, 60.0], [0.4, 40.0]]
    """
    check_resampling(resamples=resamples, confidence=confidence)
    labels = np.asarray(labels)
    if labels.dtype.kind == "f" and labels.ndim == 1:
        raise GammaFaceError(
            "shares alone have no interval", fix="Give one label or one row of scores per sample."
        )
    shares, total = class_shares(labels, n_classes), len(labels)
    samples = np.random.default_rng(seed).multinomial(total, shares, size=resamples) / total
    ends = [percentile_interval(column, confidence=confidence) for column in samples.T]
    corrected = np.full(n_classes, np.nan)
    if recalls_or_confusion is not None:
        corrected = cleam(shares, recalls_or_confusion).shares
    n = np.rint(shares * total).astype(int)
    return pd.DataFrame(
        {
            "class": range(n_classes),
            "share": shares,
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
            "corrected": corrected,
            "n": n,
            "note": [_size_note(size) for size in n],
        }
    )


def _rates(n: np.ndarray) -> np.ndarray:
    """Accuracy, then the recall of each class: (..., group, rate)."""
    return np.concatenate([counts.group_accuracy(n)[..., None], counts.class_recalls(n)], axis=-1)


def _size_note(n: int) -> str:
    return SMALL.format(n=n, least=MIN_N) if n < MIN_N else ""
