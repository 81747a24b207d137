"""Selecting points of the map without drawing: by their component, or by their seeds."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import streamlit as st

from gammaface.errors import GammaFaceError

from .latent_map import hold
from .study import Clusters
from .words import blame

MOST_PIECES = 200  # of what is typed
PIECE = re.compile(r"(\d{1,18})(?:\s*-\s*(\d{1,18}))?")


def select_by_hand(clusters: Clusters, slot: str) -> None:
    """What a lasso does, by keyboard."""
    with st.popover("Select by component or seed", icon=":material/keyboard:"):
        components = sorted(int(c) for c in clusters.points["component"].unique())
        st.selectbox("Component", components, index=None, placeholder="Any", key=f"component-of-{slot}")
        st.text_input("Seeds", placeholder="0-99, 512", key=f"seeds-of-{slot}")
        st.button("Select", type="primary", on_click=_select, args=(clusters.points, slot), key=f"by-{slot}")
        refused = st.session_state.pop(f"refused-{slot}", None)
        if refused is not None:
            st.error(blame(refused.what, refused.fix), icon=":material/error:")


def _select(points: pd.DataFrame, slot: str) -> None:
    """The fields are read when the button is pressed: one may have been typed into just now."""
    component, text = (st.session_state.get(f"{what}-of-{slot}") for what in ("component", "seeds"))
    try:
        st.session_state[slot] = wanted(points, component, text or "")
    except GammaFaceError as error:  # said where the page is drawn
        st.session_state[f"refused-{slot}"] = error
    else:
        hold(slot)


def wanted(points: pd.DataFrame, component: int | None, text: str) -> list[int]:
    """Seeds among ``points``, by component, by a text such as ``0-99, 512``, or by both.

    Raises
    ------
    GammaFaceError
        When the text is no list of seeds, or no point is meant.
    """
    seeds = points["seed"].to_numpy()
    meant = np.ones(len(seeds), bool) if component is None else points["component"].to_numpy() == component
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    if component is None and not pieces:
        raise GammaFaceError("nothing is asked for", fix="Choose a component, or type seeds.")
    if len(pieces) > MOST_PIECES:
        raise GammaFaceError(f"{len(pieces)} pieces are too many", fix=f"Give up to {MOST_PIECES}.")
    if pieces:
        typed = np.zeros(len(seeds), bool)
        for piece in pieces:
            found = PIECE.fullmatch(piece)
            if found is None:
                raise GammaFaceError(f"'{piece[:40]}' is no seed", fix="Type seeds such as 0-99, 512.")
            low, high = int(found[1]), int(found[2] or found[1])
            typed |= (seeds >= low) & (seeds <= high)
        meant &= typed
    if not meant.any():
        raise GammaFaceError("none of these latents is meant", fix="Their seeds are shown over the points.")
    return sorted(int(seed) for seed in seeds[meant])
