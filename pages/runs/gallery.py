"""Runs: everything that was computed, to find again, to take along and to clear away."""

from collections import Counter

import streamlit as st

from gammaface.keeping.upkeep import damaged_runs
from gammaface.workspace import list_runs
from pages.parts.frame import head
from pages.parts.run_actions import delete, said, take_in
from pages.parts.run_cards import card, kind_of
from pages.parts.words import advice, plain, upper

COLUMNS, AT_ONCE = 3, 24


def chosen(runs: list) -> list:
    """The runs of the chosen kinds whose name holds what was typed, newest first."""
    counts = Counter(map(kind_of, runs))
    tools = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
    with tools:
        kinds = st.pills(
            "Kind",
            list(counts),
            selection_mode="multi",
            format_func=lambda kind: f"{plain(kind)} {counts[kind]}",
            key="kinds",
            bind="query-params",
        )
        text = st.text_input("Name holds", key="find", bind="query-params", width=260)
    found = [
        run
        for run in runs
        if (not kinds or kind_of(run) in kinds) and text.strip().casefold() in run.manifest.name.casefold()
    ]
    return sorted(found, key=lambda run: run.manifest.created, reverse=True)


def damaged() -> None:
    """Folders that cannot be read, why, and a way to be rid of them."""
    for path, error in damaged_runs():
        with st.container(border=True):
            words, button = st.columns([5, 1], vertical_alignment="center")
            what = f"{upper(plain(error.what))}. {advice(error.fix)}"
            words.markdown(f":material/error: **{plain(path.name)}** cannot be read. {what}")
            with button:
                delete(path, path.name)


head("Runs", "Everything that was computed here, each run with what it takes to compute it again.")
said()
with st.container(horizontal=True, vertical_alignment="center"):
    take_in()
    st.page_link("pages/runs/compare.py", label="Compare two runs", icon=":material/compare_arrows:")
damaged()
runs = list_runs()
if not runs:
    with st.container(border=True):
        st.subheader("No run yet", anchor=False)
        st.markdown("Compute a first study on the Overview, or import a run that someone gave you.")
        st.page_link("pages/start/overview.py", label="Overview", icon=":material/home:")
    st.stop()

found = chosen(runs)
most = st.session_state.get("gallery-most", AT_ONCE)
for start in range(0, min(len(found), most), COLUMNS):
    for column, run in zip(st.columns(COLUMNS), found[start : start + COLUMNS], strict=False):
        with column:
            card(run)
if not found:
    st.markdown("No run of this kind holds that name. Clear the filters above to see all of them.")
elif len(found) > most:
    st.caption(f"{most} of {len(found):,} runs are shown.")
    if st.button("Show more"):
        st.session_state["gallery-most"] = most + AT_ONCE
        st.rerun()
