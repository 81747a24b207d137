"""The Overview's first look: one sentence, a grid of faces that grows, shares against even."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from gammaface import figures
from gammaface.shares.people import name_of, word_of

from . import pictures, work
from .people import FIXED
from .selection import held_pictures
from .state import runner, short
from .study import Study
from .tasks import faces_name

FIRST = ("gender", "race", "young40")  # what a newcomer looks for; the rest stands below
MORE = 12  # faces drawn on one press
COLUMNS = 5


def in_a_sentence(study: Study) -> None:
    """Whom the model draws most, with intervals, beside what even shares would be."""
    if study.people is None:
        return
    table = study.people.people_shares
    said, even = [], []
    for attribute in FIRST[:2]:
        rows = table[(table["attribute"] == attribute) & table["share"].notna()]
        if len(rows):
            row = rows.loc[rows["share"].idxmax()]
            word = word_of(attribute, str(row["value"]))
            said.append(
                f"<b>{100 * row['share']:.0f}%</b> look {escape(word)}"
                f" ({100 * row['low']:.0f} to {100 * row['high']:.0f}%)"
            )
            even.append(f"{100 * row['even']:.0f}%")
    if said:
        st.html(
            f'<p class="gf-say">Of {study.people.found["n"]:,} faces that <b>{escape(short(study.model))}</b>'
            f" drew on its own, {' and '.join(said)}. Even shares would be {' and '.join(even)}.</p>"
        )


def growing_grid(study: Study) -> None:
    """Plainly drawn faces, seeds in order; a press draws further ones into it."""
    plain = [int(seed) for seed in study.images.loc[study.images["group"] == "plain", "seed"]]
    recorded = {seed: study.run.image(seed, "plain") for seed in plain}
    drawn = held_pictures(study, ("people",))
    added = [seed for seed in sorted(drawn) if seed not in recorded and _drawn_here(study, drawn[seed])]
    faces = [pictures.Face(file, f"Generated face, seed {seed}") for seed, file in recorded.items()]
    faces += [pictures.Face(drawn[seed].file, f"Generated face, seed {seed}") for seed in added[-MORE:]]
    pending = [s for job in _under_way(study) for s in job.options.get("seeds", []) if s not in drawn]
    waiting = "".join(f'<span class="gf-wait">seed {seed}</span>' for seed in pending[:MORE])
    st.html(pictures.faces_html(faces, columns=COLUMNS).removesuffix("</div>") + waiting + "</div>")
    missing = [int(s) for s in study.points["seed"] if s not in recorded and s not in drawn][:MORE]
    with st.container(horizontal=True, vertical_alignment="center"):
        label = f"Draw {len(missing)} more"
        if missing and st.button(label, icon=":material/draw:", disabled=bool(pending), key="draw-more"):
            options = {"study": study.name, "seeds": missing}
            work.start("faces", options, title=f"{len(missing)} more faces", run=faces_name(study.run))
        st.caption(
            "Unselected, seeds in order. All faces are generated; they show no real person.", width="stretch"
        )


def _drawn_here(study: Study, face: pictures.Face) -> bool:
    return face.file.parent.parent.name == faces_name(study.run)


def _under_way(study: Study) -> list:
    return [job for job in runner().jobs() if job.live and job.run == faces_name(study.run)]


def first_shares(study: Study) -> None:
    """Gender, race and age against even."""
    st.plotly_chart(
        _first_chart(str(study.run.path), study.stamp, study.people.people_shares),
        config=FIXED,
        key="first-shares",
        alt=f"Shares of {', '.join(map(name_of, FIRST))} with 95% intervals, against even shares.",
    )


@st.cache_data(show_spinner=False, max_entries=8)
def _first_chart(path: str, stamp: int, _shares: pd.DataFrame):
    return figures.drawn_shares(_shares[_shares["attribute"].isin(FIRST)])
