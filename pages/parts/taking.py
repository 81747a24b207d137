"""Drawn pictures to take along: an archive, a table, and how to draw them again."""

from __future__ import annotations

import tempfile

import streamlit as st

from gammaface.errors import GammaFaceError
from gammaface.pictures.downloads import Part, as_csv, check_size, write_zip

from .batches import Shown
from .state import stamp_of
from .words import blame


def take_along(shown: Shown) -> None:
    """Download buttons; a file is made when its button is pressed, never before."""
    parts = [side.part for side in (shown.drawn, shown.plain) if side is not None]
    count = sum(len(rows) for _, _, rows, _ in parts)
    first, second, words = st.columns([1, 1, 2], vertical_alignment="center")
    run = shown.drawn.run
    reason = too_large(str(run.path), f"{stamp_of(run)}-{count}", parts)
    if reason:
        first.caption(reason)
    else:
        first.download_button(
            f"{count:,} pictures (zip)",
            data=lambda: archive(parts),
            file_name=f"{shown.name}.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            width="stretch",
            on_click="ignore",
            key="take-zip",
        )
    second.download_button(
        "Table (CSV)",
        data=lambda: as_csv(parts).encode(),
        file_name=f"{shown.name}.csv",
        mime="text/csv",
        icon=":material/table:",
        width="stretch",
        on_click="ignore",
        key="take-csv",
    )
    words.caption(
        "Each PNG says its seed, model, weights, sampler and steps in its text chunks. The table has a row"
        " per picture: seed, component or group, and perceived attributes with how sure they are."
    )


def archive(parts: list[Part]) -> bytes:
    """The archive's bytes, by way of a file, so that memory holds them once."""
    with tempfile.TemporaryFile() as file:
        write_zip(parts, file)
        file.seek(0)
        return file.read()


@st.cache_data(show_spinner=False, max_entries=8)
def too_large(path: str, stamp: str, _parts: list[Part]) -> str:
    """Why there is no archive of these pictures; empty where there is."""
    try:
        check_size(_parts)
    except GammaFaceError as error:
        return blame(error.what, error.fix)
    return ""
