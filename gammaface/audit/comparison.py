"""An audit's tables as people compare them: methods side by side, in words, baselines first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gammaface.audit.terms import (
    BASELINES,
    READINGS,
    REFERENCES,
    attribute_words,
    capital,
    cell_words,
    in_order,
    target_words,
)
from gammaface.shares.people import SMALL

FD = {"fd": "FD", "fd_soft": "soft", "fd_corrected": "corrected", "fd_second": "second opinion"}
FLOORS = {column: floor for column, floor, _ in READINGS.values()}
MATCHED = {"kernel": "Kernel", "frechet": "Fréchet", "precision": "Precision", "recall": "Recall"}
PRICE = ("Network evaluations an image", "of them pilot", "times plain's")
NOT_KNOWN = ""


def evenness(summary: pd.DataFrame, target: str | None = None) -> pd.DataFrame:
    """Fairness discrepancies with their noise floors in brackets.

    Parameters
    ----------
    summary : DataFrame
        As :func:`gammaface.audit.tables.summary_table`.
    target : str, optional
        One of its targets; by default all, in a column of their own.
    """
    rows = []
    for row in _rows(summary, target):
        found = _named(row, target)
        for column, words in FD.items():
            found[words] = with_spread(row[column], row[f"{column}_sd"])
            if found[words] and column in FLOORS:
                found[words] += f" (floor {number(row[FLOORS[column]])})"
        rows.append(found)
    return pd.DataFrame(rows)


def price(summary: pd.DataFrame, target: str | None = None) -> pd.DataFrame:
    """What an image costs, and what was refused or not found."""
    rows = []
    for row in _rows(summary, target):
        found = dict.fromkeys((*PRICE, "Seconds an image", "Draws kept"), "")
        if row["seeds"]:
            values = (f"{row[name]:,.1f}" for name in ("evaluations", "pilot_evaluations"))
            found = dict(zip(PRICE, (*values, f"{row['cost']:.2f}x"), strict=True))
            found |= {"Seconds an image": number(row["seconds"]), "Draws kept": percent(row["kept_share"])}
        rows.append(_named(row, target) | found | {"Note": row["note"]})
    return pd.DataFrame(rows)


def quality(summary: pd.DataFrame, target: str | None = None) -> pd.DataFrame:
    """Distances to real test faces ("real") or the base generator's ("base"), precision and recall,
    all as differences to plain sampling's; diversity, near-copies, skin tone.

    A Fréchet distance grows as n falls, so methods of different n compare by their differences
    alone: each is taken on the same groups at the same n.
    """
    rows = []
    for row in _rows(summary, target):
        found = _named(row, target)
        for short in REFERENCES:
            for kind, words in MATCHED.items():
                metric = f"{kind}_{short}_vs_plain"
                if metric in summary and summary[metric].notna().any():
                    found[f"{words} minus plain's, {short}"] = difference(row, metric)
            if summary[f"precision_{short}"].notna().any():
                found[f"Groups, {short}"] = groups(row, short)
        found["Diversity"] = with_interval(row, "diversity")
        if summary["near_copies"].notna().any():
            found["Near-copies"] = percent(row["near_copies"])
        found["Median ITA"] = "" if np.isnan(row["ita"]) else f"{row['ita']:.0f}°"
        rows.append(found)
    return pd.DataFrame(rows)


def shares(table: pd.DataFrame, summary: pd.DataFrame, target: str, attribute: str) -> pd.DataFrame:
    """Shares of one attribute under every method of a target, small groups said in words."""
    part = table[(table["target"] == target) & (table["attribute"] == attribute)]
    place = {name: i for i, name in enumerate(in_order(summary))}
    part = part.iloc[np.argsort(part["method"].map(place), kind="stable")]
    strategies = dict(zip(summary["method"], summary["strategy"], strict=True))
    rows = [
        {
            "Method": name_words(row["method"], strategies[row["method"]]),
            capital(attribute_words(attribute) if "+" not in attribute else "cell"): cell_words(
                attribute, row["class"]
            ),
            "Share": percent(row["share"]),
            "95% interval": f"{percent(row['low'])} to {percent(row['high'])}",
            "Target": percent(row["target_share"]),
            "Corrected": percent(row["corrected"]),
            "Second opinion": percent(row["second"]),
            "Faces": f"{row['count']:,} of {row['n']:,}",
            "Remark": f"under {SMALL} faces" if row["count"] < SMALL else "",
        }
        for row in part.to_dict(orient="records")
    ]
    return pd.DataFrame(rows)


def without_empty(table: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that are empty in every row."""
    return table.loc[:, [c for c in table if (table[c].astype(str) != "").any()]]


def name_words(method: str, strategy: str) -> str:
    """A method's name; those that follow a baseline's strategy are marked."""
    return f"{method} (baseline)" if strategy in BASELINES else method


def number(value: float) -> str:
    """Three significant places, empty where it is not known."""
    return NOT_KNOWN if pd.isna(value) else f"{value:.3f}" if abs(value) >= 0.001 else f"{value:.2g}"


def percent(value: float) -> str:
    """Of a share."""
    return NOT_KNOWN if pd.isna(value) else f"{100 * value:.1f}%"


def with_spread(value: float, sd: float) -> str:
    """Mean and standard deviation over seeds."""
    return number(value) if pd.isna(sd) else f"{number(value)} ± {number(sd)}"


def with_interval(row: dict, metric: str) -> str:
    """Mean over seeds with its 95% interval."""
    low, high = row[f"{metric}_low"], row[f"{metric}_high"]
    value = number(row[metric])
    return value if pd.isna(low) else f"{value} [{number(low)}, {number(high)}]"


def difference(row: dict, metric: str) -> str:
    """A signed difference with its 95% interval."""
    value, low, high = (row[metric + end] for end in ("", "_low", "_high"))
    if pd.isna(value):
        return NOT_KNOWN
    return f"{value:+.3g}" if pd.isna(low) else f"{value:+.3g} [{low:+.3g}, {high:+.3g}]"


def groups(row: dict, short: str) -> str:
    """On how many of a target's groups a method was compared; unknown of audits that did not count."""
    if f"groups_{short}" not in row:
        return NOT_KNOWN
    together = ", seeds together" if row[f"pooled_{short}"] else ""
    return f"{row[f'groups_{short}']} of {row['groups_all']}{together}"


def _rows(summary: pd.DataFrame, target: str | None) -> list[dict]:
    part = summary if target is None else summary[summary["target"] == target]
    place = {name: i for i, name in enumerate(in_order(summary))}
    targets = {name: i for i, name in enumerate(dict.fromkeys(summary["target"]))}
    rows = part.to_dict(orient="records")
    return sorted(rows, key=lambda row: (targets[row["target"]], place[row["method"]]))


def _named(row: dict, target: str | None) -> dict:
    name = {"Method": name_words(row["method"], row["strategy"])}
    about = {} if target is not None else {"Target": target_words(row["target"])}
    return name | about | {"n x seeds": f"{row['n']:,} x {row['seeds']}" if row["seeds"] else "none"}
