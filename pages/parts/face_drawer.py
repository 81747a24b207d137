"""One face looked at closely: who it seems to show, how it came about, and faces near it."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from gammaface.pictures.downloads import facts_of, marked_png, strategy_of
from gammaface.shares.people import attributes_of, name_of, word_of

from . import picks, red_box
from .batches import Shown, Side
from .near import strip_of, variations_of
from .people import PERCEIVED
from .pictures import Face, large_html
from .target_form import in_words
from .words import plain as as_it_stands

TITLE = "One face"


def face_drawer(shown: Shown) -> None:
    """The drawer, while a picture of this batch is chosen."""
    if _found(shown) is None:
        if picks.chosen() is not None:
            st.caption("The face in this link is not in this batch.")
        return
    st.dialog(TITLE, width=640, position="right", on_dismiss=lambda: picks.choose(None))(_drawn)(shown)


def _drawn(shown: Shown) -> None:
    with red_box.in_words():  # a dialog's error does not reach app.py
        _inside(shown)


def _found(shown: Shown) -> tuple[Side, pd.Series, bool] | None:
    """The chosen picture: which side it is on, its row, and whether it is the plain one."""
    choice = picks.chosen()
    if choice is None:
        return None
    seed, plain = choice
    side = shown.plain if plain else shown.drawn
    if side is None or not (side.rows["seed"] == seed).any():
        return None
    return side, side.rows[side.rows["seed"] == seed].iloc[0], plain


def _inside(shown: Shown) -> None:
    found = _found(shown)
    if found is None:
        return
    side, row, plain = found
    seed = int(row["seed"])
    _steps(side, row, plain)
    left, right = st.columns([2, 3], gap="medium")
    left.html(large_html(Face(row["file"], f"Generated face, seed {seed}")))
    with right:
        st.markdown("  \n".join([f"**Seed {seed}**", *map(as_it_stands, _facts(side, row, plain))]))
        st.download_button(
            "PNG with its facts",
            data=lambda: marked_png(side.run, row, strategy=strategy_of(side.run, side.group)),
            file_name=f"{shown.name}-{'plain-' * plain}{seed:08d}.png",
            mime="image/png",
            icon=":material/download:",
            on_click="ignore",
            key="take-png",
        )
    _perceived(side, row)
    strip_of(shown, side, seed, plain=plain)
    variations_of(shown, side, seed, plain=plain)


def _steps(side: Side, row: pd.Series, plain: bool) -> None:
    """The faces before and after it in the batch."""
    seeds = side.rows["seed"].tolist()
    place = seeds.index(row["seed"])
    before, words, after = st.columns([1, 2, 1], vertical_alignment="center")
    for column, label, key, to in (
        (before, "Previous", "Left", place - 1),
        (after, "Next", "Right", place + 1),
    ):
        inside = 0 <= to < len(seeds)
        column.button(
            label,
            key=f"go-{label}",
            shortcut=key,
            width="stretch",
            disabled=not inside,
            on_click=picks.choose,
            args=(picks.pick_of(seeds[to], plain=plain) if inside else None,),
        )
    words.caption(f"{place + 1:,} of {len(seeds):,} {'plain' if plain else 'drawn'}", text_alignment="center")


def _facts(side: Side, row: pd.Series, plain: bool) -> list[str]:
    facts = facts_of(side.run, row, strategy=strategy_of(side.run, side.group))
    lines = []
    if "component" in facts:
        lines.append(f"Drawn for component {facts['component']} ({facts['injection']})")
    elif "cell" in facts:
        lines.append(f"Drawn for: {in_words(side.run.manifest.config['attributes'], facts['cell'])}")
    else:
        lines.append("Drawn plainly" if facts["strategy"] == "plain" else f"Drawn by {facts['strategy']}")
    lines.append(f"Model {facts['model']}, weights {facts['weights'][:8]}")
    lines.append(f"{facts['steps']} steps, sampler {facts['sampler']}")
    if row.get("evaluations") is not None:
        lines.append(f"{row['evaluations']:.1f} network evaluations, its share of discarded draws included")
    return lines


def _perceived(side: Side, row: pd.Series) -> None:
    """Attributes as the classifier perceives them, with confidence and doubt."""
    st.markdown("**As a classifier perceives it**")
    if side.labels is None:
        st.caption("This face is not labelled.")
        return
    lines = []
    for name in attributes_of(side.labels):
        value = row.get(name)
        if pd.isna(value):
            continue
        lines.append((name_of(name), word_of(name, value), row[f"{name}_p"], row[f"{name}_uncertain"]))
    if "age" in row and not pd.isna(row["age"]):
        age = f"about {row['age']:.0f} years"
        lines.append(("perceived age", age, row["age_p"], row["age_uncertain"]))
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(word))}</td>"
        f'<td><span class="gf-bar"><i style="width:{100 * p:.0f}%"></i></span>{100 * p:.0f}%</td>'
        f"<td>{'in doubt' if doubt else ''}</td></tr>"
        for name, word, p, doubt in lines
    )
    st.html(f'<table class="gf-labels"><tbody>{cells}</tbody></table>')
    tone = ""
    if not pd.isna(row.get("ita")):
        tone = f" Skin tone by ITA: {as_it_stands(row['tone'])} ({row['ita']:.0f}°)."
    st.caption(
        "Percent: the classifier's calibrated probability; for age that it lies within 10 years. In doubt:"
        f" below the probability that gave 95% precision on validation faces.{tone} {PERCEIVED}"
    )
