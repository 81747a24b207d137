"""A rebalancing as one table, and as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.figures import audit_quality
from gammaface.figures.before_after import before_after
from gammaface.figures.rebalance import fairness_and_quality
from gammaface.report import figure_html, inline_picture, need_finished, render_page
from gammaface.workspace import Run

SHOWN = {
    "fd": "FD",
    "fd_times": "times plain's",
    "fd_soft": "FD, soft",
    "fd_corrected": "FD, corrected",
    "frechet": "Fréchet, in groups",
    "kernel": "kernel, in groups",
    "precision": "precision",
    "recall": "recall",
    "confidence": "confidence",
    "score": "classifier score",
    "path_length": "path length",
    "diversity": "diversity",
    "near_copies": "near copies",
    "frechet_all": "Fréchet, all",
    "kernel_all": "kernel, all",
}
VERDICTS = {"goal_met": "goal met", "quality_kept": "quality kept"}
FACES = 12  # a row


def figures_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Every row as people paste it: a value, and its 95% interval where there is one."""
    records = rows.to_dict(orient="records")
    table = {"Row": [r["title"] for r in records]}
    table |= {title: [_value(r, name) for r in records] for name, title in SHOWN.items()}
    table |= {title: [_verdict(r[name]) for r in records] for name, title in VERDICTS.items()}
    found = pd.DataFrame(table)
    return found.loc[:, (found != "").any()]


def before_and_after(shares: pd.DataFrame, row: str) -> pd.DataFrame:
    """Shares of plain sampling and of a row, in this order, as `figures.before_after` draws them."""
    part = shares[shares["row"].isin(["plain", row])]
    part = part.assign(order=part["row"].map({"plain": 0, row: 1})).sort_values("order", kind="stable")
    return part.assign(value=part["group"], group=part["title"], wanted=part["even"])


def whose(run: Run) -> str:
    """What distances are measured to, in words."""
    return "real pictures" if run.manifest.config["reference"] == "real" else "plain draws"


def path_words(recipe: Mapping) -> str:
    """How every picture was drawn; recipes that name no sampler are of a time when all were DDIM's."""
    return f"{recipe['steps']} {recipe.get('sampler', 'ddim')} steps"


def rebalancing_page(run: Run) -> str:
    """The page.

    Raises
    ------
    GammaFaceError
        When the run is no finished rebalancing, or is damaged.
    """
    need_finished(run, "rebalance", called="rebalancing", fix="Run `python -m gammaface rebalance`.")
    rows, shares, between, said = (run.table(name) for name in ("rows", "shares", "between", "sentences"))
    try:
        config, trained = run.manifest.config, rows[rows["start"] != ""]
        kinds = dict.fromkeys(between["kind"]) if len(between) else ()
        charts = [
            before_after(before_and_after(shares, row), question=f"Who is drawn: {title}")
            for row, title in zip(trained["row"], trained["title"], strict=True)
        ]
        charts.append(fairness_and_quality(rows, extractor=config["extractor"]))
        charts += [
            audit_quality.between(between[between["kind"] == kind], words=whose(run)) for kind in kinds
        ]
        return render_page(
            "rebalancing.html.j2",
            manifest=run.manifest,
            recipe=config["recipe"],
            path=path_words(config["recipe"]),
            sentences=list(said["sentence"]),
            table=figures_table(rows).to_dict(orient="records"),
            charts=[figure_html(chart) for chart in charts],
            rows=[_faces(run, r.row, r.title) for r in rows.itertuples()],
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GammaFaceError(
            "the numbers of this rebalancing are damaged", where=run.path, fix="Run it again."
        ) from None


def _faces(run: Run, row: str, title: str) -> dict:
    files = sorted((run.path / "images" / row).glob("*.png"))[:FACES]
    return {"title": title, "pictures": [{"seed": int(f.stem), "data": inline_picture(f)} for f in files]}


def _value(row: dict, name: str) -> str:
    value, low, high = (row.get(f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None or value != value:
        return ""
    bare = f"{value:.3g}"
    return bare if low is None or low != low else f"{bare} [{low:.3g}, {high:.3g}]"


def _verdict(value: object) -> str:
    return "" if value is None or value != value else "yes" if value else "no"
