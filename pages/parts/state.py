"""What every page shares: the chosen model, device and run, read once and checked."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import streamlit as st

from gammaface import workspace
from gammaface.jobs import Runner
from gammaface.models.names import GUIDANCE, guidance_suffix
from gammaface.workspace import EXAMPLES, Run, home, list_runs

from .application_tasks import APPLICATION_TASKS
from .audit_tasks import AUDIT_TASKS
from .classified_tasks import CLASSIFIED_TASKS
from .explore_tasks import EXPLORE_TASKS
from .picture_tasks import PICTURE_TASKS
from .study import Clusters, Study, read_exploration, read_study
from .tasks import TASKS
from .words import plain

FIRST = "first-light"


def runner() -> Runner:
    """The one runner of this server."""
    return _runner(str(home().resolve()))


@st.cache_resource(show_spinner=False)
def _runner(folder: str) -> Runner:
    audits = AUDIT_TASKS | APPLICATION_TASKS | CLASSIFIED_TASKS
    return Runner(Path(folder), TASKS | PICTURE_TASKS | EXPLORE_TASKS | audits)


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


def explorations(model: str | None) -> list[Run]:
    """Finished explorations of a model, newest first."""
    found = [
        r
        for r in list_runs()
        if (r.manifest.kind, r.manifest.state) == ("exploration", "done")
        and r.manifest.config.get("model") == model
    ]
    return sorted(found, key=lambda r: r.manifest.created, reverse=True)


def models() -> list[str]:
    """Bundled models, each with guidance too, then others that a study was made of."""
    ends = [guidance_suffix(scale) for scale in (None, GUIDANCE)]
    bundled = [name + end for name in workspace.bundled_models() for end in ends]
    return list(dict.fromkeys(bundled + [r.manifest.config["model"] for r in studies()]))


def has_classifier() -> bool:
    """Whether an attribute classifier ships with the project."""
    return (workspace.MODELS / "attributes" / "model.safetensors").is_file()


def damaged() -> int:
    """How many run folders cannot be read."""
    return len(list(home().glob("*/manifest.json"))) - sum(r.path.parent == home() for r in list_runs())


def chosen_study() -> Study | None:
    """The study that the sidebar names, or None where there is none."""
    name, model = st.session_state.get("run"), st.session_state.get("model")
    for run in studies():
        if run.manifest.name == name and run.manifest.config["model"] == model:
            return read_study(str(run.path), stamp_of(run))
    return None


def read_clusters(run: Run) -> Clusters:
    """The components of an exploration."""
    return read_exploration(str(run.path), stamp_of(run))


def stamp_of(run: Run) -> int:
    """Changes whenever the run does."""
    return (run.path / "manifest.json").stat().st_mtime_ns


def missed(key: str, names: Collection[str], what: str) -> None:
    """Say that the link names something that is not here; call it before the widget of that key,
    which shows another and corrects the link."""
    wanted = st.query_params.get(key)
    if wanted and wanted not in names:
        words = f"The link names a {what} that is not here, '{plain(wanted)}'."
        st.warning(f"{words} It may have been renamed or deleted.", icon=":material/link_off:")
