"""A study as one self-contained HTML page.

What a run holds is text, pictures and numbers to the page, never script: all of it is
escaped, figures are data beside one script of ours, and the page's content security policy
lets no other script run and nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup
from plotly.graph_objects import Figure
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from gammaface import figures
from gammaface.errors import GammaFaceError
from gammaface.labelling.hand_labels import recalls_in_words
from gammaface.run_files import content_of
from gammaface.shares.people import attributes_of, name_of
from gammaface.workspace import Run

SHOWN = ("gender", "race", "young40")  # of the attributes, where all would be too many
TEMPLATES = Path(__file__).parent / "templates"
# Draws every figure of the page from the data beside it.
DRAW = """
for (const data of document.querySelectorAll('script[type="application/json"]')) {
  const {data: traces, layout} = JSON.parse(data.textContent);
  Plotly.newPlot(data.previousElementSibling, traces, layout, {displaylogo: false, responsive: true});
}
"""


def write_report(run: Run) -> Path:
    """Write ``report.html`` into a study run and return its path.

    Raises
    ------
    GammaFaceError
        As `study_page`, and when the run cannot be written.
    """
    return write_page(run, study_page(run))


def write_page(run: Run, page: str) -> Path:
    """Write a page as ``report.html`` into a run and return its path."""
    run.write_file("report.html", page)
    return run.path / "report.html"


def need_finished(run: Run, kind: str, *, called: str, fix: str) -> None:
    """Refuse a run of another kind, or one that is not done.

    Raises
    ------
    GammaFaceError
    """
    if (run.manifest.kind, run.manifest.state) != (kind, "done"):
        raise GammaFaceError(
            f"this is a {run.manifest.state} run of kind '{run.manifest.kind}', no finished {called}",
            where=run.path,
            fix=fix,
        )


def study_page(run: Run) -> str:
    """The page of a study.

    Raises
    ------
    GammaFaceError
        When the run is no finished study, or is damaged.
    """
    if run.manifest.kind != "study" or not run.has("metrics.json"):
        raise GammaFaceError(
            f"a report needs a finished study, this is a {run.manifest.state} run of kind"
            f" '{run.manifest.kind}'",
            where=run.path,
            fix="Run `python -m gammaface demo --out DIR`.",
        )
    try:
        return _render(run, run.read_json("metrics.json"))
    except (ValueError, TypeError, KeyError, AttributeError, jinja2.UndefinedError, RecursionError):
        raise GammaFaceError(
            "the numbers of this run are damaged", where=run.path, fix="Compute the run again."
        ) from None


def _render(run: Run, numbers: dict) -> str:
    return render_page(
        "report.html.j2",
        manifest=run.manifest,
        numbers=numbers,
        columns=_columns(run),
        plain=_pictures(run, "plain"),
        cluster_map=figure_html(figures.cluster_map(run.table("points"))),
        bic_curve=figure_html(figures.bic_curve(run.table("sweep"), used_k=numbers["k"]["used"])),
        component_shares=figure_html(figures.component_shares(run.table("components"))),
        people=_people(run, numbers),
        names=name_of,
        shown=SHOWN,
    )


def render_page(template: str, **content) -> str:
    """A template filled in, with the policy and the scripts that it needs."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    scripts = get_plotlyjs(), DRAW
    return environment.get_template(template).render(
        **content, policy=content_policy(*scripts), plotly=scripts[0], draw=scripts[1]
    )


def content_policy(*scripts: str) -> str:
    """A content security policy under which only these inline scripts run."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


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
    return found | {"charts": [figure_html(chart) for chart in charts], "sources": sources}


def figure_html(figure: Figure) -> Markup:
    """A figure as data: `to_json_plotly` writes no <, > or / that could end its element."""
    found = figure.to_plotly_json()
    for trace in found["data"]:
        if trace["type"] == "scattergl":  # compiles its shaders with eval, which the policy forbids
            trace["type"] = "scatter"
    content = to_json_plotly({key: found[key] for key in ("data", "layout")})
    return Markup('<div></div><script type="application/json">{}</script>').format(Markup(content))  # nosec B704


def _pictures(run: Run, group: str, component: int | None = None) -> list[dict]:
    """Seeds and inline pictures of one group, in the order drawn."""
    images = run.table("images")
    images = images[images["group"] == group]
    if component is not None:
        images = images[images["component"] == component]
    return [{"seed": s, "data": inline_picture(run.image(s, group))} for s in images["seed"]]


def inline_picture(file: Path) -> str:
    """A picture as a data address."""
    return "data:image/png;base64," + base64.b64encode(content_of(file)).decode()


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
