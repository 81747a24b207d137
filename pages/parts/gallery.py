"""Faces that can be clicked, or reached by keyboard: which one was chosen comes back."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from .pictures import Face, source

CSS = """
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(76px, 1fr)); gap: 6px; }
button { padding: 0; border: 2px solid transparent; border-radius: 8px; background: none; cursor: pointer;
  line-height: 0; aspect-ratio: 1; max-width: 112px; }
button img { width: 100%; height: 100%; border-radius: 6px; display: block; }
button:hover { border-color: color-mix(in srgb, var(--st-primary-color) 55%, transparent); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
button[aria-pressed="true"] { border-color: var(--st-primary-color); }
"""
JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  let grid = parentElement.querySelector(".faces");
  if (!grid) {
    grid = document.createElement("div");
    grid.className = "faces";
    grid.setAttribute("role", "group");
    parentElement.appendChild(grid);
  }
  grid.setAttribute("aria-label", data.label);
  grid.replaceChildren(...data.faces.map((face) => {
    const button = document.createElement("button"), picture = document.createElement("img");
    button.type = "button";
    button.title = face.words;
    button.dataset.seed = face.seed;
    button.setAttribute("aria-pressed", String(face.seed === data.chosen));
    picture.src = face.source;
    picture.alt = face.words;
    button.appendChild(picture);
    button.onclick = () => setTriggerValue("chosen", face.seed);
    return button;
  }));
}
"""
_mount = st.components.v2.component("gammaface_faces", css=CSS, js=JS)


def gallery(
    faces: dict[int, Face], *, label: str, chosen: int | None, key: str, on_choose: Callable[[int], None]
) -> None:
    """A grid of faces by seed; `on_choose(seed)` is called before the page runs again."""

    def tell() -> None:
        seed = st.session_state[key].get("chosen")
        if seed is not None:
            on_choose(int(seed))

    shown = [{"seed": seed, "words": face.words, "source": source(face.file)} for seed, face in faces.items()]
    _mount(key=key, data={"faces": shown, "label": label, "chosen": chosen}, on_chosen_change=tell)
