"""The audit of a folder as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gammaface import figures
from gammaface.applications.cells import words_for
from gammaface.errors import GammaFaceError
from gammaface.report import figure_html, inline_picture, render_page, write_page
from gammaface.shares.people import word_of
from gammaface.workspace import Run


def write_folder_report(run: Run) -> Path:
    """Write ``report.html`` into a folder audit's run and return its path.

    Raises
    ------
    GammaFaceError
        For a run of another kind.
    """
    if run.manifest.kind != "folder-audit":
        raise GammaFaceError(
            f"this is a run of kind '{run.manifest.kind}'", where=run.path, fix="Run `audit-folder`."
        )
    shares = run.table("shares")
    pictures = sorted((run.path / "images").glob("*.png"))
    page = render_page(
        "folder.html.j2",
        manifest=run.manifest,
        n=len(run.table("labels")),
        sentences=list(run.table("sentences")["sentence"]),
        pictures=[inline_picture(file) for file in pictures],
        chart=figure_html(figures.drawn_shares(_named(shares), question="")),
        shares=shares.to_dict(orient="records"),
        summary=run.table("summary").to_dict(orient="records"),
        quality=run.table("quality").to_dict(orient="records") if run.has("tables/quality.parquet") else [],
        names=words_for,
        words=word_of,
    )
    return write_page(run, page)


def _named(shares: pd.DataFrame) -> pd.DataFrame:
    """Shares with their words in place of their keys."""
    words = [word_of(a, v) for a, v in zip(shares["attribute"], shares["value"], strict=True)]
    return shares.assign(attribute=shares["attribute"].map(words_for), value=words)
