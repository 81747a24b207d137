"""Parts of Audit/Quality that need no distance: near-copies, skin tone, and which groups were compared."""

from __future__ import annotations

import streamlit as st

from gammaface.audit.terms import PLAIN, cell_words, cells_in_words
from gammaface.figures import audit_quality as figures
from gammaface.shares.people import SMALL

from .audits import Audit
from .people import FIXED


def copies(audit: Audit, target: str) -> None:
    """Near-copies of training faces, where those were given."""
    table = audit.of("figures", target)
    if table.loc[table["metric"] == "near_copies", "value"].notna().any():
        st.plotly_chart(
            figures.copies(table, audit.methods),
            config=FIXED,
            alt="Share of every method's faces that are near-copies of training faces.",
        )
        return
    st.subheader("Does it copy training faces?", anchor=False)
    st.markdown(
        "Not measured in this audit: it was given no training faces. On the command line,"
        " `--real FACES --train-split train` looks for near-copies."
    )


def compared(audit: Audit, target: str, reference: str) -> None:
    """Which methods were not compared on every group; an audit of before may not tell."""
    table = audit.of("summary", target)
    if "groups_all" not in table:
        return
    part = table[(table["seeds"] > 0) & (table[f"groups_{reference}"] < table["groups_all"])]
    told = [
        f"{row['method']} {row[f'groups_{reference}']} of {row['groups_all']}"
        f" (without {cells_in_words(target, row[f'left_out_{reference}'])})"
        for row in part.to_dict(orient="records")
    ]
    if told:
        st.caption(f":material/info: Groups compared: {', '.join(told)}.")


def skin(audit: Audit, target: str, method: str) -> None:
    """Skin tone of each group, measured without labels."""
    table = audit.of("tones", target)
    if table.empty:
        st.caption("Skin tone was not measured: the pictures are too small.")
        return
    table = table.assign(group=[cell_words(target, g) for g in table["group"]])
    st.plotly_chart(
        figures.tones(table[table["method"].isin([PLAIN, method])], method=method),
        config=FIXED,
        alt=f"Skin tone of each group under {method} and plain sampling.",
    )
    few = table[(table["method"] == method) & (table["n"] < SMALL)]
    if len(few):
        told = ", ".join(f"{g} ({n})" for g, n in zip(few["group"], few["n"], strict=True))
        st.caption(f":material/info: Under {SMALL} faces: {told}. Their boxes say little.")
    st.caption(
        "The typology angle (ITA) is measured on the cheeks' colour, without labels; light and white"
        " balance move it, too."
    )
