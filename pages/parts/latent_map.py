"""The map of the latents: its colours, and a selection that outlives them."""

from __future__ import annotations

import streamlit as st

from gammaface import figures
from gammaface.people import attributes_of, name_of

from .people import choose_attribute
from .selection import remember
from .study import Study

CHART = {"displaylogo": False, "modeBarButtonsToRemove": ["autoScale2d", "toImage"], "scrollZoom": True}
COLOURS = {"component": "Component", "confidence": "Confidence (largest responsibility)"}


@st.cache_data(show_spinner=False, max_entries=8)
def coloured_map(path: str, stamp: str, colour: str, held: tuple[int, ...], _study: Study):
    """The map, made once per colour: a changed figure would drop the selection."""
    points = _study.points
    if colour not in points:
        points = points.merge(_study.people.people[["seed", colour]], on="seed", how="left")
    return figures.cluster_map(points, colour=colour, selected=held)


def hold(slot: str) -> None:
    """Another colour is another figure: what is selected stands out in it from the start."""
    st.session_state[f"held-{slot}"] = tuple(st.session_state.get(slot, ()))
    st.session_state[f"turn-{slot}"] = st.session_state.get(f"turn-{slot}", 0) + 1


def latent_map(study: Study, slot: str) -> str:
    """The map, and the two choices over it; returns the attribute whose shares are wanted."""
    first, second = st.columns(2)
    attribute = ""
    names = dict(COLOURS)
    if study.people is not None:
        people = study.people.people
        names |= {c: name_of(c).capitalize() for c in [*attributes_of(people), "tone", "ita"]}
        with second:
            attribute = choose_attribute([*attributes_of(people), "tone"], label="Shares of")
    colour = first.selectbox(
        "Colour by",
        list(names),
        format_func=names.get,
        key="colour",
        bind="query-params",
        on_change=hold,
        args=(slot,),
    )
    held, turn = (
        st.session_state.get(f"{what}-{slot}", default) for what, default in (("held", ()), ("turn", 0))
    )
    stamp = study.run.manifest.created
    key = f"map-{study.name}-{colour}-{turn}"
    st.plotly_chart(
        coloured_map(str(study.run.path), stamp, colour, held, study),
        key=key,
        on_select=lambda: remember(key, slot),
        selection_mode=("points", "lasso", "box"),
        config=CHART,
        alt=f"Scatter of the latents' UMAP coordinates, by {names[colour].lower()}.",
    )
    if colour not in COLOURS:
        st.caption(
            f"{len(people):,} of the latents are finished and labelled; the others are small and grey."
        )
    return attribute
