"""What every page shares: the chosen model, device and run, read once and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from gammaface import workspace
from gammaface.errors import GammaFaceError
from gammaface.jobs import Runner
from gammaface.workspace import EXAMPLES, Run, home, list_runs

from .tasks import TASKS

FIRST = "first-light"
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


@dataclass(frozen=True)
class Study:
    """A study as the pages read it."""

    run: Run
    sweep: pd.DataFrame
    points: pd.DataFrame
    components: pd.DataFrame
    images: pd.DataFrame
    numbers: dict

    @property
    def name(self) -> str:
        return self.run.manifest.name

    @property
    def config(self) -> dict:
        return self.run.manifest.config

    @property
    def model(self) -> str:
        return self.config["model"]


@contextmanager
def in_words() -> Iterator[None]:
    """Show what went wrong as one red box; the page ends there."""
    try:
        yield
    except GammaFaceError as error:
        what = error.what[:1].upper() + error.what[1:]
        st.error(f"**{what}.** {error.fix}", icon=":material/error:")


def runner() -> Runner:
    """The one runner of this server."""
    return _runner(str(home().resolve()))


@st.cache_resource(show_spinner=False)
def _runner(folder: str) -> Runner:
    return Runner(Path(folder), TASKS)


@st.cache_data(show_spinner=False)
def devices() -> list[str]:
    """Devices of this machine; torch, slow to import, is asked only where a GPU may be."""
    if not Path("/dev/nvidiactl").exists():
        return ["cpu"]
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] + ["cpu"]


def short(model: str) -> str:
    """A model's name without the way to it."""
    return Path(model).name


def studies() -> list[Run]:
    """Readable studies that are finished, newest first, the shipped ones last."""
    found = [r for r in list_runs() if r.manifest.kind == "study" and "model" in r.manifest.config]
    own = [r for r in found if r.path.parent != EXAMPLES and r.manifest.state == "done"]
    return sorted(own, key=lambda r: r.manifest.created, reverse=True) + [
        r for r in found if r.path.parent == EXAMPLES
    ]


def models() -> list[str]:
    """Bundled models, then others that a study was made of."""
    bundled = workspace.bundled_models()
    return list(dict.fromkeys(bundled + [r.manifest.config["model"] for r in studies()]))


def damaged() -> int:
    """How many run folders cannot be read."""
    return len(list(home().glob("*/manifest.json"))) - sum(r.path.parent == home() for r in list_runs())


def chosen_study() -> Study | None:
    """The study that the sidebar names, or None where there is none."""
    name, model = st.session_state.get("run"), st.session_state.get("model")
    for run in studies():
        if run.manifest.name == name and run.manifest.config["model"] == model:
            return _read(str(run.path), (run.path / "manifest.json").stat().st_mtime_ns)
    return None


@st.cache_data(show_spinner=False, max_entries=8)
def _read(path: str, stamp: int) -> Study:
    run = Run.open(path)
    tables = {name: run.table(name) for name in COLUMNS}
    for name, columns in COLUMNS.items():
        _check(columns - set(tables[name].columns), f"the table '{name}' lacks columns")
    try:
        numbers = json.loads((run.path / "metrics.json").read_text())
        lacking = [k for k, inner in NUMBERS.items() if inner - set(numbers[k])]
    except (OSError, ValueError, KeyError, TypeError):
        lacking = ["all"]
    _check(lacking, "the numbers of this run are missing or damaged")
    _check({"n", "t", "steps", "seed"} - set(run.manifest.config), "the settings of this run are damaged")
    return Study(run, **tables, numbers=numbers)


def _check(lacking: object, what: str) -> None:
    if lacking:
        raise GammaFaceError(what, fix="Choose another run in the sidebar, or compute this one again.")
