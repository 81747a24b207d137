"""Starting an audit from a page: what to draw, and what it will cost."""

from __future__ import annotations

import json

import streamlit as st

from gammaface.audit.options import estimate
from gammaface.audit.terms import PLAIN, TARGETS, short_words
from gammaface.errors import GammaFaceError
from gammaface.models.names import take_apart
from gammaface.strategies import ABOUT
from gammaface.workspace import MODELS

from . import work
from .audit_tasks import options_of
from .people import TRAIN
from .state import has_classifier, short

SAMPLERS = ("ddim", "dpm-solver", "unipc", "ddpm")
FIRST_METHODS = ("component-uniform", "stratified", "distribution-guidance")
LIMITS = {"n": (10, 10_000), "seeds": (1, 20), "steps": (2, 250), "pilot": (50, 5000)}
DEFAULTS = {"n": 100, "seeds": 2, "steps": 20, "pilot": 300}
LABELS = {"n": "Images a seed", "seeds": "Seeds", "steps": "Steps", "pilot": "Pilot images"}


def audit_form(model: str) -> None:
    """What to draw, what it will cost, and the button that starts it."""
    if not has_classifier():
        st.markdown("An audit needs an attribute classifier to name groups. Train one first.")
        st.code(TRAIN, language="bash")
        return
    asked = {"model": model} | _asked(model)
    if not asked["targets"]:
        st.caption("Choose at least one target.")
        return
    try:
        plan = estimate(options_of(asked))
    except GammaFaceError as error:
        st.error(f"**{error.what[:1].upper()}{error.what[1:]}.** {error.fix}", icon=":material/error:")
        return
    words, button = st.columns([4, 1], vertical_alignment="center")
    words.caption(
        f"{len(plan)} draws, {plan['images'].sum():,} images:"
        f" {plan['evaluations'].sum():,} network evaluations if every image is kept,"
        f" {plan['at_most'].sum():,} at most. It runs in the background; cancelling keeps every"
        " finished draw."
    )
    if button.button("Start", type="primary", icon=":material/play_arrow:", width="stretch"):
        work.start("audit", asked, title=f"Audit of {short(model)}")


def _asked(model: str) -> dict:
    first = st.columns(2)
    methods = first[0].multiselect(
        "Methods beside plain sampling",
        [name for name in ABOUT if name != PLAIN],
        default=FIRST_METHODS,
        format_func=lambda name: ABOUT[name].title,
        key="audit-methods",
        persist_state="session",
    )
    targets = first[1].multiselect(
        "Perceived attributes to be evened out",
        TARGETS,
        default=TARGETS[:1],
        format_func=short_words,
        key="audit-targets",
        persist_state="session",
    )
    second = st.columns(len(LIMITS) + 1)
    sampler, steps = _recorded_path(model)
    defaults = DEFAULTS | {"steps": steps}
    numbers = {
        name: column.number_input(
            LABELS[name],
            *LIMITS[name],
            value=defaults[name],
            key=f"audit-{name}",
            persist_state="session",
        )
        for column, name in zip(second, LIMITS, strict=False)
    }
    sampler = second[-1].selectbox(
        "Sampler",
        SAMPLERS,
        index=SAMPLERS.index(sampler),
        key="audit-sampler",
        persist_state="session",
    )
    return numbers | {"methods": methods, "targets": targets, "sampler": sampler}


def _recorded_path(model: str) -> tuple[str, int]:
    """The sampler and steps recorded for a bundled model, else a quick DDIM; read without torch."""
    try:
        named = take_apart(model)
        chosen = json.loads((MODELS / named.base / named.solver_file).read_text())["chosen"]
        if chosen["sampler"] in SAMPLERS and LIMITS["steps"][0] <= chosen["steps"] <= LIMITS["steps"][1]:
            return chosen["sampler"], chosen["steps"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return "ddim", DEFAULTS["steps"]
