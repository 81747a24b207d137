"""The parts of Audit/Classifiers, each drawn from one view of a study."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gammaface.downstream import comparison
from gammaface.downstream.terms import CONTROL, EVEN, FAILS, HOLDS, METRICS, MISSING, OPEN, REFERENCE
from gammaface.figures import downstream as figures
from gammaface.reports.classifiers import classifiers_page
from gammaface.shares.people import SMALL
from gammaface.tables import Format

from .classified import Classified, View
from .classified_choices import choose_class, choose_drawn
from .exports import report_button, table_buttons, take_along
from .people import FIXED

MARKS = {HOLDS: ":material/check_circle:", FAILS: ":material/cancel:", OPEN: ":material/help:"}
COUNTED = {HOLDS: "held up", FAILS: "refuted", OPEN: "not settled"}
FIRST = (REFERENCE, f"{CONTROL} 50%", f"{EVEN} 50%")
MOST = 5  # arms that one figure of all groups can tell apart
TABLES = {
    "Side by side, as shown": None,
    "Every figure with its differences": "figures",
    "Every group": "groups",
    "Mixing ratios": "ratios",
    "Claims": "claims",
    "Classifiers and sizes": "cells",
}
# As the paper lays them out: all tasks, as they were recorded.
OF_THE_PAPER = {
    "Table 1: Bias, BA, accuracy": "table1",
    "Table 2: BPC, KL": "table2",
    "Table 3: Bias, BA, accuracy by ratio": "table3",
    "Table 4: BPC, KL by ratio": "table4",
}


def claims(seen: View) -> None:
    """Which published claims hold here and which do not, and what evenness itself adds."""
    table = seen.tables["claims"]
    st.subheader("What holds here", anchor=False)
    told = table[table["verdict"] != MISSING]
    columns = st.columns(2, gap="large")
    halves = {"What the paper says": told["where"] != "ours", "What we ask besides": told["where"] == "ours"}
    for column, (title, at) in zip(columns, halves.items(), strict=True):
        own = told[at]
        counts = [f"{(own['verdict'] == verdict).sum()} {words}" for verdict, words in COUNTED.items()]
        column.markdown(f"**{title}**: {', '.join(counts) if len(own) else 'nothing was measured'}")
        column.markdown("\n\n".join(_claim(row, seen) for row in own.to_dict(orient="records")))
    missing = table[table["verdict"] == MISSING]
    if len(missing):
        st.caption("Not measured in this study: " + "; ".join(dict.fromkeys(missing["claim"])) + ".")
    st.caption(
        f"A difference counts where its 95% interval leaves 0 out; {comparison.chance_in_words(len(told))}."
        " Whether evenness helps is told by the"
        f" difference to {CONTROL}, the same number of faces from plain sampling, not to {REFERENCE}."
    )


def _claim(row: dict, seen: View) -> str:
    said = comparison.without_task(row["sentence"], seen.words).partition(", n = ")[0]
    claim, _, found = said.removesuffix(".").partition(": ")
    line = f"{MARKS[row['verdict']]} **{claim}**: {found}."
    if row["contradiction"]:
        line += f" :gray[The paper against itself: {row['contradiction']}]"
    return line


def differences(seen: View, arms: dict[str, str], metrics: tuple[str, ...]) -> None:
    """The first metric's differences drawn, and its curve over the generated share."""
    metric = choose_drawn(metrics)
    name = METRICS[metric]
    others = {arm: words for arm, words in arms.items() if arm != REFERENCE}
    ratios = seen.tables["ratios"]
    if len(ratios):  # curves through the methods that were picked
        ratios = ratios[ratios["arm"].isin(list(arms)) | (ratios["share"] == 0)]
    curves = comparison.curves_in_order(ratios) if len(ratios) else {}
    left, right = st.columns(2, gap="large")
    with left:
        st.plotly_chart(
            figures.differences(seen.tables["figures"], others, metric=metric, words=name),
            config=FIXED,
            alt=f"Difference of every method's {name} to baseline and to plain-augment, with intervals.",
        )
    with right:
        if not curves:
            st.markdown(
                "No method of this study trains on generated faces: there is no mixing ratio to draw."
            )
            return
        st.plotly_chart(
            figures.ratio_curves(ratios, curves, metric=metric, words=name),
            config=FIXED,
            alt=f"{name} against the generated share of the training set, one line per set of faces.",
        )
        shares = sorted(set(ratios["share"]) - {0.0})
        if len(shares) == 1:
            st.caption(f"One share was run, {shares[0]:g}%: two points make no curve.")


def for_whom(seen: View, arms: dict[str, str]) -> None:
    """True positive rates of every group under a few methods."""
    words = choose_class(seen)
    first = [arm for arm, name in arms.items() if name in FIRST]
    few = [*first, *(arm for arm in arms if arm not in first)][:MOST]
    table = seen.tables["groups"]
    st.plotly_chart(
        figures.recall_dots(table, {arm: arms[arm] for arm in arms if arm in few}, word=words),
        config=FIXED,
        alt=f"True positive rate of {words} in every protected group under each method, with intervals.",
    )
    sizes = table[table["class"] == words].drop_duplicates("group").set_index("group")["n"]
    small = [f"{group} ({n})" for group, n in sizes.items() if n < SMALL]
    if small:
        st.caption(f":material/info: Under {SMALL} faces: {', '.join(small)}. Their rates say little.")
    if len(arms) > len(few):
        st.caption(f"Drawn: {len(few)} of {len(arms)} methods. Choose fewer above to see others.")


def downloads(found: Classified, seen: View, arms: dict[str, str], metrics, beside) -> None:
    """Any table as CSV or LaTeX, and the whole study as a page."""
    every = TABLES | OF_THE_PAPER
    chosen, places = take_along(list(every), key="classified-table")
    name, study, whole = every[chosen], found.run.manifest.name, chosen in OF_THE_PAPER

    def table(_: Format) -> pd.DataFrame:
        if name is not None:
            return (found if whole else seen).tables[name]
        return comparison.side_by_side(
            seen.tables["figures"], seen.tables["cells"], list(arms), metrics, beside=beside
        )

    file = [study, *([] if whole else [seen.data, seen.target]), name or "side-by-side"]
    table_buttons(places[:2], table, name="-".join(file))
    report_button(places[2], lambda: classifiers_page(found.run), name=study)
