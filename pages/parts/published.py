"""What papers print for the same target, on demand, and whether it may be compared."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gammaface.audit.terms import short_words
from gammaface.published import compare, load

from .audits import Audit
from .state import short

METRIC = "fairness_discrepancy"
FINE = {"race3": "race"}  # the published target that a coarser one stands beside
FAMILY = "faces of the model '{model}'"


def published_beside(audit: Audit, target: str) -> None:
    """A toggle, and behind it the papers' figures with every reason against comparing."""
    if not st.toggle("Show published figures", key="audit-published", persist_state="session"):
        return
    attribute = FINE.get(target, target)
    numbers = load()
    if not ((numbers["target"] == attribute) & (numbers["metric"] == METRIC)).any():
        words = short_words(target).lower()
        st.markdown(f"No paper at hand prints a fairness discrepancy of a generator for {words}.")
        return
    summary = audit.of("summary", target)
    drawn = summary[summary["seeds"] > 0]
    ours = pd.DataFrame({"method": drawn["method"], "metric": METRIC, "value": drawn["fd"]})
    table = compare(
        ours,
        dataset=FAMILY.format(model=short(audit.run.manifest.config["model"])),
        target=attribute,
        resolution=audit.book["resolution"],
        n_classes=len(audit.book["targets"][target]["shares"]),
    )
    theirs = table[table["metric"] == METRIC].drop_duplicates(["source", "table", "method"])
    st.dataframe(
        [
            {
                "Published method": row.method,
                "FD": f"{row.value:.3f}" + ("" if pd.isna(row.sd) else f" ± {row.sd:.3f}"),
                "Paper": f"{row.source}, table {row.table}, {row.dataset}",
                "Beside ours": row.verdict.capitalize(),
                "Why": row.reason,
                "Its own contradictions": row.note,
            }
            for row in theirs.itertuples()
        ],
        hide_index=True,
        height="content",
    )
    best = drawn.loc[drawn["fd"].idxmin()]
    st.caption(
        f"Ours on the same measure: plain {drawn.set_index('method').at['plain', 'fd']:.3f}, at best"
        f" {best['fd']:.3f} ({best['method']}). Other data, models and classes: the figures say what is"
        " usual, not who is better."
    )
