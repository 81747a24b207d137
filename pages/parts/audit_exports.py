"""Taking an audit along: any table as CSV or LaTeX, and the whole as one HTML page."""

from __future__ import annotations

import pandas as pd

from gammaface.audit import comparison
from gammaface.audit.report import audit_page

from .audits import Audit
from .exports import report_button, table_buttons, take_along

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
    chosen, places = take_along([*COMPARED, *NAMES.values()], key="audit-table")
    name = f"{audit.name}-{chosen.lower().replace(' ', '-').replace(',', '')}"
    table_buttons(places[:2], lambda _: _table(audit, chosen), name=name)
    report_button(places[2], lambda: audit_page(audit.run), name=audit.name)


def _table(audit: Audit, chosen: str) -> pd.DataFrame:
    if chosen in COMPARED:
        return COMPARED[chosen](audit.tables["summary"])
    return audit.tables[next(name for name, words in NAMES.items() if words == chosen)]
