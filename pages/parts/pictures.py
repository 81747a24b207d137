"""Faces as HTML: even grids, cards and pairs, each picture with its words."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

from gammaface.errors import GammaFaceError
from gammaface.figures import mark_of

STYLE = Path(__file__).with_name("style.css")
ICON = Path(__file__).with_name("icon.svg")


@dataclass(frozen=True)
class Face:
    """One picture: its file and what it is, for those who do not see it."""

    file: Path
    words: str


def faces_html(faces: list[Face], *, columns: int | None = None) -> str:
    """An even grid; `columns` fixes how many stand side by side."""
    style = f' style="grid-template-columns:repeat({columns},minmax(0,1fr))"' if columns else ""
    return f'<div class="gf-faces"{style}>{"".join(map(_image, faces))}</div>'


def large_html(face: Face) -> str:
    """One picture, as large as a glance needs."""
    return f'<div class="gf-large">{_image(face)}</div>'


def pairs_html(left: list[Face | None], right: list[Face | None], heads: tuple[str, str]) -> str:
    """Two columns of pictures that belong together row by row."""
    cells = "".join(
        _image(face) if face else '<span class="gf-gap"></span>'
        for pair in zip(left, right, strict=True)
        for face in pair
    )
    titles = "".join(f"<span>{escape(h)}</span>" for h in heads)
    return (
        f'<div class="gf-pairs"><div class="gf-heads">{titles}</div><div class="gf-two">{cells}</div></div>'
    )


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


def _image(face: Face) -> str:
    words = escape(face.words)
    return f'<img src="{_inline(face.file)}" alt="{words}" title="{words}">'


def _inline(file: Path) -> str:
    try:
        return "data:image/png;base64," + base64.b64encode(file.read_bytes()).decode()
    except OSError:
        raise GammaFaceError(
            "a picture of this run is missing",
            fix="Choose another run in the sidebar, or compute this one again.",
        ) from None
