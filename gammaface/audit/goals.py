"""Evenness against its price: limits that an arm meets or not, and the Pareto front.

The limits: a fairness discrepancy of at most a fifth of plain sampling's, or the noise
floor, whichever is larger, at no more than twice its network evaluations; for targets of
more than three cells a quarter of plain sampling's, at no more than four times. Prices are
held against each other at one number of images, see `at_one_n`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gammaface.audit.book import Book
from gammaface.audit.terms import PLAIN, READINGS

FEW_CELLS = 3
FEW = (0.2, 2.0)  # share of plain's discrepancy, and times its evaluations
MANY = (0.25, 4.0)
GOALS = ["method", "target", "reading", "fd", "sd", "plain", "fraction", "floor", "n", "limit", "cost"]
GOALS += ["cost_limit", "fd_met", "cost_met", "pilot_cost", "price_n"]
PARETO = ["method", "target", "reading", "cost", "fd", "sd", "low", "high", "noise_floor", "on_front"]
PARETO += ["price_n"]


def goals_table(summary: pd.DataFrame, book: Book) -> pd.DataFrame:
    """Every arm but plain against the limits, by every reading there is.

    Returns
    -------
    DataFrame
        ``method, target, reading, fd, sd, plain, fraction, floor, n, limit, cost,
        cost_limit, fd_met, cost_met``; ``pilot_cost`` (of ``cost``) and ``price_n`` as of
        `at_one_n`.
    """
    rows, summary = [], at_one_n(summary)
    plain = summary[summary["method"] == PLAIN].set_index("target")
    for _, row in summary[summary["method"] != PLAIN].iterrows():
        many = len(book.targets[row["target"]].shares) > FEW_CELLS
        fraction, times = MANY if many else FEW
        for reading, (column, floor, _) in READINGS.items():
            fd, before = row[column], plain.at[row["target"], column]
            if np.isnan(fd) or np.isnan(before):
                continue
            limit = fraction * before if many else np.nanmax([fraction * before, row[floor]])
            rows.append(
                {
                    "method": row["method"],
                    "target": row["target"],
                    "reading": reading,
                    "fd": fd,
                    "sd": row[f"{column}_sd"],
                    "plain": before,
                    "fraction": fraction,
                    "floor": row[floor],
                    "n": int(row["n_second"] if column == "fd_second" else row["n"]),
                    "limit": limit,
                    "cost": row["cost"],
                    "cost_limit": times,
                    "fd_met": bool(fd <= limit),
                    "cost_met": bool(row["cost"] <= times),
                    "pilot_cost": row["pilot_cost"],
                    "price_n": row["price_n"],
                }
            )
    return pd.DataFrame(rows, columns=GOALS)


def at_one_n(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary with ``cost`` as it were if every arm of a target had drawn as many images.

    A pilot is drawn once: over few images it makes a method look dear that is not. All are
    spread over the largest n of the target's arms, ``price_n``; ``pilot_cost`` is their part.
    """
    most = summary.groupby("target")["n"].transform("max")
    plain = summary[summary["method"] == PLAIN].set_index("target")["evaluations"]
    once = summary["target"].map(plain)
    pilot = summary["pilot_evaluations"] * summary["n"] / most
    cost = (summary["evaluations"] - summary["pilot_evaluations"] + pilot) / once
    return summary.assign(cost=cost, pilot_cost=pilot / once, price_n=most.astype(int))


def pareto_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Discrepancy against network evaluations, and which arms no other one beats in both.

    Returns
    -------
    DataFrame
        ``method, target, reading, cost`` (relative to plain), ``fd, sd, low, high`` (95%
        over seeds), ``noise_floor, on_front, price_n``.
    """
    rows, summary = [], at_one_n(summary)
    for reading, (column, floor, _) in READINGS.items():
        known = summary[summary[column].notna() & summary["cost"].notna()]
        for target, part in known.groupby("target", sort=False):
            front = on_front(part[column].to_numpy(), part["cost"].to_numpy())
            for (_, row), best in zip(part.iterrows(), front, strict=True):
                rows.append(
                    {
                        "method": row["method"],
                        "target": target,
                        "reading": reading,
                        "cost": row["cost"],
                        "fd": row[column],
                        "sd": row[f"{column}_sd"],
                        "low": row[f"{column}_low"],
                        "high": row[f"{column}_high"],
                        "noise_floor": row[floor],
                        "on_front": bool(best),
                        "price_n": row["price_n"],
                    }
                )
    return pd.DataFrame(rows, columns=PARETO)


def on_front(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Points that no other point is as good as in both and better than in one; less is better.

    Examples
    --------
    >>> on_front(np.array([3., 1., 2., 3.]), np.array([1., 3., 3., 2.])).tolist()
    [True, True, False, False]
    """
    as_good = (first[:, None] <= first) & (second[:, None] <= second)
    better = (first[:, None] < first) | (second[:, None] < second)
    return ~(as_good & better).any(axis=0)
