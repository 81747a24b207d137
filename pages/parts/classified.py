"""Downstream studies as the page reads them: found, read once, checked, and seen one task at a time."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from gammaface.downstream.comparison import arms_in_order, of_task, seeds_in_words
from gammaface.downstream.terms import PER_CLASS, REFERENCE, TABLES, task_words
from gammaface.errors import GammaFaceError
from gammaface.workspace import EXAMPLES, Run, list_runs

from .state import stamp_of
from .words import plain

NEEDED = {
    "cells": {"data", "target", "arm", "seed", "per_class", "n_original", "n_generated", "seconds"},
    "figures": {"data", "target", "arm", "method", "protected", "metric", "value", "low", "high", "vs_plain"},
    "groups": {"data", "target", "arm", "group", "class", "tpr", "low", "high", "n"},
    "ratios": {"data", "target", "curve", "metric", "share", "value", "low", "high"},
    "claims": {"data", "target", "where", "verdict", "sentence", "contradiction"},
}
VARIANTS = {
    "tpr": {
        "per_class": "of each class, then the mean",
        "micro": "micro (group accuracy)",
        "macro": "macro",
        "positive": "of the second class",
    },
    "mode": {"abs": "absolute", "signed": "signed, as printed"},
    "weights": {"share": "by group size", "uniform": "all alike"},
    "kl_variant": {"fixed": "range 0 to 1", "princeton": "as in the public code"},
}
USUAL = {name: next(iter(words)) for name, words in VARIANTS.items()}


@dataclass(frozen=True)
class Classified:
    """A run and its tables."""

    run: Run
    tables: dict[str, pd.DataFrame]

    @property
    def tasks(self) -> dict[tuple[str, str], str]:
        """Each task's protected attributes, joined by +."""
        rows = self.tables["figures"][["data", "target", "protected"]].drop_duplicates()
        return {(r.data, r.target): r.protected for r in rows.itertuples()}

    @property
    def stamp(self) -> int:
        return stamp_of(self.run)


@dataclass(frozen=True)
class View:
    """One task of a study under one choice of groups and variants."""

    data: str
    target: str
    protected: str
    tables: dict[str, pd.DataFrame]
    arms: dict[str, str]

    @property
    def words(self) -> str:
        return task_words(self.data, self.target, self.protected)

    @property
    def classes(self) -> list[str]:
        return list(dict.fromkeys(self.tables["groups"]["class"]))


def studies() -> dict[str, Run]:
    """Finished downstream studies by name, newest first, shipped ones last."""
    found = [r for r in list_runs() if (r.manifest.kind, r.manifest.state) == ("downstream", "done")]
    found.sort(key=lambda r: r.manifest.created, reverse=True)
    found.sort(key=lambda r: r.path.parent == EXAMPLES)
    return {r.manifest.name: r for r in found}


@st.cache_data(show_spinner=False, max_entries=4)
def read(path: str, stamp: int) -> Classified:
    """The study at `path`; `stamp` changes whenever it does.

    Raises
    ------
    GammaFaceError
        For what is missing or damaged.
    """
    run = Run.open(path)
    tables = {name: run.table(name) for name in TABLES}
    if any(columns - set(tables[name]) for name, columns in NEEDED.items()) or tables["figures"].empty:
        raise GammaFaceError(
            "a table of this study lacks columns or rows",
            fix="Choose another study, or write its tables again with `downstream-tables`.",
        )
    return Classified(run, tables)


@st.cache_data(show_spinner="Counting predictions in this way", max_entries=16)
def view(path: str, stamp: int, data: str, target: str, protected: str, variants: dict[str, str]) -> View:
    """A task as it was recorded, or counted anew from its predictions for other groups or variants."""
    found = read(path, stamp)
    if protected == found.tasks[data, target] and variants == USUAL:
        tables = {name: of_task(table, data, target) for name, table in found.tables.items()}
    else:
        from gammaface.downstream.cells import read_cells  # imports torch: not for every page
        from gammaface.downstream.tables import study_tables

        cells = [s for s in read_cells(found.run.path) if (s.cell.data, s.cell.target) == (data, target)]
        tables = study_tables(
            cells,
            resolution=found.run.manifest.config["recipe"]["resolution"],
            protected=protected.split("+"),
            variants=variants,
        )
    return View(data, target, protected, tables, arms_in_order(tables["figures"]))


def facts(found: Classified, seen: View) -> str:
    """What was trained and tested, in one paragraph; less than the paper's is said to be less."""
    recipe, cells = found.run.manifest.config["recipe"], seen.tables["cells"]
    figures = seen.tables["figures"]
    each, classes = int(cells["per_class"].iloc[0]), len(seen.classes)
    theirs = PER_CLASS.get(classes, max(PER_CLASS.values()))
    words = (
        f"{len(cells)} classifiers of {cells['arm'].nunique()} arms,"
        f" {seeds_in_words(cells)}, backbone {recipe['backbone']} at"
        f" {recipe['resolution']} pixels, {recipe['images']:,} pictures shown to each at most."
        f" {each:,} originals a class to draw from"
    )
    words += f", the paper has {theirs:,}." if each < theirs else ", as in the paper."
    words += (
        f" {int(figures['n'].iloc[0]):,} test faces, {int(figures['min_n'].iloc[0])} in the smallest group."
    )
    if cells["seed"].nunique() == 1:
        words += " One seed: intervals leave the noise of training out."
    if REFERENCE not in set(cells["method"]):
        words += " The baseline was not run."
    return f"{words} {plain(f'Run {found.run.manifest.name}.')}"
