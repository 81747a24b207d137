"""Surveys of a model: which there are, and starting a small one."""

from __future__ import annotations

import streamlit as st

from gammaface import workspace
from gammaface.errors import GammaFaceError
from gammaface.workspace import Run, list_runs

from . import work
from .people import TRAIN
from .state import has_classifier, short

FULL = "python -m gammaface survey --real FACES --out runs/survey"
# A first look: minutes instead of the hour that the command's settings take on two cores.
SMALL = {"sqrt_abars": (0.15, 0.44, 0.80), "k_max": 6, "told": (2, 4), "steps": 25, "seed": 0}
FEWEST, START, MOST = 100, 600, 5000


def surveys(model: str | None) -> list[Run]:
    """Finished surveys of a model, newest first, the shipped one last."""
    found = [r for r in list_runs() if r.manifest.kind == "survey" and r.manifest.state == "done"]
    mine = [r for r in found if r.manifest.config.get("model") == model]
    return sorted(mine, key=lambda r: (r.path.parent != workspace.EXAMPLES, r.manifest.created), reverse=True)


def begin(model: str | None) -> None:
    """Start a survey as a job."""
    if model is None or not has_classifier():
        st.markdown("A survey needs a model, and an attribute classifier that names what is drawn.")
        st.code(TRAIN, language="bash")
        return
    n, button = st.columns([1, 2], vertical_alignment="bottom")
    count = n.number_input("Faces", FEWEST, MOST, value=START, key="survey-n", persist_state="session")
    if button.button("Start a survey", type="primary", icon=":material/play_arrow:"):
        if not FEWEST <= count <= MOST:
            raise GammaFaceError(f"{count} faces", fix=f"Give {FEWEST} to {MOST:,}.")
        work.start("survey", SMALL | {"model": model, "n": int(count)}, title=f"Survey of {short(model)}")
    when = ", ".join(f"{s:.2f}" for s in SMALL["sqrt_abars"])
    st.caption(
        f"A first look at √ᾱ = {when} and K up to {SMALL['k_max']}. Seven timesteps, more faces and real"
        f" ones beside them: `{FULL}`."
    )
