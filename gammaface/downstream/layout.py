"""The paper's tables 1-4: ours beside the published rows, and whether the two compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gammaface import published
from gammaface.baselines import METHODS
from gammaface.downstream.cells import Stored, score_columns
from gammaface.downstream.terms import PER_CLASS, SET_NAMES, usual_settings

SOURCE = "GAMMA-FACE"
# Metrics of the paper's tables, and whether they are about mixing ratios.
TABLES: dict[str, tuple[tuple[str, ...], bool]] = {
    "table1": (("bias", "ba", "accuracy"), False),
    "table2": (("bpc", "kl"), False),
    "table3": (("bias", "ba", "accuracy"), True),
    "table4": (("bpc", "kl"), True),
}
# The paper's names of the mixing ratios, by generated percent.
RATIOS = {
    100: "GAMMA-FACE 100 generated+original",
    70: "GAMMA-FACE 70+30 generated+original",
    30: "GAMMA-FACE 30+70 generated+original",
}


def paper_tables(
    figures: pd.DataFrame, cells: Sequence[Stored], *, resolution: int
) -> dict[str, pd.DataFrame]:
    """Tables 1-4 by name.

    Returns
    -------
    dict of str to DataFrame
        A row per task and arm: data, target, protected, method, arm, share, seeds, per_class,
        n_original, n_generated, n (test faces); for each metric m of the table ``m``,
        ``m_low``, ``m_high``, ``m_vs_baseline``, ``m_vs_plain`` with their ``_low`` and
        ``_high``, and ``m_published``; then ``published_row`` (set and method in the paper),
        ``verdict``, ``reason`` and ``contradiction`` (what the paper says against itself).
        Tables 1 and 2 have the main mix, tables 3 and 4 ``gamma-face`` at every ratio.
    """
    counted = _sizes(cells)
    return {
        name: _table(figures, counted, metrics, mixing=mixing, number=name[-1], resolution=resolution)
        for name, (metrics, mixing) in TABLES.items()
    }


def published_name(method: str, source: str, share: float, *, mixing: bool) -> str | None:
    """The paper's name of one of our arms; None where it has no such row.

    Examples
    --------
    >>> published_name("gamma-face", "component-uniform", 70.0, mixing=True)
    'GAMMA-FACE 70+30 generated+original'
    """
    if method == "gamma-face" and source != METHODS[method].source:
        return None
    if mixing:
        return RATIOS.get(round(share))
    return METHODS[method].published


def _table(figures, counted, metrics, *, mixing, number, resolution) -> pd.DataFrame:
    main = figures[~figures["arm"].isin(_side_arms(figures))]
    chosen = main[main["method"] == "gamma-face"] if mixing else main[~_other_shares(main)]
    rows = []
    for (data, target, arm), part in chosen.groupby(["data", "target", "arm"], sort=False):
        by_metric, first = part.set_index("metric"), part.iloc[0]
        row = {
            name: first[name] for name in ("data", "target", "protected", "method", "arm", "share", "seeds")
        }
        row |= counted[data, target, arm] | {"n": first["n"], "min_n": first["min_n"]}
        for metric in metrics:
            row |= _own(by_metric, metric)
        name = published_name(first["method"], first["source"], first["share"], mixing=mixing)
        row |= _theirs(row, metrics, name, number=number, resolution=resolution, classes=row.pop("classes"))
        rows.append(row)
    table = pd.DataFrame(rows)
    if len(table):
        order = {method: i for i, method in enumerate(METHODS)}
        table = table.sort_values(
            ["data", "target", "method", "share"],
            key=lambda column: column.map(order) if column.name == "method" else column,
            kind="stable",
        )
    return table.reset_index(drop=True)


def _own(by_metric: pd.DataFrame, metric: str) -> dict[str, float]:
    columns = ["value", "low", "high"]
    columns += [f"{d}{end}" for d in ("vs_baseline", "vs_plain") for end in ("", "_low", "_high")]
    found = by_metric.loc[metric] if metric in by_metric.index else dict.fromkeys(columns, np.nan)
    return {metric if c == "value" else f"{metric}_{c}": float(found[c]) for c in columns}


def _theirs(row: dict, metrics, name: str | None, *, number: str, resolution: int, classes: int) -> dict:
    """The published figures of a row, and how far they compare."""
    blank = {f"{m}_published": np.nan for m in metrics}
    blank |= {"published_row": "", "verdict": "", "reason": "no such row in the paper", "contradiction": ""}
    if name is None:
        return blank
    ours = pd.DataFrame({"method": row["arm"], "metric": list(metrics), "value": [row[m] for m in metrics]})
    beside = published.compare(
        ours,
        dataset=SET_NAMES[row["data"]],
        target=row["target"],
        resolution=resolution,
        n_classes=classes,
    )
    at = (beside["source"] == SOURCE) & (beside["table"] == number) & (beside["method"] == name)
    found = beside[at & beside["metric"].isin(metrics)]
    if found.empty:
        return blank
    first, verdict, reasons = found.iloc[0], found.iloc[0]["verdict"], [found.iloc[0]["reason"]]
    if row["protected"] != first["protected"]:
        verdict = "not comparable"
        reasons.append(f"protected: {row['protected']} here, {first['protected']} there")
    if row["per_class"] != (theirs := PER_CLASS.get(classes)):
        there = f"{theirs:,}" if theirs else "not stated"
        verdict = "not comparable"
        reasons.append(f"originals a class: {row['per_class']:,} here, {there} there")
    numbers = dict(zip(found["metric"] + "_published", found["value"].astype(float), strict=True))
    return (
        blank
        | numbers
        | {
            "published_row": f"{first['dataset']}, {name}",
            "verdict": verdict,
            "reason": "; ".join(filter(None, reasons)),
            "contradiction": " ".join(dict.fromkeys(filter(None, found["note"]))),
        }
    )


def _sizes(cells: Sequence[Stored]) -> dict[tuple[str, str, str], dict]:
    """Faces behind each arm: of its first seed, since all seeds have as many."""
    found = {}
    for stored in cells:
        key = (stored.cell.data, stored.cell.target, stored.cell.arm)
        names = ("per_class", "n_original", "n_generated")
        classes = len(score_columns(stored.predictions))
        found.setdefault(key, {n: stored.facts.get(n, 0) for n in names} | {"classes": classes})
    return found


def _side_arms(figures: pd.DataFrame) -> set[str]:
    """Arms that vary the design, the labeller or the confidence of another one."""
    mixed = figures[figures["source"] != ""].drop_duplicates(["data", "target", "arm"])
    settings = mixed[["design", "labeller", "min_p"]].apply(tuple, axis=1)
    return set(mixed.loc[settings != usual_settings(list(settings)), "arm"]) if len(mixed) else set()


def _other_shares(figures: pd.DataFrame) -> pd.Series:
    """Rows at another generated share than the method's nearest to 50%."""
    keys = ["data", "target", "method", "source"]
    distance = (figures["share"] - 50).abs()
    nearest = distance.groupby([figures[k] for k in keys]).transform("min")
    return (figures["source"] != "") & (distance > nearest)
