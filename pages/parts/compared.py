"""Two runs beside each other: their people and their tables."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gammaface import figures
from gammaface.shares.people import attributes_of, name_of, shares
from gammaface.workspace import Run

from . import pictures
from .people import FIXED, PERCEIVED, choose_attribute
from .red_box import reading
from .run_cards import pictures_of
from .words import plain

MOST_PICTURES, MOST_ROWS = 12, 500


def shares_of(run: Run) -> pd.DataFrame | None:
    """Shares of people in a run, by what it is; None where nobody was counted."""
    tables = run.tables()
    if "people_shares" in tables:
        return run.table("people_shares")
    if "labels" in tables:
        labels = run.table("labels")
        if attributes_of(labels):
            return shares(labels)
    return None


def shares_beside(left: Run, right: Run) -> None:
    """One attribute's shares in both runs with intervals."""
    st.subheader("Who is in them", anchor=False)
    found = []
    for run in (left, right):
        with reading(run):
            found.append(shares_of(run))
    if None in [None if table is None else 1 for table in found]:
        names = [run.manifest.name for run, table in zip((left, right), found, strict=True) if table is None]
        st.markdown(f"No faces are labelled in {plain(' and '.join(names))}: there are no shares to compare.")
        return
    both = [a for a in dict.fromkeys(found[0]["attribute"]) if a in set(found[1]["attribute"])]
    attribute = choose_attribute(both)
    parts = [
        table[table["attribute"] == attribute].assign(
            group=f"{side}: {run.manifest.name} (n = {table['n'].iloc[0]:,})"
        )
        for side, run, table in zip("AB", (left, right), found, strict=True)
    ]
    st.plotly_chart(
        figures.share_dots(
            pd.concat(parts),
            question=f"Does {name_of(attribute)} differ between the two?",
            attribute=attribute,
            reference="even",
        ),
        config=FIXED,
        alt=f"Shares of {name_of(attribute)} in both runs with 95% intervals.",
    )
    st.caption(f"Where two intervals overlap, the difference may be chance. {PERCEIVED}")


def pictures_beside(left: Run, right: Run) -> None:
    """The first pictures of both, in the order of their seeds."""
    for column, run in zip(st.columns(2, gap="large"), (left, right), strict=True):
        files = pictures_of(run)[:MOST_PICTURES]
        with column:
            st.markdown(f"**{plain(run.manifest.name)}**")
            if files:
                faces = [pictures.Face(f, f"Picture {f.stem} of {run.manifest.name}") for f in files]
                st.html(pictures.faces_html(faces, columns=6))
            else:
                st.caption("No pictures.")


def tables_beside(left: Run, right: Run) -> None:
    """A table that both runs hold."""
    common = [name for name in left.tables() if name in right.tables()]
    if not common:
        st.caption("The two runs have no table in common.")
        return
    st.subheader("Their tables", anchor=False)
    name = st.selectbox("Table", common, key="table", bind="query-params", width=360)
    for column, run in zip(st.columns(2, gap="large"), (left, right), strict=True):
        with column:
            table = run.table(name)
            st.markdown(f"**{plain(run.manifest.name)}**, {len(table):,} rows")
            st.dataframe(table.head(MOST_ROWS), hide_index=True, width="stretch")
