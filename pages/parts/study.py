"""A study, or an exploration of a harvest, as the pages read it: once, and checked."""

from __future__ import annotations

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
}
STUDY_NUMBERS = NUMBERS | {"evenness": {"p"}}
SHARE = {"attribute", "value", "n", "share", "low", "high"}
MEMBERS = {
    "people": {"seed", "component", "ita", "tone"},
    "people_by_component": SHARE | {"group", "overall"},
    "association": {"attribute", "ami", "cramers_v", "p_holm", "n"},
}
PEOPLE = MEMBERS | {
    "people_shares": SHARE | {"even", "corrected"},
    "labels": {"group", "seed"},
    "moves": {"attribute", "how", "sentence"},
}
FOUND = {"n", "follows"}
STUDY_FOUND = FOUND | {"attributes", "recalls", "validation"}
BEFORE = "this run is from before faces were labelled"


@dataclass(frozen=True)
class Members:
    """What a classifier perceives in harvested faces; tables as `gammaface.studies.census` names them."""

    people: pd.DataFrame
    people_by_component: pd.DataFrame
    association: pd.DataFrame
    found: dict


@dataclass(frozen=True)
class People(Members):
    """The same of a study, which counts and moves shares as well."""

    people_shares: pd.DataFrame
    labels: pd.DataFrame
    moves: pd.DataFrame


@dataclass(frozen=True)
class Clusters:
    """The components of a harvest: of a study, or of an exploration."""

    run: Run
    sweep: pd.DataFrame
    points: pd.DataFrame
    components: pd.DataFrame
    images: pd.DataFrame
    numbers: dict
    people: Members | None
    missing: str  # why there are no people
    stamp: int  # changes whenever the run does

    @property
    def name(self) -> str:
        return self.run.manifest.name

    @property
    def config(self) -> dict:
        return self.run.manifest.config

    @property
    def model(self) -> str:
        return self.config["model"]


@dataclass(frozen=True)
class Study(Clusters):
    """A study as the pages read it."""

    people: People | None


@st.cache_data(show_spinner=False, max_entries=8)
def read_study(path: str, stamp: int) -> Study:
    """The study at `path`; `stamp` changes whenever it does.

    Raises
    ------
    GammaFaceError
        For what is missing or damaged.
    """
    return Study(**_read(Run.open(path), STUDY_NUMBERS, STUDY_FOUND, PEOPLE, People), stamp=stamp)


@st.cache_data(show_spinner=False, max_entries=4)
def read_exploration(path: str, stamp: int) -> Clusters:
    """The exploration at `path`, as :func:`read_study`."""
    return Clusters(**_read(Run.open(path), NUMBERS, FOUND, MEMBERS, Members), stamp=stamp)


def _read(run: Run, numbers_wanted: dict, found_wanted: set, people_wanted: dict, people_class) -> dict:
    tables = _tables(run, COLUMNS)
    numbers = run.read_json("metrics.json")
    try:
        found = numbers.get("people", {"missing": BEFORE})
        wanted = numbers_wanted if "missing" in found else numbers_wanted | {"people": found_wanted}
        lacking = [k for k, inner in wanted.items() if inner - set(numbers[k])]
    except (KeyError, TypeError, AttributeError):
        lacking = ["all"]
    _check(lacking, "the numbers of this run are missing or damaged")
    _check({"n", "t", "steps", "seed"} - set(run.manifest.config), "the settings of this run are damaged")
    missing = found.get("missing", "")
    people = None if missing else people_class(**_tables(run, people_wanted), found=found)
    return {"run": run, **tables, "numbers": numbers, "people": people, "missing": missing}


def _tables(run: Run, wanted: dict[str, set[str]]) -> dict[str, pd.DataFrame]:
    tables = {name: run.table(name) for name in wanted}
    for name, columns in wanted.items():
        _check(columns - set(tables[name].columns), f"the table '{name}' lacks columns")
    return tables


def _check(lacking: object, what: str) -> None:
    if lacking:
        raise GammaFaceError(what, fix="Choose another run in the sidebar, or compute this one again.")
