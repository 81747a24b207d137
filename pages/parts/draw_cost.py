"""What a draw cost, beside plain sampling."""

from __future__ import annotations

import streamlit as st

from .batches import Shown, Side


def costs(shown: Shown) -> None:
    """Faces, evaluations and time, beside those of plain sampling."""
    quiet = {"delta_color": "off", "delta_arrow": "off", "border": True}
    drawn, plain = shown.drawn, shown.plain
    places = st.columns(3)
    missing = shown.wanted - len(drawn.rows)
    places[0].metric(
        "Faces drawn",
        f"{len(drawn.rows):,}",
        f"{missing:,} of {shown.wanted:,} missing: the draw was stopped"
        if missing
        else "all that were asked for",
        **quiet,
    )
    places[1].metric("Network evaluations per face", _number(drawn.evaluations), _beside(shown), **quiet)
    each = _seconds_each(drawn)
    against = f"plain: {_duration(_seconds_each(plain))}" if plain else "wall time as it was drawn"
    places[2].metric("Time per face", _duration(each), against, **quiet)


def _beside(shown: Shown) -> str:
    if shown.plain is None or not shown.plain.evaluations or shown.drawn.evaluations is None:
        return "pilot and discarded draws included"
    times = shown.drawn.evaluations / shown.plain.evaluations
    return f"{times:.2f} times plain's {_number(shown.plain.evaluations)}"


def _number(value: float | None) -> str:
    return "not kept" if value is None else f"{value:,.1f}".removesuffix(".0")


def _seconds_each(side: Side) -> float | None:
    return side.seconds / len(side.rows) if side.seconds and len(side.rows) else None


def _duration(seconds: float | None) -> str:
    return "not kept" if seconds is None else f"{seconds:.2g} s"
