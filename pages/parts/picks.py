"""Which picture is looked at: chosen by a click or by keyboard, and kept in the link."""

from __future__ import annotations

import streamlit as st

PARAMETER = "image"
# Pictures are buttons in the page's own HTML; this listens for all of them at once.
JS = """
export default function ({ setTriggerValue }) {
  const tell = (event) => {
    const button = event.target.closest("[data-pick]");
    if (button) setTriggerValue("picked", button.dataset.pick);
  };
  document.addEventListener("click", tell);
  return () => document.removeEventListener("click", tell);
}
"""
_mount = st.components.v2.component("gammaface_picks", js=JS)


def pick_of(seed: int, *, plain: bool = False) -> str:
    """How a picture stands in the link."""
    return f"plain-{seed}" if plain else str(seed)


def listen() -> None:
    """Mount once on a page whose pictures are buttons."""

    def tell() -> None:
        choose(st.session_state["picks"].get("picked"))

    _mount(key="picks", on_picked_change=tell, height=1)


def choose(pick: str | None) -> None:
    """Look at this picture, or at none."""
    if pick:
        st.query_params[PARAMETER] = pick
    else:
        st.query_params.pop(PARAMETER, None)


def chosen() -> tuple[int, bool] | None:
    """Seed of the picture looked at, and whether it is a plain one."""
    text = st.query_params.get(PARAMETER, "")
    seed = text.removeprefix("plain-")
    return (int(seed), text != seed) if seed.isdecimal() and len(seed) < 19 else None
