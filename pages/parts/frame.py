"""The head of every page, and what stands there before the first run."""

from __future__ import annotations

import streamlit as st

from .state import chosen_study, short
from .study import Study
from .words import plain
from .work import panel, start

TRAIN = "python -m gammaface train autoencoder --help\npython -m gammaface train diffusion --help"
STUDY = {"n": 2000, "images": 24, "steps": 50}
REPEATED = (
    *("model", "n", "t", "space", "pca", "k", "k_max", "injection", "images", "sampler", "steps", "seed"),
    *("labelled", "classifier"),
)


def open_page(title: str, lead: str) -> Study:
    """Title, one sentence, the button, running jobs; ends the page where no run exists."""
    study = chosen_study()
    head(title, lead, study)
    if study is None:
        nothing_yet()
        st.stop()
    return study


def head(title: str, lead: str, study: Study | None = None) -> None:
    """Title, one sentence, running jobs; with a study the button that computes it again."""
    row = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    row.title(title, anchor=False, width="content")
    button = row.container(width="content")
    st.markdown(lead)
    if study is not None:
        with button:
            compute_again(study)
    panel()


def nothing_yet() -> None:
    """What to do first: train a model, or study the one there is."""
    model = st.session_state.get("model")
    with st.container(border=True):
        st.subheader("Nothing to show yet", anchor=False)
        if model is None:
            st.markdown(
                "There is no model here. Train one on your own faces, or put a diffusers folder"
                " under `models/`, then load this page again."
            )
            st.code(TRAIN, language="bash")
            return
        st.markdown(
            f"A study of **{plain(short(model))}** draws 2,000 faces halfway, finds the components among"
            " their latents, and draws from each. It runs in the background and can be cancelled;"
            " what it has computed is kept."
        )
        compute_first(model)


def compute_again(study: Study) -> None:
    """A button that recomputes a study into a new run."""
    pressed = st.button(
        "Compute again",
        icon=":material/refresh:",
        help="Recomputes this study, latents and all, into a new run. The shown one stays.",
    )
    if pressed:
        options = {key: study.config[key] for key in REPEATED if key in study.config}
        start("study", options, title=f"Study of {short(study.model)}")


def compute_first(model: str) -> None:
    """A button that makes the first study of a model."""
    if st.button("Compute the first study", type="primary", icon=":material/play_arrow:"):
        start("study", STUDY | {"model": model}, title=f"Study of {short(model)}")
