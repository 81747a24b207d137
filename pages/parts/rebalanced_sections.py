"""Sections of Audit/Rebalance: the table, who is drawn, pictures, price."""

from __future__ import annotations

import streamlit as st

from gammaface.figures import audit_quality
from gammaface.figures.before_after import before_after
from gammaface.figures.rebalance import fairness_and_quality, pies
from gammaface.reports.rebalancing import before_and_after, figures_table, rebalancing_page, whose
from gammaface.tables import Format

from . import pictures
from .exports import report_button, table_buttons
from .people import FIXED
from .rebalanced import Rebalanced

KINDS = {"frechet": "Fréchet", "kernel": "Kernel"}


def the_table(found: Rebalanced) -> None:
    """Every row with intervals, and the way to take it along."""
    filled, name = figures_table(found.rows), found.run.manifest.name
    st.dataframe(filled, hide_index=True, height="content")
    places = st.columns([1, 1, 1, 3])
    table_buttons(places[:2], lambda format: found.rows if format is Format.csv else filled, name=name)
    report_button(places[2], lambda: rebalancing_page(found.run), name=name)


def who(found: Rebalanced, row: str) -> None:
    """Shares before and after, as pies and with intervals."""
    shares = found.tables["shares"]
    left, right = st.columns(2, gap="large")
    left.plotly_chart(
        pies(shares, ("plain", row)), config=FIXED, alt="Shares of each group before and after, as pies."
    )
    with right:
        st.plotly_chart(
            before_after(before_and_after(shares, row), question="How sure is that?"),
            config=FIXED,
            alt="Shares of each group before and after with 95% intervals, against even ones.",
        )


def faces(found: Rebalanced, row: str) -> None:
    """The same seeds before and after."""
    files = sorted((found.run.path / "images" / "plain").glob("*.png"))
    pairs = [(file, found.run.path / "images" / row / file.name) for file in files]
    pairs = [(a, b) for a, b in pairs if b.is_file()]
    if not pairs:
        st.markdown("No pictures of this row were kept.")
        return
    for column, side, words in zip(
        st.columns(2, gap="large"), (0, 1), ("plain", found.trained[row]), strict=True
    ):
        column.markdown(f"**{words}**")
        shown = [pictures.Face(pair[side], f"{words}, seed {int(pair[side].stem)}") for pair in pairs]
        column.html(pictures.faces_html(shown, columns=6))
    st.caption(
        f"Seeds {int(pairs[0][0].stem)} to {int(pairs[-1][0].stem)}, unselected, the same on both sides."
    )


def price(found: Rebalanced) -> None:
    """Fairness against quality, and why shares mislead distances over all pictures."""
    left, right = st.columns(2, gap="large")
    extractor = found.run.manifest.config["extractor"]
    left.plotly_chart(
        fairness_and_quality(found.rows, extractor=extractor),
        config=FIXED,
        alt="Fairness discrepancy against the group-matched Fréchet distance of every row.",
    )
    with right:
        kind = st.segmented_control(
            "Distance", list(KINDS), format_func=KINDS.get, default="frechet", required=True, key="between"
        )
        table = found.tables["between"]
        st.plotly_chart(
            audit_quality.between(table[table["kind"] == kind], words=whose(found.run)),
            config=FIXED,
            alt="Distances between groups; the diagonal is two halves of one group.",
        )
