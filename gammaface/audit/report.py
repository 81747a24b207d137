"""An audit as one self-contained HTML page."""

from __future__ import annotations

import json

import pandas as pd
from markupsafe import Markup

from gammaface.audit import comparison
from gammaface.audit.terms import capital, cell_words, headline, in_order, target_words
from gammaface.errors import GammaFaceError
from gammaface.figures import audit as figures
from gammaface.report import figure_html, inline_picture, need_finished, render_page
from gammaface.workspace import Run

SAID = ("small", "components", "quality", "moved", "limits")
COMPARED = (comparison.evenness, comparison.price, comparison.quality)
AXES = {"corrected": "FD, corrected", "labels": "FD, as labelled"}


def audit_page(run: Run) -> str:
    """The page.

    Raises
    ------
    GammaFaceError
        When the run is no finished audit, or is damaged.
    """
    need_finished(run, "audit", called="audit", fix="Run `python -m gammaface audit --out DIR`.")
    names = ("summary", "shares", "pareto", "goals", "answers", "sentences")
    tables = {name: run.table(name) for name in names}
    try:
        book = json.loads((run.path / "audit.json").read_text())
        return render_page(
            "audit.html.j2",
            manifest=run.manifest,
            targets=[_target(name, tables) for name in dict.fromkeys(tables["summary"]["target"])],
            methods=_faces(run, in_order(tables["summary"])),
            extractor=book["extractor"],
            second=book["second"],
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise GammaFaceError(
            "the numbers of this audit are damaged", where=run.path, fix="Run the audit again."
        ) from None


def _target(name: str, tables: dict[str, pd.DataFrame]) -> dict:
    rows = {key: table[table["target"] == name] for key, table in tables.items()}
    said = rows["sentences"]
    made = [make(rows["summary"], name) for make in COMPARED]
    return {
        "words": capital(target_words(name)),
        "answer": rows["answers"]["sentence"].iloc[0],
        "readings": list(said.loc[said["about"] == "readings", "sentence"]),
        "sentences": list(said.loc[said["about"].isin(SAID), "sentence"]),
        "charts": _charts(name, rows, tables["summary"]),
        "tables": [comparison.without_empty(table).to_dict(orient="records") for table in made],
    }


def _charts(name: str, rows: dict[str, pd.DataFrame], summary: pd.DataFrame) -> list[Markup]:
    methods, attribute = in_order(summary), name.partition("@")[0]
    return [
        figure_html(figures.drawn_by(cells_of(rows["shares"], name), methods, words=target_words(attribute))),
        figure_html(figures.distances_from_even(rows["summary"], methods)),
        figure_html(price_of(rows["pareto"], rows["goals"], summary)),
    ]


def cells_of(shares: pd.DataFrame, target: str) -> pd.DataFrame:
    """Shares of a target's own cells, their names in words."""
    rows = shares[shares["attribute"] == target.partition("@")[0]]
    return rows.assign(**{"class": [cell_words(target, cell) for cell in rows["class"]]})


def price_of(pareto: pd.DataFrame, goals: pd.DataFrame, summary: pd.DataFrame):
    """Evenness against its price by the reading that counts, with the goal's corner.

    `pareto` and `goals` are one target's rows, `summary` may be everybody's.
    """
    reading = headline(summary[summary["target"].isin(pareto["target"])])
    limits = goals[goals["reading"] == reading]
    return figures.price(
        pareto[pareto["reading"] == reading],
        in_order(summary),
        limit=float(limits["limit"].min()) if len(limits) else 0.0,
        cost_limit=float(limits["cost_limit"].iloc[0]) if len(limits) else 1.0,
        words=AXES[reading],
    )


def _faces(run: Run, methods: list[str]) -> list[dict]:
    if not run.has("tables/thumbnails.parquet"):
        return []
    table = run.table("thumbnails")
    first = table.loc[table["target"] != "", "target"].head(1).tolist()
    table = table[table["target"].isin(["", *first])]
    return [
        {
            "name": method,
            "pictures": [
                {"seed": row.seed, "data": inline_picture(run.path / row.file)} for row in part.itertuples()
            ],
        }
        for method in methods
        if len(part := table[table["method"] == method])
    ]
