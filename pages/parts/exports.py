"""Tables and reports as files: the buttons that every audit has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gammaface.tables import Format, render

TYPES = ((Format.csv, "CSV", "csv", "text/csv"), (Format.latex, "LaTeX", "tex", "application/x-latex"))


def table_buttons(
    places: Sequence[DeltaGenerator], table: Callable[[Format], pd.DataFrame], *, name: str
) -> None:
    """A table as CSV and as LaTeX, made when a button is pressed."""
    for place, (format, words, end, mime) in zip(places, TYPES, strict=True):
        place.download_button(
            words,
            lambda format=format: render(table(format), format),
            file_name=f"{name}.{end}",
            mime=mime,
            icon=":material/download:",
            width="stretch",
            on_click="ignore",
        )


def report_button(place: DeltaGenerator, page: Callable[[], str], *, name: str) -> None:
    """All of it as one HTML page, made when the button is pressed."""
    place.download_button(
        "Report",
        page,
        file_name=f"{name}.html",
        mime="text/html",
        icon=":material/description:",
        width="stretch",
        on_click="ignore",
    )


def take_along(names: Sequence[str], *, key: str) -> tuple[str, list[DeltaGenerator]]:
    """Which table the reader picks, and places for three buttons beside it."""
    st.subheader("Take it along", anchor=False)
    choice = st.columns([3, 1, 1, 1], vertical_alignment="bottom")
    return choice[0].selectbox("Table", list(names), key=key, persist_state="session"), choice[1:]
