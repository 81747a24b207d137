"""Tables as text, in the formats people paste."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import pandas as pd

MINUS = "\N{MINUS SIGN}"


class Format(StrEnum):
    """How the table is written."""

    csv = "csv"
    md = "md"
    latex = "latex"
    text = "text"


def render(table: pd.DataFrame, format: Format) -> str:
    """The table as text; all but CSV round and leave empty columns out."""
    if format is Format.csv:
        return table.to_csv(index=False).replace(MINUS, "-")
    filled = table.replace("", np.nan).dropna(axis=1, how="all")
    words = filled.map(_word)
    if format is Format.latex:
        return words.to_latex(index=False, escape=True).replace(MINUS, "$-$")  # pdflatex knows no U+2212
    if format is Format.text:
        return words.to_string(index=False) + "\n"
    lines = [words.columns, ["---"] * words.shape[1], *words.to_numpy()]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def _word(cell: object) -> str:
    if isinstance(cell, float):
        return "" if np.isnan(cell) else f"{cell:.4g}"
    return str(cell)
