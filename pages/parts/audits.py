"""Audits as the pages read them: found, read once, and checked."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from gammaface.audit.terms import attribute_words, in_order, short_words
from gammaface.errors import GammaFaceError
from gammaface.workspace import EXAMPLES, Run, list_runs

from .state import missed, short, stamp_of
from .words import plain

COLUMNS = {
    "summary": {"method", "target", "strategy", "seeds", "n", "fd", "fd_low", "noise_floor", "cost", "note"},
    "shares": {"method", "target", "attribute", "class", "count", "n", "share", "low", "high", "corrected"},
    "figures": {"method", "target", "metric", "value", "low", "high", "vs_plain"},
    "quality": {"method", "target", "reference", "kind", "group", "value", "low", "high", "n", "note"},
    "between": {"method", "target", "kind", "group", "other", "value", "n", "note"},
    "tones": {"method", "target", "group", "median", "n"},
    "pareto": {"method", "target", "reading", "cost", "fd", "low", "high", "noise_floor", "on_front"},
    "goals": {"method", "target", "reading", "limit", "cost_limit"},
    "answers": {"target", "method", "met", "sentence"},
    "sentences": {"about", "method", "target", "sentence"},
}
BOOK = {"classes", "targets", "recalls", "second", "second_missing", "extractor", "resolution"}
FIX = "Choose another audit, or run this one again."


@dataclass(frozen=True)
class Audit:
    """An audit's tables and what they were read with."""

    run: Run
    tables: dict[str, pd.DataFrame]
    book: dict
    thumbnails: pd.DataFrame

    @property
    def name(self) -> str:
        return self.run.manifest.name

    @property
    def targets(self) -> list[str]:
        return list(dict.fromkeys(self.tables["summary"]["target"]))

    @property
    def methods(self) -> list[str]:
        """Baselines first."""
        return in_order(self.tables["summary"])

    def of(self, table: str, target: str) -> pd.DataFrame:
        """A table's rows of one target."""
        rows = self.tables[table]
        return rows[rows["target"] == target]

    def said(self, target: str, *about: str) -> list[str]:
        """Sentences of a target, and those of none, for Markdown."""
        rows = self.tables["sentences"]
        rows = rows[rows["about"].isin(about) & rows["target"].isin([target, ""])]
        return [plain(sentence) for sentence in rows["sentence"]]


def audits(model: str | None) -> list[Run]:
    """Finished audits of a model, newest first, the shipped one last."""
    found = [r for r in list_runs() if (r.manifest.kind, r.manifest.state) == ("audit", "done")]
    mine = [r for r in found if r.manifest.config.get("model") == model]
    return sorted(mine, key=lambda r: (r.path.parent != EXAMPLES, r.manifest.created), reverse=True)


def choose_audit() -> Audit | None:
    """The audit that the reader chose, kept between pages and in the link; None where none is."""
    runs = {r.manifest.name: r for r in audits(st.session_state.get("model"))}
    if not runs:
        return None
    missed("audit", runs, "audit")
    name = next(iter(runs))
    if len(runs) > 1:
        name = st.selectbox("Audit", list(runs), key="audit", bind="query-params", width=420)
    run = runs[name]
    return read_audit(str(run.path), stamp_of(run))


@st.cache_data(show_spinner=False, max_entries=4)
def read_audit(path: str, stamp: int) -> Audit:
    """The audit at `path`; `stamp` changes whenever it does.

    Raises
    ------
    GammaFaceError
        For what is missing or damaged.
    """
    run = Run.open(path)
    tables = {name: run.table(name) for name in COLUMNS}
    for name, columns in COLUMNS.items():
        if columns - set(tables[name]):
            raise GammaFaceError(f"the audit's table '{name}' lacks columns", fix=FIX)
    book = run.read_json("audit.json")
    if BOOK - set(book) or tables["summary"].empty:
        raise GammaFaceError("what this audit was read with is missing or damaged", fix=FIX)
    thumbnails = run.table("thumbnails") if run.has("tables/thumbnails.parquet") else pd.DataFrame()
    return Audit(run, tables, book, thumbnails)


def choose_target(audit: Audit) -> str:
    """One of the audit's targets, kept between pages and in the link."""
    if st.session_state.get("evened") not in audit.targets:  # another audit's
        st.session_state.pop("evened", None)
    return st.segmented_control(
        "Perceived attributes to be evened out",
        audit.targets,
        format_func=short_words,
        default=audit.targets[0],
        required=True,
        key="evened",
        bind="query-params",
    )


def facts(audit: Audit) -> str:
    """What was drawn, in one line."""
    c, summary = audit.run.manifest.config, audit.tables["summary"]
    drawn = summary[summary["seeds"] > 0]
    n = " to ".join(f"{v:,}" for v in dict.fromkeys((drawn["n"].min(), drawn["n"].max())))
    seeds = " to ".join(f"{v}" for v in dict.fromkeys((drawn["seeds"].min(), drawn["seeds"].max())))
    noun = "seed" if seeds == "1" else "seeds"
    words = f"{n} images x {seeds} {noun} a method, {c['steps']} {c['sampler']} steps,"
    return plain(f"{words} model {short(c['model'])}, run {audit.name}. {audit.run.manifest.note}".strip())


def recalls_in_words(audit: Audit, target: str) -> str:
    """Which recalls the corrected figures use."""
    attributes = target.partition("@")[0].split("+")
    known = audit.book["recalls"]
    if any(name not in known for name in attributes):
        return "Nothing is corrected: the classifier's recalls of this target are not known."
    parts = [f"{attribute_words(name)}: {plain(known[name]['source'])}" for name in attributes]
    real = any(not known[name]["by_hand"] for name in attributes)
    warning = " Recalls on real faces need not hold for generated ones." if real else ""
    return (
        "Corrected for the classifier's errors (CLEAM, Teo et al.) with its recalls, measured on"
        f" {'; '.join(parts)}.{warning}"
    )
