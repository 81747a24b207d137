"""The tables of a study: figures, groups, mixing ratios, the paper's layout, claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from gammaface.baselines import get_method
from gammaface.downstream.cells import Cell, Stored, read_cells
from gammaface.downstream.claims import claims_table
from gammaface.downstream.figures import TaskFigures, recall_table, task_figures
from gammaface.downstream.layout import paper_tables
from gammaface.downstream.terms import REFERENCE, arm_words
from gammaface.workspace import Run


def write_tables(
    run: Run, *, resamples: int = 1000, report: Callable[[str, int, int], None] | None = None
) -> dict[str, pd.DataFrame]:
    """Compute every table from the stored cells and keep it in the run.

    Returns
    -------
    dict of str to DataFrame
        By the names in `TABLES`; see the functions of this module, `layout` and `claims`.
    """
    found = study_tables(
        read_cells(run.path),
        resolution=run.manifest.config["recipe"]["resolution"],
        resamples=resamples,
        report=report,
    )
    for name, table in found.items():
        run.write_table(name, table)
    return found


def study_tables(
    cells: Sequence[Stored],
    *,
    resolution: int,
    resamples: int = 1000,
    protected: Sequence[str] | None = None,
    variants: Mapping[str, str] | None = None,
    report: Callable[[str, int, int], None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Every table of a study's cells, task by task.

    `protected` and `variants` (tpr, mode, weights, kl_variant) are those of
    `gammaface.downstream.figures.task_figures`.
    """
    by_task: dict[tuple[str, str], list[Stored]] = {}
    for stored in cells:
        by_task.setdefault((stored.cell.data, stored.cell.target), []).append(stored)
    figures, recalls = [], []
    for done, members in enumerate(by_task.values()):
        if report:
            report("tables", done, len(by_task))
        figures.append(task_figures(members, protected=protected, resamples=resamples, **(variants or {})))
        key = {"data": members[0].cell.data, "target": members[0].cell.target}
        recalls.append(recall_table(members, protected=protected, resamples=resamples).assign(**key))
    if report:
        report("tables", len(by_task), len(by_task))
    long = pd.concat([figures_table(f) for f in figures], ignore_index=True)
    tables = {
        "cells": cells_table(cells),
        "figures": long,
        "groups": pd.concat(recalls, ignore_index=True),
        "ratios": ratios_table(long),
    }
    tables |= paper_tables(long, cells, resolution=resolution)
    return tables | {"claims": claims_table(figures)}


def cells_table(cells: Sequence[Stored]) -> pd.DataFrame:
    """One row per cell: what it is, what went in, how long it took.

    ``n_original``, ``n_generated`` and ``n_distinct_generated`` are faces trained on,
    ``per_class`` the originals a class that were there to choose from; ``gaps_filled`` is the
    share of `targeted`'s faces that the set could give where they were wanted.
    """
    keep = ("per_class", "n_original", "n_generated", "n_distinct_generated", "pool", "gaps_filled")
    keep += ("images_seen", "n_test")
    return pd.DataFrame(
        [
            {
                "name": stored.cell.name,
                **arm_columns(stored.cell),
                "seed": stored.cell.seed,
                **{name: stored.facts.get(name, np.nan) for name in keep},
                "seconds": stored.seconds,
            }
            for stored in cells
        ]
    )


def arm_columns(cell: Cell) -> dict:
    """What an arm is, as columns; ``share`` is in percent."""
    return {
        "data": cell.data,
        "target": cell.target,
        "arm": cell.arm,
        "method": cell.method,
        "source": cell.source,
        "share": 100 * cell.share,
        "design": cell.design if cell.source else "",
        "labeller": cell.labeller if cell.source else "",
        "min_p": cell.min_p if cell.source else np.nan,
    }


def figures_table(figures: TaskFigures) -> pd.DataFrame:
    """One row per arm and metric.

    ``value, low, high`` (mean over the seeds, 95%), ``seed_sd`` (standard deviation over
    the seeds), ``seeds``, and the signed differences ``vs_baseline`` and ``vs_plain`` with
    their intervals, over the seeds that both have; ``control`` names the plain-augment arm of
    the latter. Without one of the same mix and size of set it is NaN, and ``note`` says so.
    """
    rows = []
    for arm, cell in figures.arms.items():
        control = figures.control(arm)
        against: dict[str, str | None] = {"vs_baseline": REFERENCE, "vs_plain": control}
        for metric in figures.variants:
            if metric not in figures.point[arm]:
                continue
            per_seed, seeds = figures.point[arm][metric], figures.shared(arm, arm, metric)
            row = arm_columns(cell) | {"protected": "+".join(figures.task.protected), "metric": metric}
            row |= _named("{}", figures.value(arm, metric))
            row |= {
                "seed_sd": float(np.std(per_seed, ddof=1)) if len(per_seed) > 1 else np.nan,
                "seeds": len(seeds),
                "n": figures.n,
                "groups": figures.groups,
                "min_n": figures.min_n,
                "variant": figures.variants[metric],
            }
            for name, other in against.items():
                known = other in figures.arms and other != arm
                difference = figures.difference(arm, other, metric) if known else (np.nan,) * 3
                row |= _named(name + "_{}", difference)
            row |= {"control": control or "", "note": _note(figures, arm, metric, against)}
            rows.append(row)
    return pd.DataFrame(rows).rename(
        columns={"vs_baseline_value": "vs_baseline", "vs_plain_value": "vs_plain"}
    )


def ratios_table(figures: pd.DataFrame) -> pd.DataFrame:
    """Figures by generated share, from 0% (the baseline) up, for each set and main mix.

    Arms that differ in design, labeller or confidence have their own ``curve``.
    """
    mixed = figures[(figures["source"] != "") & figures["method"].map(lambda m: not get_method(m).editing)]
    curves = []
    for (data, target), part in mixed.groupby(["data", "target"], sort=False):
        start = figures[
            (figures["data"] == data) & (figures["target"] == target) & (figures["method"] == REFERENCE)
        ]
        keys = ["method", "source", "design", "labeller", "min_p"]
        for key, curve in part.groupby(keys, sort=False):
            name = ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in key)
            curves.append(pd.concat([start, curve.sort_values("share")]).assign(curve=name))
    return pd.concat(curves, ignore_index=True) if curves else figures.iloc[:0].assign(curve="")


def _note(figures: TaskFigures, arm: str, metric: str, against: Mapping[str, str | None]) -> str:
    """What a reader of a figure and its differences should know."""
    cell, seeds = figures.arms[arm], len(figures.shared(arm, arm, metric))
    notes = [figures.note]
    if seeds == 1:
        notes.append("one seed: the interval leaves training's noise out")
    if cell.source and against["vs_plain"] is None:
        plain, why = cell.control(), "which was not run"
        if plain.arm in figures.arms:
            ours, theirs = figures.unequal(arm, plain.arm)
            why = f"whose set has {theirs:,} generated faces, not {ours:,}"
        notes.append(f"{_words(cell)} has no difference to {_words(plain)}, {why}")
    for other in against.values():
        both = len(figures.shared(arm, other, metric)) if other in figures.arms else seeds
        if both < seeds:
            words = _words(figures.arms[other])
            notes.append(f"{_words(cell)} is held against {words} over {both} of its {seeds} seeds")
    return "; ".join(filter(None, notes))


def _words(cell: Cell) -> str:
    """An arm as people read it."""
    return arm_words(cell.method, cell.source, 100 * cell.share, *cell.settings)


def _named(pattern: str, interval: tuple[float, float, float]) -> dict[str, float]:
    return {pattern.format(end): value for end, value in zip(("value", "low", "high"), interval, strict=True)}
