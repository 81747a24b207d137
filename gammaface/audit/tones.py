"""Skin tone of each perceived group under each method, measured on colour, without labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import binom

from gammaface.audit.arms import Arm
from gammaface.audit.reading import joint
from gammaface.strategies import Target

ALL = "all"
QUANTILES = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
COLUMNS = ["method", "target", "group", *QUANTILES, "low", "high", "n"]


def tones_table(arms: list[Arm], targets: dict[str, Target]) -> pd.DataFrame:
    """Typology angles (ITA, degrees) of every arm's groups, all seeds together.

    Returns
    -------
    DataFrame
        ``method, target, group`` ("all" for the whole arm), ``p05, p25, median, p75, p95,
        low, high`` (95% of the median, from order statistics) and ``n``.
    """
    rows = []
    for arm in arms:
        if not arm.draws:
            continue
        target, labels = targets[arm.target], arm.labels()
        cells = joint(labels, target).argmax(1)
        angles = labels["ita"].to_numpy(dtype=float)
        for i, group in enumerate([*target.names, ALL]):
            part = angles[(cells == i) | (group == ALL)]
            part = np.sort(part[~np.isnan(part)])
            if len(part):
                found = {name: float(np.quantile(part, q)) for name, q in QUANTILES.items()}
                low, high = median_interval(part)
                rows.append(arm.name | {"group": group} | found | {"low": low, "high": high, "n": len(part)})
    return pd.DataFrame(rows, columns=COLUMNS)


def median_interval(ordered: np.ndarray) -> tuple[float, float]:
    """At least 95% interval of the median of sorted values; NaN for fewer than 6.

    Source: order statistics are binomial, whatever the distribution.

    Examples
    --------
    >>> median_interval(np.arange(1.0, 21.0))
    (6.0, 15.0)
    """
    n = len(ordered)
    rank = int(binom.ppf(0.025, n, 0.5))
    return (float(ordered[rank - 1]), float(ordered[n - rank])) if rank else (np.nan, np.nan)
