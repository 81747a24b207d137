"""What was found in a person's folder, as a page shows it."""

from __future__ import annotations

import base64
from html import escape

import pandas as pd
import streamlit as st

from gammaface import figures
from gammaface.shares.people import SMALL, name_of

from .people import FIXED
from .words import plain

MOST_PROBLEMS = 1000


def seen(report) -> None:
    """Layout, counts and a few pictures."""
    quiet = {"border": True}
    facts = st.columns(4)
    facts[0].metric("Faces", f"{report.n:,}", **quiet)
    facts[1].metric("Left out", f"{len(report.problems):,}", **quiet)
    facts[2].metric("Attributes labelled", f"{report.labels.shape[1]}", **quiet)
    facts[3].metric("Pixels", report.sizes[0] if report.sizes else "unknown", **quiet)
    endings = ", ".join(f"{n:,} {ending}" for ending, n in list(report.files.items())[:6])
    splits = "; splits: " + ", ".join(f"{k} {n:,}" for k, n in report.splits.items()) if report.splits else ""
    st.markdown(f"Recognised as **{plain(report.layout)}**. Files: {plain(endings + splits)}.")
    images = "".join(
        f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" alt="{escape(words)}"'
        f' title="{escape(words)}">'
        for words, png in report.preview
    )
    st.html(f'<div class="gf-faces">{images}</div>')
    st.caption("A few of them, evenly spread over the list, read where they lie. Nothing is copied.")


def counted(counts: pd.DataFrame) -> None:
    """Faces per class."""
    st.plotly_chart(
        figures.class_bars(counts),
        config=FIXED,
        alt="Faces per class of every labelled attribute, against even shares.",
    )


def crossed(labels: pd.DataFrame, cell_counts) -> None:
    """Faces per joint cell of two attributes."""
    names = list(labels.columns)
    first, second = st.columns(2)
    rows = first.selectbox("Rows", names, format_func=_capital, key="cell-rows", bind="query-params")
    others = [name for name in names if name != rows]
    columns = second.selectbox(
        "Columns", others, format_func=_capital, key="cell-columns", bind="query-params"
    )
    cells = cell_counts(labels, [rows, columns])
    st.plotly_chart(
        figures.cell_map(cells, rows=rows, columns=columns),
        config=FIXED,
        alt=f"Faces in every joint cell of {name_of(rows)} and {name_of(columns)}.",
    )
    small = cells[cells["small"]].sort_values("count")
    if len(small):
        listed = [f"{row[rows]}, {row[columns]}: {row['count']}" for _, row in small.iterrows()]
        more = f", and {len(listed) - 6} more" if len(listed) > 6 else ""
        verb = "cell holds" if len(small) == 1 else "cells hold"
        st.warning(
            f"{len(small)} {verb} fewer than {SMALL} faces ({plain('; '.join(listed[:6]))}{more})."
            " What is measured there has intervals too wide to tell groups apart.",
            icon=":material/groups:",
        )
    else:
        st.markdown(f"Every cell holds at least {SMALL} faces; the smallest has {cells['count'].min():,}.")
    st.download_button(
        "Save the cells as CSV", cells.to_csv(index=False), file_name="cells.csv", mime="text/csv"
    )


def left_out(problems: pd.DataFrame) -> None:
    """Rows that cannot be used, counted and listed."""
    if not len(problems):
        return
    st.subheader("What is missing or broken", anchor=False)
    counts = problems["problem"].value_counts().rename_axis("Problem").reset_index(name="Rows")
    left, right = st.columns([1, 2], gap="large")
    left.dataframe(counts, hide_index=True, width="stretch", height="content")
    words = {"source": "Where", "problem": "Problem", "detail": "Detail"}
    right.dataframe(problems.head(MOST_PROBLEMS).rename(columns=words), hide_index=True, width="stretch")
    if len(problems) > MOST_PROBLEMS:
        right.caption(f"The first {MOST_PROBLEMS:,} of {len(problems):,}.")


def _capital(name: str) -> str:
    return name_of(name).capitalize()
