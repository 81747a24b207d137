"""Rebalancings as the page reads them: found, read once, checked, and told as one table."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from gammaface import published
from gammaface.errors import GammaFaceError
from gammaface.workspace import EXAMPLES, Run, list_runs

TABLES = ("rows", "by_set", "shares", "between", "groups", "sentences")
NEEDED = {
    "rows": {"row", "title", "fd", "fd_low", "fd_high", "frechet", "noise_floor", "goal_met", "guard"},
    "shares": {"row", "title", "group", "share", "low", "high", "even"},
    "between": {"kind", "group", "other", "value", "n"},
    "sentences": {"about", "row", "sentence"},
}


@dataclass(frozen=True)
class Rebalanced:
    """A run and its tables."""

    run: Run
    tables: dict[str, pd.DataFrame]

    @property
    def rows(self) -> pd.DataFrame:
        return self.tables["rows"]

    @property
    def trained(self) -> dict[str, str]:
        """Titles of the trained rows by name."""
        rows = self.rows[self.rows["start"] != ""]
        return dict(zip(rows["row"], rows["title"], strict=True))

    def said(self, *about: str) -> list[str]:
        table = self.tables["sentences"]
        return list(table.loc[table["about"].isin(about), "sentence"])


def rebalancings(model: str | None) -> list[Run]:
    """Finished rebalancings, those of the chosen model first, then newest first, shipped ones last."""
    found = [r for r in list_runs() if (r.manifest.kind, r.manifest.state) == ("rebalance", "done")]
    found.sort(key=lambda r: r.manifest.created, reverse=True)
    found.sort(key=lambda r: (r.manifest.config.get("model") != model, r.path.parent == EXAMPLES))
    return found


@st.cache_data(show_spinner=False, max_entries=4)
def read(path: str, stamp: int) -> Rebalanced:
    """The run at `path`; `stamp` changes whenever it does."""
    run = Run.open(path)
    tables = {name: run.table(name) for name in TABLES}
    if any(columns - set(tables[name]) for name, columns in NEEDED.items()):
        raise GammaFaceError(
            "a table of this rebalancing lacks columns", fix="Choose another, or run this one again."
        )
    return Rebalanced(run, tables)


def published_words(attributes: list[str]) -> str:
    """What the paper found, for scale."""
    race = attributes in (["race"], ["race3"])
    dataset, target = ("FFHQ", "race") if race else ("CIFAR10-LT", "class")
    table = published.load()
    table = table[(table["source"] == "GAN rebalancing") & (table["metric"] == "fairness_discrepancy")]
    table = table[(table["dataset"] == dataset) & (table["target"] == target)].set_index("method")["value"]
    plain, lowest = table["plain"], table.drop("balanced data", errors="ignore").min()
    return (
        f"For scale, not for comparison: the paper's retrained GAN on {dataset} goes from {plain:.4f} to"
        f" {lowest:.4f}, with other classes, another model and another classifier."
    )
