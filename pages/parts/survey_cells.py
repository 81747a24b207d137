"""A survey's maps, space by timestep, and its tables; a map is drawn when its tab is opened."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gammaface.figures import survey as figures

from .people import FIXED

FOLLOWED, PROBED, BIC = "What components follow", "What a linear probe reads", "How many components"


def cell_by_cell(
    mine: dict[str, pd.DataFrame], attributes: list[str], told: list[int], *, tests: int
) -> None:
    """One map of three: components, probes, BIC; `tests` is how many the first was corrected for."""
    followed, probed, bic = st.tabs([FOLLOWED, PROBED, BIC], key="survey-map", bind="query-params")
    if followed.open:
        with followed:
            _followed(mine["association"], attributes, told, tests)
    if probed.open:
        with probed:
            _probed(mine["probes"], attributes)
    if bic.open:
        with bic:
            _bic(mine["sweep"])


def _followed(related: pd.DataFrame, attributes: list[str], told: list[int], tests: int) -> None:
    left, right = st.columns([2, 3], gap="medium")
    with left:
        attribute = _attribute(attributes)
    k = right.segmented_control(
        "Components",
        told,
        default=told[len(told) // 2],
        format_func=lambda k: f"K = {k}",
        required=True,
        key="survey-k",
        bind="query-params",
    )
    st.plotly_chart(
        figures.association_map(related[related["k"] == k], attribute=attribute),
        config=FIXED,
        alt="Adjusted mutual information of component and attribute, by view and timestep.",
    )
    st.caption(
        "0 is chance, 1 means that the component tells the attribute. `chance`: not distinguishable from"
        f" it (permutation test, Holm-corrected over all {tests:,} tests)."
    )


def _probed(probes: pd.DataFrame, attributes: list[str]) -> None:
    attribute = _attribute(attributes)
    if not (probes["attribute"] == attribute).any():
        st.markdown("No probe was trained for this measure of the picture: probes read attributes of people.")
        return
    st.plotly_chart(
        figures.probe_map(probes, attribute=attribute),
        config=FIXED,
        alt="Accuracy of a linear probe by space and timestep.",
    )


def _bic(sweep: pd.DataFrame) -> None:
    views = sorted(set(sweep["view"]), reverse=True)
    view = st.selectbox("View", views, key="survey-view", bind="query-params", width=420)
    st.plotly_chart(
        figures.bic_map(sweep[sweep["view"] == view]),
        config=FIXED,
        alt="BIC above its lowest value, by number of components and timestep.",
    )


def _attribute(attributes: list[str]) -> str:
    """One attribute for both maps of attributes."""
    return st.selectbox(
        "Attribute",
        attributes,
        format_func=lambda a: a.replace("_", " "),
        key="survey-attribute",
        bind="query-params",
    )


def the_numbers(mine: dict[str, pd.DataFrame], *, name: str) -> None:
    """The tables behind the maps."""
    with st.expander("The numbers"):
        table = st.segmented_control(
            "Table",
            list(mine),
            default="association",
            required=True,
            key="survey-table",
            bind="query-params",
        )
        st.dataframe(mine[table], hide_index=True)
        st.download_button(
            "Download CSV",
            lambda: mine[table].to_csv(index=False).encode(),
            file_name=f"{name}-{table}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
