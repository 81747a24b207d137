"""Drawn batches: which there are, their pictures beside plain ones, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from gammaface.pictures.downloads import Part, drawn_rows, labels_in, strategy_of
from gammaface.strategies.catalogue import ABOUT, About
from gammaface.workspace import Run, list_runs

from .red_box import told
from .state import Study, stamp_of

RECORDED = "As recorded"


@dataclass(frozen=True)
class Side:
    """Pictures that one strategy drew: a run, or a group of a study.

    ``rows`` are those of :func:`gammaface.pictures.downloads.drawn_rows`; ``evaluations`` of the
    network per picture, pilot included, and ``seconds`` are None where they were not kept.
    """

    run: Run
    group: str
    rows: pd.DataFrame
    labels: pd.DataFrame | None
    evaluations: float | None
    seconds: float | None

    @property
    def part(self) -> Part:
        """Its pictures for a download."""
        strategy = strategy_of(self.run, self.group)
        return ("plain" if strategy == "plain" else "drawn", self.run, self.rows, strategy)


@dataclass(frozen=True)
class Shown:
    """A batch, the plain one beside it, and what moved between them."""

    name: str
    drawn: Side
    plain: Side | None
    moves: pd.DataFrame | None
    wanted: int  # pictures asked for: more than there are where the draw was stopped

    @property
    def config(self) -> dict:
        return self.drawn.run.manifest.config

    @property
    def about(self) -> About:
        return ABOUT[strategy_of(self.drawn.run, self.drawn.group)]

    @property
    def target(self) -> dict[str, float] | None:
        """Wanted share of each cell, where the draw had a target."""
        if "attributes" not in self.config:
            return None
        return dict(zip(self.config["cells"], self.config["shares"], strict=True))

    @property
    def words(self) -> str:
        """How it was drawn, in one line."""
        c, count = self.config, f"{len(self.drawn.rows):,}"
        if len(self.drawn.rows) < self.wanted:
            count += f" of {self.wanted:,}"
        parts = [f"{count} faces", self.about.title.lower()]
        if self.about.name == "component-uniform":
            k = c.get("k") or self.drawn.rows["component"].nunique()
            parts = [f"{count} faces", f"K = {k}, {c['injection']} injection"]
        elif "mixture" in self.about.needs:
            parts.append(f"K = {c['k']}")
        return ", ".join([*parts, f"seed {c['seed']}", f"{c['steps']} steps"])


def batches(study: Study) -> dict[str, Run]:
    """Batches of this model with these weights that hold pictures, newest first."""
    runs = [
        r
        for r in list_runs()
        if r.manifest.kind == "sample"
        and r.manifest.state != "running"
        and r.manifest.weights == study.run.manifest.weights
        and r.has("tables/images.parquet")
    ]
    runs.sort(key=lambda r: r.manifest.created, reverse=True)
    found = {r.manifest.name: r for r in runs}
    return {name: found[name] for name in told(runs, lambda r: in_words(r.manifest.name, found))}


def in_words(name: str, found: dict[str, Run]) -> str:
    """A batch as it is offered: its strategy, size and name."""
    if name not in found:
        return "As recorded with this run"
    config, state = found[name].manifest.config, found[name].manifest.state
    stopped = "" if state == "done" else ", stopped"
    return f"{ABOUT[config['strategy']].title}, {config['n']:,} faces{stopped} ({name})"


def read(study: Study, batch: Run | None) -> Shown:
    """The recorded pictures of the study, or those of a batch.

    Raises
    ------
    GammaFaceError
        For what is missing or damaged.
    """
    run = study.run if batch is None else batch
    return _read(str(run.path), stamp_of(run))


@st.cache_data(show_spinner=False, max_entries=8)
def _read(path: str, stamp: int) -> Shown:
    run = Run.open(path)
    moves = run.table("moves") if run.has("tables/moves.parquet") else None
    if run.manifest.kind == "study":
        drawing = run.read_json("metrics.json").get("drawing", {})
        drawn, plain = (_of_study(run, group, drawing.get(group, {})) for group in ("balanced", "plain"))
        return Shown(run.manifest.name, drawn, plain, moves, len(drawn.rows))
    plain = None
    if run.has("plain/tables/images.parquet"):
        plain = _of_batch(Run.open(run.path / "plain"))
    return Shown(run.manifest.name, _of_batch(run), plain, moves, run.manifest.config["n"])


def _of_study(run: Run, group: str, cost: dict) -> Side:
    rows = drawn_rows(run, group=group)
    return Side(
        run, group, rows, labels_in(run, group=group), cost.get("evaluations_per_image"), cost.get("seconds")
    )


def _of_batch(run: Run) -> Side:
    rows, evaluations = drawn_rows(run), None
    if "evaluations" in rows and len(rows):
        pilot = 0
        if run.has("notes.json"):
            pilot = run.read_json("notes.json")["pilot_evaluations"]
        evaluations = float(rows["evaluations"].mean()) + pilot / len(rows)
    return Side(run, "", rows, labels_in(run), evaluations, run.manifest.timings.get("sample"))
