"""The points that are selected on the map: their faces, and who they are."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from gammaface import figures
from gammaface.shares.people import SMALL, group_shares, name_of
from gammaface.workspace import home

from . import pictures, work
from .gallery import gallery
from .people import FIXED
from .study import Clusters
from .tasks import faces_name
from .words import plain

MOST_SHOWN = 48  # pictures of one selection
MOST_DRAWN = 12  # drawn on one press
PLAINLY = ("plain", "people")  # picture groups that plain sampling drew


def held_pictures(study: Clusters, groups: tuple[str, ...]) -> dict[int, pictures.Face]:
    """Pictures of harvested seeds that lie on disk: recorded ones, and those drawn since."""
    files = {
        int(file.stem): file for group in groups for file in (study.run.path / "images" / group).glob("*.png")
    }
    drawn = home() / faces_name(study.run) / "images"
    files |= {int(file.stem): file for file in drawn.glob("*.png")}
    return {seed: pictures.Face(file, f"Seed {seed}") for seed, file in files.items()}


def remember(key: str, slot: str) -> None:
    """Keep what is selected on a map beyond the chart."""
    points = st.session_state[key]["selection"]["points"]
    st.session_state[slot] = sorted({int(_seed(point["customdata"])) for point in points})


def _seed(customdata) -> float:
    return customdata[0] if isinstance(customdata, list | tuple) else customdata


def selection(study: Clusters, slot: str, attribute: str, point_at: Callable[[str, int], None]) -> None:
    """The faces of the selected points, who they are, and a button for those not drawn yet."""
    st.subheader("Selected points", anchor=False)
    seeds = st.session_state.get(slot, [])
    if not seeds:
        st.markdown("Click a point or draw a lasso on the map: the faces of those seeds appear here.")
        return
    chosen = study.points[study.points["seed"].isin(seeds)]
    counts = chosen["component"].value_counts().sort_index()
    mix = ", ".join(f"{n:,} of component {c}" for c, n in counts.items())
    st.markdown(f"{len(chosen):,} selected: {plain(mix)}.")
    held = held_pictures(study, (*PLAINLY, "exemplar"))
    inside = set(chosen["seed"])
    faces = {s: held[s] for s in seeds if s in held and s in inside}
    missing = [s for s in seeds if s not in held]
    if faces:
        shown = dict(list(faces.items())[:MOST_SHOWN])
        gallery(
            shown,
            label="Faces of the selected points",
            chosen=st.session_state.get(f"pointed-{slot}"),
            key=f"faces-{slot}",
            on_choose=lambda seed: point_at(slot, seed),
        )
        more = f" The first {MOST_SHOWN} of {len(faces):,} are shown." if len(faces) > MOST_SHOWN else ""
        st.caption(f"Click a face to ring its point on the map.{more}")
    if missing:
        batch = missing[:MOST_DRAWN]
        noun = "face" if len(batch) == 1 else "faces"
        if st.button(f"Draw {len(batch)} {noun}", icon=":material/draw:"):
            options = {"study": study.name, "seeds": batch}
            work.start("faces", options, title=f"{len(batch)} {noun}", run=faces_name(study.run))
        st.caption(f"{len(faces):,} of the selected faces are drawn, {len(missing):,} are not.")
    if study.people is not None:
        who_is_selected(study.people.people, seeds, attribute)


def who_is_selected(people: pd.DataFrame, seeds: list[int], attribute: str) -> None:
    """Shares of one attribute among the selected faces that are labelled, against all."""
    inside = people["seed"].isin(seeds).to_numpy()
    n = int(inside.sum())
    if not n:
        st.caption(f"None of the selected points is among the {len(people):,} labelled faces.")
        return
    table = group_shares(people, inside, [attribute])
    table = pd.concat(
        [
            table[table["group"]].assign(group=f"Selected (n = {n})"),
            group_shares(people, [f"All (n = {len(people)})"] * len(people), [attribute]),
        ]
    )
    st.plotly_chart(
        figures.share_dots(
            table,
            question=f"Does {name_of(attribute)} differ in the selection?",
            attribute=attribute,
            reference="overall",
        ),
        config=FIXED,
        key="selected-shares",
        alt=f"Shares of {name_of(attribute)} among the selected faces with intervals, and among all.",
    )
    few = f" Under {SMALL} faces: read the intervals, not the dots." if n < SMALL else ""
    st.caption(f"{n} of the selected points are labelled.{few}")
