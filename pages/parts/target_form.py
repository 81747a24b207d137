"""A target: which groups, evenly or in shares that the user gives."""

from __future__ import annotations

import streamlit as st

from gammaface.shares.joint import TARGETS
from gammaface.shares.people import word_of
from gammaface.shares.reached import named
from gammaface.strategies.target import Target

from .words import upper

MOST_CELLS = 12  # whose shares fit on a screen
EVEN, OWN = "Even", "My own"


def choose_target() -> tuple[tuple[str, ...], dict[str, float] | None]:
    """The attributes to even out together, and shares of their cells where they are not even."""
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    attributes = left.multiselect(
        "Target: groups by",
        list(TARGETS),
        default=["gender"],
        format_func=lambda name: upper(named([name])),
        max_selections=3,
        key="draw-attributes",
        persist_state="session",
        help="Of several attributes the joint groups are evened out, such as women under 40.",
    )
    how = right.segmented_control(
        "Shares", [EVEN, OWN], default=EVEN, required=True, key="draw-shares", persist_state="session"
    )
    if not attributes:
        return (), None
    even = Target.even(attributes, TARGETS)
    if how == EVEN:
        groups = "; ".join(in_words(attributes, name) for name in even.names[:MOST_CELLS])
        more = f" and {len(even.names) - MOST_CELLS} more" if len(even.names) > MOST_CELLS else ""
        st.caption(f"{len(even.names)} groups of {100 / len(even.names):.3g}% each: {groups}{more}.")
        return tuple(attributes), None
    if len(even.names) > MOST_CELLS:
        st.caption(f"{len(even.names)} groups are too many to type: they stay even. Choose fewer attributes.")
        return tuple(attributes), None
    return tuple(attributes), _parts(attributes, even.names)


def _parts(attributes: list[str], names: tuple[str, ...]) -> dict[str, float] | None:
    """Shares from parts: 2 and 1 are two thirds and a third."""
    parts = {}
    with st.grid(min(4, len(names))):
        for name in names:
            key = f"part-{'-'.join(attributes)}-{name}"
            parts[name] = st.number_input(
                upper(in_words(attributes, name)), 0.0, 1000.0, value=1.0, key=key, persist_state="session"
            )
    total = sum(parts.values())
    if not total:
        st.caption("All parts are 0: the groups stay even.")
        return None
    shares = {name: part / total for name, part in parts.items()}
    said = "; ".join(f"{in_words(attributes, n)} {100 * s:.3g}%" for n, s in shares.items())
    st.caption(f"Parts of the whole, any numbers: {said}.")
    return shares


def in_words(attributes: list[str], cell: str) -> str:
    """A cell as people read it."""
    values = cell.split(", ")
    return ", ".join(word_of(name, value) for name, value in zip(attributes, values, strict=True))
