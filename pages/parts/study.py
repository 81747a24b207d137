"""A study as the pages read it: once, and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from gammaface.errors import GammaFaceError
from gammaface.workspace import Run

COLUMNS = {
    "sweep": {"k", "bic", "aic", "heldout_loglik", "stability_ari"},
    "points": {"seed", "x", "y", "component", "confidence"},
    "components": {"component", "weight", "n", "share", "low", "high", "brightness", "contrast"},
    "images": {"group", "seed", "component"},
}
NUMBERS = {
    "harvest": {"n", "t", "sqrt_abar", "space"},
    "k": {"used", "suggested", "reason", "warnings"},
    "evenness": {"p"},
}
SHARE = {"attribute", "value", "n", "share", "low", "high"}
PEOPLE = {
    "people": {"seed", "component", "ita", "tone"},
    "people_shares": SHARE | {"even", "corrected"},
    "people_by_component": SHARE | {"group", "overall"},
    "association": {"attribute", "ami", "cramers_v", "p_holm", "n"},
    "labels": {"group", "seed"},
    "moves": {"attribute", "how", "sentence"},
}
FOUND = {"n", "attributes", "recalls", "validation", "follows"}
BEFORE = "this run is from before faces were labelled"


@dataclass(frozen=True)
class People:
    """What a classifier perceives in a study's faces; tables as `gammaface.census` names them."""

    people: pd.DataFrame
    people_shares: pd.DataFrame
    people_by_component: pd.DataFrame
    association: pd.DataFrame
    labels: pd.DataFrame
    moves: pd.DataFrame
    found: dict


@dataclass(frozen=True)
class Study:
    """A study as the pages read it."""

    run: Run
    sweep: pd.DataFrame
    points: pd.DataFrame
    components: pd.DataFrame
    images: pd.DataFrame
    numbers: dict
    people: People | None
    missing: str  # why there are no people

    @property
    def name(self) -> str:
        return self.run.manifest.name

    @property
    def config(self) -> dict:
        return self.run.manifest.config

    @property
    def model(self) -> str:
        return self.config["model"]


@st.cache_data(show_spinner=False, max_entries=8)
def read_study(path: str, stamp: int) -> Study:
    """The study at `path`; `stamp` changes whenever it does.

    Raises
    ------
    GammaFaceError
        For what is missing or damaged.
    """
    run = Run.open(path)
    tables = _tables(run, COLUMNS)
    try:
        numbers = json.loads((run.path / "metrics.json").read_text())
        found = numbers.get("people", {"missing": BEFORE})
        wanted = NUMBERS if "missing" in found else NUMBERS | {"people": FOUND}
        lacking = [k for k, inner in wanted.items() if inner - set(numbers[k])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        lacking = ["all"]
    _check(lacking, "the numbers of this run are missing or damaged")
    _check({"n", "t", "steps", "seed"} - set(run.manifest.config), "the settings of this run are damaged")
    missing = found.get("missing", "")
    people = None if missing else People(**_tables(run, PEOPLE), found=found)
    return Study(run, **tables, numbers=numbers, people=people, missing=missing)


def _tables(run: Run, wanted: dict[str, set[str]]) -> dict[str, pd.DataFrame]:
    tables = {name: run.table(name) for name in wanted}
    for name, columns in wanted.items():
        _check(columns - set(tables[name].columns), f"the table '{name}' lacks columns")
    return tables


def _check(lacking: object, what: str) -> None:
    if lacking:
        raise GammaFaceError(what, fix="Choose another run in the sidebar, or compute this one again.")
