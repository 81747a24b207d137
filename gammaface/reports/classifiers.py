"""A downstream study as one self-contained HTML page: every task, baselines first."""

from __future__ import annotations

import pandas as pd

from gammaface.downstream import comparison
from gammaface.downstream.terms import METRICS, MISSING, REFERENCE, TABLES, task_words
from gammaface.errors import GammaFaceError
from gammaface.figures import downstream as figures
from gammaface.report import figure_html, need_finished, render_page
from gammaface.workspace import Run

SHOWN = (("bias", "ba", "accuracy"), ("bpc", "kl", "worst_group"))  # a table each
DRAWN = "bias"


def classifiers_page(run: Run) -> str:
    """The page.

    Raises
    ------
    GammaFaceError
        When the run is no finished downstream study, or is damaged.
    """
    fix = "Run `python -m gammaface downstream`."
    need_finished(run, "downstream", called="downstream study", fix=fix)
    tables = {name: run.table(name) for name in TABLES}
    try:
        columns = ["data", "target", "protected"]
        tasks = tables["figures"][columns].drop_duplicates().itertuples(index=False)
        return render_page(
            "classifiers.html.j2",
            manifest=run.manifest,
            recipe=run.manifest.config["recipe"],
            tasks=[_task(tables, *task) for task in tasks],
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GammaFaceError(
            "the tables of this study are damaged",
            where=run.path,
            fix="Write them again with `downstream-tables`.",
        ) from None


def _task(tables: dict[str, pd.DataFrame], data: str, target: str, protected: str) -> dict:
    own = {name: comparison.of_task(table, data, target) for name, table in tables.items()}
    measured, ratios = own["figures"], own["ratios"]
    arms = comparison.arms_in_order(measured)
    others = {arm: words for arm, words in arms.items() if arm != REFERENCE}
    charts = [figures.differences(measured, others, metric=DRAWN, words=METRICS[DRAWN])]
    curves = comparison.curves_in_order(ratios) if len(ratios) else {}
    if curves:
        charts.append(figures.ratio_curves(ratios, curves, metric=DRAWN, words=METRICS[DRAWN]))
    charts += [
        figures.recall_dots(own["groups"], arms, word=word) for word in own["groups"]["class"].unique()
    ]
    beside, known = comparison.published_rows(own, data, target), set(measured["metric"])
    claims, cells = own["claims"], own["cells"]
    told, words = claims[claims["verdict"] != MISSING], task_words(data, target, protected)
    told = told.assign(sentence=[comparison.without_task(s, words) for s in told["sentence"]])
    return {
        "words": words,
        "seeds": comparison.seeds_in_words(cells),
        "per_class": int(cells["per_class"].iloc[0]),
        "test": int(measured["n"].iloc[0]),
        "smallest": int(measured["min_n"].iloc[0]),
        "claims": told[["sentence", "contradiction"]].to_dict(orient="records"),
        "chance": comparison.chance_in_words(len(told)),
        "missing": list(dict.fromkeys(claims.loc[claims["verdict"] == MISSING, "claim"])),
        "charts": [figure_html(chart) for chart in charts],
        "tables": [
            comparison.side_by_side(
                measured, cells, list(arms), [m for m in metrics if m in known], beside=beside
            ).to_dict(orient="records")
            for metrics in SHOWN
        ],
    }
