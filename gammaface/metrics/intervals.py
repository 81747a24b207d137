"""Percentile bootstrap over contingency tables: a resample is a small table of counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gammaface.errors import GammaFaceError

CHUNK = 100  # resamples evaluated at once: bounds the memory at any number of groups


def check_resampling(*, resamples: int, confidence: float) -> None:
    """Refuse a bootstrap that cannot give an interval."""
    if resamples < 2 or not 0 < confidence < 1:
        raise GammaFaceError(
            f"resamples={resamples}, confidence={confidence} give no interval",
            fix="Use 2 resamples or more and a confidence between 0 and 1.",
        )


def draws(n: int, *, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Row numbers of each resample, n with replacement."""
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield rng.integers(0, n, size=n, dtype=np.int32)


def resampled_counts(
    cells: Sequence[np.ndarray], sizes: Sequence[int], *, resamples: int, seed: int
) -> Iterator[list[np.ndarray]]:
    """Cell counts of the same resamples for several codings of the same rows.

    Parameters
    ----------
    cells : sequence of integer arrays of shape (n,)
        Each coding gives every row a cell.
    sizes : sequence of int
        Number of cells per coding.
    resamples, seed : int
        Number of resamples and seed of the draws.

    Yields
    ------
    list of arrays of shape (chunk, size)
        One per coding; entry i of each comes from the same rows, which pairs methods.
    """
    rows = draws(len(cells[0]), resamples=resamples, seed=seed)
    for start in range(0, resamples, CHUNK):
        chunk = [np.empty((min(CHUNK, resamples - start), size), dtype=np.int64) for size in sizes]
        for i in range(len(chunk[0])):
            drawn = next(rows)
            for counts, codes in zip(chunk, cells, strict=True):
                counts[i] = np.bincount(codes[drawn], minlength=counts.shape[1])
        yield chunk


def percentile_interval(values: np.ndarray, *, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the resamples in which the figure is defined.

    Parameters
    ----------
    values : array of shape (resamples,)
        The figure in each resample; NaN where it is undefined.
    confidence : float
        Coverage, 0.95 by default.

    Returns
    -------
    tuple of float
        Low and high end, in the unit of ``values``; NaN where no resample is defined.
        Source: Efron and Tibshirani 1993, chapter 13.

    Examples
    --------
    >>> [round(end, 6) for end in percentile_interval(np.arange(41.0))]
    [1.0, 39.0]
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)
