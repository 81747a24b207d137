"""A task's arms as people compare them: baselines first, each figure with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gammaface.downstream.terms import (
    LARGER_IS_BETTER,
    MAIN_SETTINGS,
    METRICS,
    ORDER,
    OWN_SETS,
    arm_words,
    has_order,
)
from gammaface.tables import MINUS

BETTER, WORSE = "better", "worse"
AGAINST = {"vs_baseline": "vs baseline", "vs_plain": "vs plain-augment"}


def of_task(table: pd.DataFrame, data: str, target: str) -> pd.DataFrame:
    """A task's rows; a table without rows has no columns."""
    return table.query("data == @data and target == @target").reset_index(drop=True) if len(table) else table


def without_task(sentence: str, words: str) -> str:
    """A claim's sentence where the task, `words`, stands above it."""
    return sentence.replace(f" on {words}", "")


def seeds_in_words(cells: pd.DataFrame) -> str:
    """How many seeds the arms of a ``cells`` table have.

    Examples
    --------
    >>> seeds_in_words(pd.DataFrame({"arm": ["a", "a", "a", "b", "b"], "seed": [0, 1, 2, 0, 1]}))
    '2 to 3 seeds an arm'
    """
    counts = cells.groupby("arm")["seed"].nunique()
    words = " to ".join(f"{n}" for n in dict.fromkeys((counts.min(), counts.max())))
    return f"{words} seed{'' if words == '1' else 's'} an arm"


def chance_in_words(comparisons: int) -> str:
    """How many of so many 95% intervals leave 0 out where nothing differs.

    Examples
    --------
    >>> chance_in_words(66)
    'of 66 comparisons about 3 would by chance alone'
    """
    expected = f"about {round(comparisons / 20)}" if comparisons >= 20 else "fewer than one"
    return f"of {comparisons} comparisons {expected} would by chance alone"


def arms_in_order(figures: pd.DataFrame) -> dict[str, str]:
    """Every arm of a `figures` table and its name: baselines, the control, then the others."""
    columns = ["arm", "method", "source", "share", "design", "labeller", "min_p"]
    arms = figures[columns].drop_duplicates("arm")
    place = arms["method"].map({method: i for i, method in enumerate(ORDER)}).fillna(len(ORDER))
    settings = arms[["design", "labeller", "min_p"]].apply(tuple, axis=1)
    varied = (arms["source"] != "") & (settings != MAIN_SETTINGS)
    other = arms["source"] != arms["method"].map(OWN_SETS).fillna("")
    arms = arms.assign(place=place, varied=varied, other=other)
    arms = arms.sort_values(["place", "other", "source", "varied", "share"], kind="stable")
    return {row.pop("arm"): arm_words(**row) for row in arms[columns].to_dict(orient="records")}


def curves_in_order(ratios: pd.DataFrame) -> dict[str, str]:
    """Every curve of a `ratios` table and its name, without its shares."""
    mixed = ratios[ratios["source"] != ""].drop_duplicates("curve")
    names = {}
    for row in mixed.to_dict(orient="records"):
        keys = ("method", "source", "share", "design", "labeller", "min_p")
        words = arm_words(**{key: row[key] for key in keys})
        names[row["curve"]] = words.replace(f" {row['share']:g}%", "", 1)
    place = {arm: i for i, arm in enumerate(arms_in_order(mixed))}
    first = dict(zip(mixed["curve"], mixed["arm"], strict=True))
    return dict(sorted(names.items(), key=lambda item: place[first[item[0]]]))


def side_by_side(
    figures: pd.DataFrame,
    sizes: pd.DataFrame,
    arms: Sequence[str],
    metrics: Sequence[str],
    *,
    beside: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per arm; a figure is followed by its differences, all with 95% intervals.

    Parameters
    ----------
    figures : DataFrame
        Of one task, as :func:`gammaface.downstream.tables.figures_table`.
    sizes : DataFrame
        The study's ``cells`` of that task.
    arms, metrics : sequence of str
        What to show, in this order.
    beside : DataFrame, optional
        As `published_rows`; adds the papers' numbers and why they do not compare.
    """
    names, known = arms_in_order(figures), figures.set_index(["arm", "metric"])
    counted = sizes.drop_duplicates("arm").set_index("arm")
    rows = []
    for arm in arms:
        row = {"Method": names[arm], "Originals": int(counted.at[arm, "n_original"])}
        row["Generated"] = int(counted.at[arm, "n_generated"])
        for metric in metrics:
            title = METRICS[metric]
            found = known.loc[(arm, metric)] if (arm, metric) in known.index else None
            row[title] = in_brackets(found, "value", "low", "high") if found is not None else ""
            for key, words in AGAINST.items():
                ends = (key, f"{key}_low", f"{key}_high")
                row[f"{title} {words}"] = in_brackets(found, *ends, signed=True) if found is not None else ""
            if beside is not None:
                value = beside[f"{metric}_published"].get(arm, np.nan) if _has(beside, metric) else np.nan
                row[f"{title} published"] = number(value)
        if beside is not None:
            row["Beside the paper"] = beside["verdict"].get(arm, "")
            row["Why"] = beside["reason"].get(arm, "")
        rows.append(row)
    return pd.DataFrame(rows)


def published_rows(tables: dict[str, pd.DataFrame], data: str, target: str) -> pd.DataFrame:
    """The published figures of each arm that the paper has a row of, from tables 1-4.

    Returns
    -------
    DataFrame
        By arm: ``<metric>_published`` (NaN where none is printed), ``published_row``,
        ``verdict``, ``reason``, ``contradiction``.
    """
    parts = []
    for name in ("table1", "table2", "table3", "table4"):
        table = tables[name]
        if len(table):
            at = (table["data"] == data) & (table["target"] == target) & (table["published_row"] != "")
            columns = [c for c in table if c.endswith("_published")]
            words = ["published_row", "verdict", "reason", "contradiction"]
            parts.append(table.loc[at, ["arm", *columns, *words]])
    if not parts:
        return pd.DataFrame(columns=["published_row", "verdict", "reason", "contradiction"])
    together = pd.concat(parts, ignore_index=True)
    said = together.groupby("arm")["contradiction"].agg(
        lambda texts: " ".join(dict.fromkeys(filter(None, texts)))
    )
    return together.groupby("arm").first().assign(contradiction=said)


def judged(metric: str, low: float, high: float, *, variant: str = "") -> str:
    """Whether a difference is an improvement; nothing where its interval holds 0, or no side is better.

    Examples
    --------
    >>> judged("bias", -0.2, -0.1), judged("accuracy", -2, -1), judged("kl", -0.1, 0.1)
    ('better', 'worse', '')
    """
    if not (low > 0 or high < 0) or not has_order(metric, variant):  # NaN has no verdict either
        return ""
    return BETTER if (low > 0) == (metric in LARGER_IS_BETTER) else WORSE


def number(value: float, *, signed: bool = False) -> str:
    """Three places as the paper prints them, empty where it is not known.

    Examples
    --------
    >>> number(0.4539), number(-0.02, signed=True), number(87.66)
    ('.454', '−.020', '87.7')
    """
    if pd.isna(value):
        return ""
    places = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    text = f"{value:+.{places}f}" if signed else f"{value:.{places}f}"
    return text.replace("0.", ".", 1 if abs(value) < 1 else 0).replace("-", MINUS)


def in_brackets(row, value: str, low: str, high: str, *, signed: bool = False) -> str:
    """A value with its interval, as people paste it."""
    words = number(row[value], signed=signed)
    if not words or pd.isna(row[low]):
        return words
    return f"{words} [{number(row[low], signed=signed)}, {number(row[high], signed=signed)}]"


def _has(beside: pd.DataFrame, metric: str) -> bool:
    return f"{metric}_published" in beside
