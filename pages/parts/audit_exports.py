"""Taking an audit along: any table as CSV or LaTeX, and the whole as one HTML page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gammaface.audit import comparison
from gammaface.audit.report import audit_page
from gammaface.tables import Format, render

from .audits import Audit

COMPARED = {"Evenness": comparison.evenness, "Price": comparison.price, "Quality": comparison.quality}
NAMES = {
    "shares": "Shares",
    "figures": "Every figure with its interval",
    "quality": "Distances by group",
    "between": "Distances between groups",
    "tones": "Skin tone",
    "goals": "Goals, every method",
    "answers": "Goals, answered",
    "sentences": "Sentences",
    "summary": "Everything, one row per method and target",
}


def downloads(audit: Audit) -> None:
    """A table in two formats, and the report."""
    st.subheader("Take it along", anchor=False)
    choice = st.columns([3, 1, 1, 1], vertical_alignment="bottom")
    chosen = choice[0].selectbox(
        "Table", [*COMPARED, *NAMES.values()], key="audit-table", persist_state="session"
    )
    table, name = _table(audit, chosen), f"{audit.name}-{chosen.lower().replace(' ', '-').replace(',', '')}"
    for column, format, end, mime in (
        (choice[1], Format.csv, "csv", "text/csv"),
        (choice[2], Format.latex, "tex", "application/x-latex"),
    ):
        column.download_button(
            f"{'CSV' if end == 'csv' else 'LaTeX'}",
            lambda format=format: render(table, format),
            file_name=f"{name}.{end}",
            mime=mime,
            icon=":material/download:",
            width="stretch",
            on_click="ignore",
        )
    choice[3].download_button(
        "Report",
        lambda: audit_page(audit.run),
        file_name=f"{audit.name}.html",
        mime="text/html",
        icon=":material/description:",
        width="stretch",
        on_click="ignore",
    )


def _table(audit: Audit, chosen: str) -> pd.DataFrame:
    if chosen in COMPARED:
        return COMPARED[chosen](audit.tables["summary"])
    return audit.tables[next(name for name, words in NAMES.items() if words == chosen)]
