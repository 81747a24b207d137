"""How a face came about, and faces near it: computed from its seed when asked for."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from gammaface.errors import GammaFaceError
from gammaface.pictures.details import key_of, variations_at
from gammaface.workspace import Run, home

from . import work
from .batches import Shown, Side
from .picture_tasks import details_name
from .pictures import Face, faces_html, image_html
from .state import runner

VARIATIONS = 6
SAME = 3  # of 255: batches of another size round otherwise


def strip_of(shown: Shown, side: Side, seed: int, *, plain: bool) -> None:
    """The denoising strip, or the button that computes it."""
    st.markdown("**How it came about**")
    folder, key = _folder(side), key_of(side.group, seed)
    file = folder / "strips" / f"{key}.json"
    if not file.is_file():
        _offer("strip", "Show the denoising strip", shown, side, seed, plain, icon=":material/movie:")
        st.caption("Walks the path again from the seed: the noisy picture, and what the model expects of it.")
        return
    try:
        found = Run.open(folder).read_json(f"strips/{key}.json")
        timesteps, cleans = found["timesteps"], found["sqrt_abars"]
    except KeyError:
        raise GammaFaceError(
            "the strip of this picture is damaged", fix=f"Delete {file.name} in the run {folder.name}."
        ) from None
    pictures = folder / "strips" / key
    rows = [
        '<span class="gf-row">as it is</span>',
        *(image_html(Face(pictures / f"x_t-{i}.png", f"At t = {t}")) for i, t in enumerate(timesteps)),
        '<span class="gf-row">expected</span>',
        *(
            image_html(Face(pictures / f"x0-{i}.png", f"Expected at t = {t}"))
            for i, t in enumerate(timesteps)
        ),
        '<span class="gf-row">√ᾱ</span>',
        *(f"<span>{clean:.2f}</span>" for clean in cleans),
    ]
    st.html(f'<div class="gf-strip" style="--n:{len(timesteps)}">{"".join(rows)}</div>')
    st.caption(ending(found))


def ending(found: dict) -> str:
    """Whether the path that was walked again ends in the picture."""
    away = found["largest_difference"]
    if away <= SAME:
        return "The path ends in this very picture: the seed and the beginning are all there is to it."
    if found["steered"]:
        return (
            "The strategy steered this picture on its way. The strip shows what becomes of its seed without"
            " steering, and that is another picture."
        )
    return (
        f"The path ends {away} of 255 away from the picture: it was drawn on another machine or device, or in"
        " another precision."
    )


def variations_of(shown: Shown, side: Side, seed: int, *, plain: bool) -> None:
    """Faces whose noise is turned a little: a strength, a button, and what was drawn."""
    st.markdown("**Variations**")
    strength = st.slider(
        "Strength",
        0.05,
        1.0,
        value=0.2,
        step=0.05,
        key="variation-strength",
        persist_state="session",
        help="How far the noise is turned towards another: 0 is this face, 1 an unrelated one.",
    )
    folder = _folder(side) / variations_at(key_of(side.group, seed), strength)
    held = [folder / f"{i}.png" for i in range(VARIATIONS)]
    if all(file.is_file() for file in held):
        words = f"Variation of seed {seed} at strength {strength:.2f}, number"
        faces = [Face(file, f"{words} {i + 1}") for i, file in enumerate(held)]
        st.html(faces_html(faces, columns=VARIATIONS))
        st.caption("The same every time: they depend on the seed, their number and the strength alone.")
        return
    more = {"n": VARIATIONS, "strength": strength}
    _offer("variations", "Make variations", shown, side, seed, plain, icon=":material/flare:", **more)


def _offer(task: str, label: str, shown: Shown, side: Side, seed: int, plain: bool, *, icon: str, **more):
    options = {"run": shown.name, "seed": seed, "plain": plain} | more
    if any(job.task == task and job.options == options for job in runner().live()):
        st.caption("Being computed. It appears here by itself.")
    elif st.button(label, key=f"make-{task}", icon=icon):
        work.start(task, options, title=f"{label} of seed {seed}", run=details_name(side.run))


def _folder(side: Side) -> Path:
    return home() / details_name(side.run)
