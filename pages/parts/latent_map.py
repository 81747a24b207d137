"""The map of the latents: flat or in space, its colours, and a selection that outlives them."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pandas as pd
import streamlit as st

from gammaface import figures
from gammaface.shares.people import attributes_of, name_of

from .map_in_space import offer_space, places_in_space
from .people import choose_attribute
from .selection import remember
from .study import Clusters

CHART = {"displaylogo": False, "modeBarButtonsToRemove": ["autoScale2d", "toImage"], "scrollZoom": True}
COLOURS = {"component": "Component", "confidence": "Confidence (largest responsibility)"}
FLAT, SPACE = "2-D", "3-D"
MOST_SENT = 2000  # points of a selection, each 160 bytes


@st.cache_resource(show_spinner=False, max_entries=8)
def coloured_map(
    path: str,
    stamp: int,
    view: str,
    colour: str,
    held: str,
    pointed: int | None,
    _held: tuple[int, ...],
    _clusters: Clusters,
    _places: pd.DataFrame | None,
):
    """The map, made once per colour and `held`, which stands for the selection in it: a changed
    figure would drop what is selected.

    One object for all sessions, for a copy of 100,000 points takes longer than the page.
    """
    points = _clusters.points
    if colour not in points:
        points = points.merge(_clusters.people.people[["seed", colour]], on="seed", how="left")
    if view == SPACE:
        points = points.drop(columns=["x", "y"]).merge(_places, on="seed")
        return figures.space_map(points, colour=colour, selected=_held, pointed=pointed)
    return figures.cluster_map(points, colour=colour, selected=_held, pointed=pointed)


def hold(slot: str) -> None:
    """Another colour is another figure: what is selected stands out in it from the start."""
    held = tuple(st.session_state.get(slot, ()))
    if st.session_state.get(f"pointed-{slot}") not in held:
        st.session_state.pop(f"pointed-{slot}", None)
    st.session_state[f"held-{slot}"] = held
    st.session_state[f"turn-{slot}"] = st.session_state.get(f"turn-{slot}", 0) + 1


def picked(key: str, slot: str) -> None:
    """Remember what is selected; a browser sends all of a chart's selection with every later run of
    the page, so a large one is held by the figure instead, under another key."""
    remember(key, slot)
    if len(st.session_state[slot]) > MOST_SENT:
        hold(slot)


def point_at(slot: str, seed: int) -> None:
    """Ring a seed on the map; the selection stays."""
    st.session_state[f"pointed-{slot}"] = seed
    hold(slot)


def colours(clusters: Clusters) -> dict[str, str]:
    """What the points can be coloured by, in words."""
    names = dict(COLOURS)
    if clusters.people is not None:
        wanted = [*attributes_of(clusters.people.people), "tone", "ita"]
        names |= {c: name_of(c).capitalize() for c in wanted}
    k = clusters.numbers["k"]["used"]
    each = [f"r{i}" for i in range(k) if f"r{i}" in clusters.points]
    return names | {c: f"Responsibility of component {c[1:]}" for c in each}


def latent_map(clusters: Clusters, slot: str) -> str:
    """The map, and the choices over it; returns the attribute whose shares are wanted."""
    first, second, third = st.columns([2, 3, 3])
    view = first.segmented_control(
        "Map", [FLAT, SPACE], default=FLAT, required=True, key="map", bind="query-params"
    )
    names = colours(clusters)
    colour = second.selectbox(
        "Colour by",
        list(names),
        format_func=names.get,
        key="colour",
        bind="query-params",
        on_change=hold,
        args=(slot,),
    )
    attribute = ""
    if clusters.people is not None:
        with third:
            attribute = choose_attribute([*attributes_of(clusters.people.people), "tone"], label="Shares of")
    places = places_in_space(clusters) if view == SPACE else None
    if view == SPACE and places is None:
        offer_space(clusters)
        return attribute
    chart(clusters, slot, view, colour, places, names[colour])
    if view == SPACE:
        st.caption("Turn it with the mouse. Selecting works on the flat map; what is selected is large here.")
    if colour not in clusters.points:
        labelled = len(clusters.people.people)
        st.caption(f"{labelled:,} of the latents are finished and labelled; the others are small and grey.")
    return attribute


def chart(clusters: Clusters, slot: str, view: str, colour: str, places, words: str) -> None:
    """The figure; on the flat one, what is selected is remembered."""
    held, turn, pointed = (
        st.session_state.get(f"{what}-{slot}", default)
        for what, default in (("held", ()), ("turn", 0), ("pointed", None))
    )
    of, digest = str(clusters.run.path), sha256(np.array(held, np.int64).tobytes()).hexdigest()
    figure = coloured_map(of, clusters.stamp, view, colour, digest, pointed, held, clusters, places)
    alt = f"Scatter of the latents' UMAP coordinates, {view}, by {words.lower()}."
    if view == SPACE:
        st.plotly_chart(figure, key=f"space-{clusters.name}-{colour}-{turn}", config=CHART, alt=alt)
        return
    key = f"map-{clusters.name}-{colour}-{turn}"
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: picked(key, slot),
        selection_mode=("points", "lasso", "box"),
        config=CHART,
        alt=alt,
    )
