"""The head of every page, and what stands there before the first run."""

from __future__ import annotations

import streamlit as st

from .state import Study, chosen_study, short
from .work import compute_again, compute_first, panel

TRAIN = "python -m gammaface train autoencoder --help\npython -m gammaface train diffusion --help"


def open_page(title: str, lead: str) -> Study:
    """Title, one sentence, the button, running jobs; ends the page where no run exists."""
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    head.title(title, anchor=False, width="content")
    button = head.container(width="content")
    st.markdown(lead)
    study = chosen_study()
    if study is None:
        panel()
        _empty()
        st.stop()
    with button:
        compute_again(study)
    panel()
    return study


def _empty() -> None:
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
            f"A study of **{short(model)}** draws 2,000 faces halfway, finds the components among"
            " their latents, and draws from each. It runs in the background and can be cancelled;"
            " what it has computed is kept."
        )
        compute_first(model)
