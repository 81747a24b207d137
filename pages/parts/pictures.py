"""Faces as HTML: even grids, cards and pairs, each picture with its words."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

from gammaface.errors import GammaFaceError
from gammaface.figures import mark_of
from gammaface.run_files import content_of

STYLE = Path(__file__).with_name("style.css")
ICON = Path(__file__).with_name("icon.svg")


@dataclass(frozen=True)
class Face:
    """One picture: its file and what it is, for those who do not see it.

    With `pick` it is a button that says which picture was chosen, see :mod:`pages.parts.picks`.
    """

    file: Path
    words: str
    pick: str = ""


def faces_html(faces: list[Face], *, columns: int | None = None) -> str:
    """An even grid; `columns` fixes how many stand side by side."""
    style = f' style="grid-template-columns:repeat({columns},minmax(0,128px))"' if columns else ""
    return f'<div class="gf-faces"{style}>{"".join(map(image_html, faces))}</div>'


def large_html(face: Face) -> str:
    """One picture, as large as a glance needs."""
    return f'<div class="gf-large">{image_html(face)}</div>'


def sheet_html(png: bytes, words: str, *, stamp: int) -> str:
    """A sheet of pictures that lies in memory; of another `stamp` it is another message."""
    return f'<img class="gf-sheet" data-at="{stamp}" src="{_encoded(png)}" alt="{escape(words)}">'


def captioned_html(face: Face, words: str) -> str:
    """One picture with a line beside it."""
    return f'<div class="gf-captioned">{image_html(face)}<p>{escape(words)}</p></div>'


def card_html(title: str, *, component: int | None, facts: list[str], body: str) -> str:
    """A card with a component's mark, its facts and pictures."""
    glyph = ""
    if component is not None:
        mark = mark_of(component)
        glyph = f'<span class="gf-mark" style="color:{mark.colour}">{mark.glyph}</span>'
    lines = "".join(f"<p>{escape(fact)}</p>" for fact in facts)
    return f'<section class="gf-card"><h3>{glyph}{escape(title)}</h3>{lines}{body}</section>'


def cards(pieces: list[str]) -> None:
    """Cards side by side, as many as fit."""
    st.html(f'<div class="gf-cards">{"".join(pieces)}</div>')


def image_html(face: Face) -> str:
    words = escape(face.words)
    image = f'<img src="{source(face.file)}" alt="{words}" title="{words}">'
    return f'<button type="button" data-pick="{escape(face.pick)}">{image}</button>' if face.pick else image


def source(file: Path) -> str:
    """What a picture's `src` needs to show it.

    Raises
    ------
    GammaFaceError
        When the file is not there, or not as it was when its run was finished.
    """
    if not file.is_file():
        raise GammaFaceError(
            "a picture of this run is missing",
            fix="Choose another run in the sidebar, or compute this one again.",
        )
    return _encoded(content_of(file))


def _encoded(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
