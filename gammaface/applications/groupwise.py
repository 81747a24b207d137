"""Rates and means by group with intervals, and the largest gap between groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gammaface.metrics.intervals import percentile_interval
from gammaface.shares.people import SMALL, wilson

RESAMPLES = 1000
Z = 1.959963984540054


def rate_rows(flags: np.ndarray, groups: np.ndarray) -> pd.DataFrame:
    """``group, n, count, share, low, high, note``: how often something holds, by group.

    Wilson's 95% interval; rows whose flag is missing (NaN) are left out.

    Examples
    --------
    >>> rate_rows(np.array([1, 0, 0, 0.0]), np.array(["a", "a", "b", "b"]))["share"].tolist()
    [0.5, 0.0]
    """
    rows = []
    for group in sorted(set(groups.tolist())):
        known = flags[(groups == group) & ~np.isnan(flags)]
        n, count = len(known), int(known.sum())
        low, high = wilson(count, n)
        rows.append(
            {
                "group": group,
                "n": n,
                "count": count,
                "share": count / n if n else np.nan,
                "low": float(low),
                "high": float(high),
                "note": f"{n} faces, under {SMALL}" if n < SMALL else "",
            }
        )
    return pd.DataFrame(rows)


def mean_rows(values: np.ndarray, groups: np.ndarray) -> pd.DataFrame:
    """``group, n, mean, low, high``: normal 95% interval of the mean."""
    rows = []
    for group in sorted(set(groups.tolist())):
        part = values[groups == group]
        error = part.std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else np.nan
        mean = float(part.mean())
        rows.append(
            {"group": group, "n": len(part), "mean": mean, "low": mean - Z * error, "high": mean + Z * error}
        )
    return pd.DataFrame(rows)


def largest_gap(values: np.ndarray, groups: np.ndarray, *, seed: int = 0) -> dict[str, float | str]:
    """Largest difference of group means, with what chance alone would give.

    Returns
    -------
    dict
        ``gap, low, high`` (95%, bootstrap within groups), ``p``: share of 1,000 random
        reassignments of the groups with as large a gap, and ``most, least``, their groups.
        NaN with fewer than two groups of `SMALL` faces.
    """
    known = ~np.isnan(values)
    values, groups = values[known], groups[known]
    names = [g for g in sorted(set(groups.tolist())) if (groups == g).sum() >= SMALL]
    empty = {"gap": np.nan, "low": np.nan, "high": np.nan, "p": np.nan, "most": "", "least": ""}
    if len(names) < 2:
        return empty
    inside = np.isin(groups, names)
    values, groups = values[inside], groups[inside]
    codes = np.searchsorted(names, groups)
    sizes = np.bincount(codes)
    rng = np.random.default_rng(seed)

    def means(v: np.ndarray, c: np.ndarray) -> np.ndarray:
        return np.bincount(c, weights=v, minlength=len(names)) / sizes

    own = means(values, codes)
    rows = [np.flatnonzero(codes == k) for k in range(len(names))]
    again = [np.ptp([values[rng.choice(r, len(r))].mean() for r in rows]) for _ in range(RESAMPLES)]
    chance = [np.ptp(means(values, rng.permutation(codes))) for _ in range(RESAMPLES)]
    low, high = percentile_interval(np.array(again))
    gap = float(np.ptp(own))
    return {
        "gap": gap,
        "low": low,
        "high": high,
        "p": (1 + sum(c >= gap - 1e-12 for c in chance)) / (RESAMPLES + 1),
        "most": names[int(own.argmax())],
        "least": names[int(own.argmin())],
    }
