"""The parts of Audit/Generator, each drawn from an audit's tables for one target."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gammaface.audit import comparison
from gammaface.audit.report import cells_of, price_of
from gammaface.audit.terms import attribute_words, capital, short_words, target_words
from gammaface.figures import audit as figures

from . import pictures
from .audits import Audit, recalls_in_words
from .people import FIXED

MARKS = {True: ":material/check_circle: **Met.**", False: ":material/cancel: **Missed.**"}
UNKNOWN = ":material/help: **Met as far as measured.**"


def goals(audit: Audit, target: str) -> None:
    """Was the goal met, by how much, and what must be known to read it."""
    row = audit.of("answers", target).iloc[0]
    where = f"{capital(target_words(target))}: "
    with st.container(border=True):
        mark = MARKS.get(row["met"], UNKNOWN if row["method"] else ":material/help: **Not told.**")
        first, _, rest = capital(row["sentence"].removeprefix(where)).partition(". ")
        st.markdown(f"{mark} {first}{'.' if rest else ''}")
        st.markdown(rest)
        st.caption(
            "The goal: the best method other than quotas reaches a fifth of plain sampling's fairness"
            " discrepancy (FD), or the noise floor, at no more than twice its network evaluations; a"
            " quarter at four times for targets of more than three cells. A second opinion confirms it, and"
            " quality is kept on average over the groups; where either is not known, it is met as far as"
            " measured."
        )


def who(audit: Audit, target: str) -> None:
    """Shares of the target's cells under every method."""
    words = target_words(target.partition("@")[0])
    rows = cells_of(audit.of("shares", target), target)
    st.plotly_chart(
        figures.drawn_by(rows, audit.methods, words=words),
        config=FIXED,
        alt=f"Shares of {words} under every method, with intervals.",
    )
    for sentence in audit.said(target, "small"):
        st.caption(f":material/info: {sentence}")


def evenness(audit: Audit, target: str) -> None:
    """Fairness discrepancies beside their noise floors, and against their price."""
    summary, pareto, goals = (audit.of(name, target) for name in ("summary", "pareto", "goals"))
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            figures.distances_from_even(summary, audit.methods),
            config=FIXED,
            alt="Fairness discrepancy of every method by every reading, beside the noise floor.",
        )
    with right:
        st.plotly_chart(
            price_of(pareto, goals, audit.tables["summary"]),
            config=FIXED,
            alt="Fairness discrepancy against network evaluations; the tinted corner meets both limits.",
        )
    _table(comparison.evenness(summary, target))
    _table(comparison.price(summary, target))
    st.caption(
        "FD: distance of the shares from the target's; ± is the spread over seeds."
        f" {recalls_in_words(audit, target)} The floor is what a perfect sampler of as many images"
        " shows. Evaluations count pilots and draws that were thrown away; in the picture, and for the"
        " goals, every pilot is spread over the largest number of images of a method here."
    )
    others = [s for s in audit.said(target, "readings") if "agree" in s or "second opinion" in s]
    st.caption(" ".join(others))


def faces(audit: Audit, target: str) -> None:
    """The same places under every method."""
    table = audit.thumbnails
    if table.empty:
        return
    table = table[table["target"].isin([target, ""])]
    if not (table["target"] == target).any() and len(audit.targets) > 1:
        st.caption(f"Pictures are kept for {short_words(audit.thumbnails['target'].max())} only.")
    pieces = []
    for method in audit.methods:
        part = table[table["method"] == method]
        kept = [
            pictures.Face(audit.run.path / row.file, f"{method}, generated face, seed {row.seed}")
            for row in part.itertuples()
        ]
        if kept:
            body = pictures.faces_html(kept, columns=2)
            pieces.append(pictures.card_html(method, component=None, facts=[], body=body))
    st.subheader("What the first seeds become", anchor=False)
    pictures.cards(pieces)
    st.caption("Unselected, the first places of the first seed. All faces are generated.")


def details(audit: Audit, target: str) -> None:
    """Quality, shares of everything, and every sentence."""
    st.subheader("How good, and what else moved", anchor=False)
    st.dataframe(
        comparison.without_empty(comparison.quality(audit.of("summary", target), target)),
        hide_index=True,
        height="content",
    )
    extractor = audit.book["extractor"] or "none: no distance was measured"
    st.caption(
        "Distances within groups, precision and recall against real test faces (real) or the base"
        " generator's own (base), minus those of plain sampling on the same groups at the same n: a larger"
        " distance is worse, larger precision or recall better. Brackets: 95% over seeds, of distances"
        f" over faces where seeds are together; features of {extractor}. Only Inception's own weights"
        " would make a Fréchet distance an FID. More on the page Quality."
    )
    for sentence in audit.said(target, "components", "limits"):
        st.markdown(f"- {sentence}")
    said = audit.said(target, "quality", "moved")
    if said:
        with st.expander("Every method in words"):
            st.markdown("\n".join(f"- {sentence}" for sentence in said))
    with st.expander("Shares of every attribute"):
        attributes = list(dict.fromkeys(audit.of("shares", target)["attribute"]))
        chosen = st.selectbox(
            "Attribute",
            attributes,
            format_func=lambda name: capital(" x ".join(map(attribute_words, name.split("+")))),
            key="audit-attribute",
        )
        table = comparison.shares(audit.tables["shares"], audit.tables["summary"], target, chosen)
        _table(table)


def _table(table: pd.DataFrame) -> None:
    st.dataframe(comparison.without_empty(table), hide_index=True, width="stretch", height="content")
