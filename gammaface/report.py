"""A study as one self-contained HTML page."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import jinja2
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from gammaface import figures
from gammaface.errors import GammaFaceError
from gammaface.hand_labels import recalls_in_words
from gammaface.people import attributes_of, name_of
from gammaface.workspace import Run

SHOWN = ("gender", "race", "young40")  # of the attributes, where all would be too many
TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Run) -> Path:
    """Write ``report.html`` into a study run and return its path.

    Raises
    ------
    GammaFaceError
        When the run is no finished study.
    """
    if run.manifest.kind != "study" or not run.has("metrics.json"):
        raise GammaFaceError(
            f"a report needs a finished study, this is a {run.manifest.state} run of kind"
            f" '{run.manifest.kind}'",
            where=run.path,
            fix="Run `python -m gammaface demo --out DIR`.",
        )
    numbers = json.loads((run.path / "metrics.json").read_text())
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("report.html.j2").render(
        manifest=run.manifest,
        numbers=numbers,
        columns=_columns(run),
        plain=_pictures(run, "plain"),
        cluster_map=_figure(figures.cluster_map(run.table("points"))),
        bic_curve=_figure(figures.bic_curve(run.table("sweep"), used_k=numbers["k"]["used"])),
        component_shares=_figure(figures.component_shares(run.table("components"))),
        people=_people(run, numbers),
        names=name_of,
        shown=SHOWN,
        plotly=get_plotlyjs(),
    )
    run.write_file("report.html", page)
    return run.path / "report.html"


def _people(run: Run, numbers: dict) -> dict:
    """Who is drawn: sentences and figures, or in words why it was not measured."""
    found = numbers.get("people", {"missing": "this run is from before faces were labelled"})
    if "missing" in found:
        return found
    census, shares = run.table("people"), run.table("people_shares")
    by_component = run.table("people_by_component")
    charts = [
        figures.drawn_shares(shares[shares["attribute"].isin(attributes_of(census))]),
        figures.skin_tones(census),
    ]
    for attribute in SHOWN:
        rows = by_component[by_component["attribute"] == attribute]
        question = f"Does {name_of(attribute)} differ between components?"
        named = rows.assign(group=[f"Component {g}" for g in rows["group"]])
        marks = {f"Component {g}": figures.mark_of(int(g)) for g in rows["group"]}
        charts.append(
            figures.share_dots(
                named, question=question, attribute=attribute, reference="overall", marks=marks
            )
        )
    sources = recalls_in_words({name: r["by_hand"] for name, r in found["recalls"].items()})
    return found | {"charts": [_figure(chart) for chart in charts], "sources": sources}


def _figure(figure: Figure) -> str:
    return figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False})


def _pictures(run: Run, group: str, component: int | None = None) -> list[dict]:
    """Seeds and inline pictures of one group, in the order drawn."""
    images = run.table("images")
    images = images[images["group"] == group]
    if component is not None:
        images = images[images["component"] == component]
    return [{"seed": s, "data": _inline(run.image(s, group))} for s in images["seed"]]


def _inline(file: Path) -> str:
    try:
        return "data:image/png;base64," + base64.b64encode(file.read_bytes()).decode()
    except OSError:
        raise GammaFaceError(
            "a picture of the run is missing", where=file, fix="Compute the run again."
        ) from None


def _columns(run: Run) -> list[dict]:
    """One column per component: its facts, typical faces and balanced faces."""
    return [
        row
        | {
            "exemplars": _pictures(run, "exemplar", row["component"]),
            "balanced": _pictures(run, "balanced", row["component"]),
        }
        for row in run.table("components").to_dict(orient="records")
    ]
