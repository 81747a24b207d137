"""Audit/Generator and Audit/Quality: without an audit, with one, with a broken one."""

import json
import shutil

import pytest

from gammaface.attributes import load_attributes
from gammaface.audit import Aim, AuditOptions, Method, run_audit
from gammaface.audit.reading import label_table
from gammaface.audit.reference import Real
from gammaface.audit.second import second_of
from gammaface.audit.shipping import ship
from gammaface.balancing import balance
from gammaface.workspace import Run, list_runs
from tests.app.browsing import browser, heading, needs_chromium, new_tab, serving
from tests.app.driving import finish_jobs, html_of, open_app
from tests.app.driving import words_of as page_words

GENERATOR, QUALITY = "pages/audit/generator.py", "pages/audit/quality.py"


@pytest.fixture(scope="session")
def audited(tiny, tiny_folder, models, tmp_path_factory):
    """A small audit of the tiny model, with real faces that are draws of another seed."""
    classifier = load_attributes(models / "attributes")
    pictures = balance(tiny, n=180, strategy="plain", steps=3, seed=8).images
    features = classifier.features(pictures)
    real = Real(label_table(classifier, pictures[:120]), features[:120], features[120:])
    options = AuditOptions(
        methods=(
            Method("component-uniform", "component-uniform", n=90),
            Method("quota", "quota", {"limit": 8}, n=90),
            Method("short", "quota", {"limit": 1}, n=90),
        ),
        aims=(Aim(("gender",)), Aim(("gender", "race"))),
        seeds=(0, 1),
        n=90,
        model=str(tiny_folder),
        steps=3,
        harvest=30,
        k=2,
        resamples=4,
    )
    out = tmp_path_factory.mktemp("audited") / "first-audit"
    second = second_of(classifier, "another")
    return run_audit(tiny, classifier, options, out=out, real=real, second=second).path


@pytest.fixture
def with_audit(with_study, audited):
    shutil.copytree(audited, with_study / "first-audit")
    return with_study


def choose(app, target: str):
    app.button_group(key="evened").set_value(target).run()
    assert not app.exception and not app.error
    return app


@pytest.mark.parametrize("page", [GENERATOR, QUALITY])
def test_without_an_audit_each_page_says_what_to_do(page, with_study):
    app = open_app(page)
    assert not app.error and "No audit of this model yet" in [s.value for s in app.subheader]
    assert page == QUALITY or "needs an attribute classifier" in page_words(app)


@pytest.mark.parametrize("page", [GENERATOR, QUALITY])
def test_an_empty_workspace_is_no_error(page):
    app = open_app(page)
    assert not app.error and "No audit of this model yet" in [s.value for s in app.subheader]


def test_the_generator_page_answers_the_goal_and_compares(with_audit):
    app = open_app(GENERATOR)
    assert not app.error and len(app.get("plotly_chart")) == 3
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))
    words = page_words(app)
    audit = Run.open(with_audit / "first-audit")
    assert audit.table("answers")["sentence"].iloc[0].split(": ")[1][5:40] in words
    assert "90 images x 2 seeds" in words and "not identities" in words
    assert "real validation faces" in words and "noise floor" in words.lower()
    assert "quality is kept on average over the groups" in words
    table = app.dataframe[0].value
    assert table["Method"].tolist()[:2] == ["plain (baseline)", "quota (baseline)"]
    assert {"FD", "soft", "corrected", "second opinion"} <= set(table)
    assert {"of them pilot", "times plain's"} & set(app.dataframe[1].value) == {
        "of them pilot",
        "times plain's",
    }
    assert html_of(app).count("<img") == html_of(app).count(' alt="') > 20


@pytest.mark.parametrize("linked", [True, False])
def test_joint_cells_are_a_map_and_small_groups_are_named(linked, with_audit):
    app = (
        open_app(GENERATOR, evened="Gender x race") if linked else choose(open_app(GENERATOR), "gender+race")
    )
    titles = [json.loads(c.proto.spec)["layout"]["title"]["text"] for c in app.get("plotly_chart")]
    assert any("Even would be 10.0% each" in title for title in titles)
    assert "under 30 faces" in page_words(app)


def test_published_figures_come_on_demand_and_are_marked(with_audit):
    app = open_app(GENERATOR)
    app.toggle(key="audit-published").set_value(True).run()
    assert "No paper at hand" in page_words(app)


def test_the_quality_page_asks_one_question_a_figure(with_audit):
    app = open_app(QUALITY)
    assert not app.error
    titles = [json.loads(c.proto.spec)["layout"]["title"]["text"] for c in app.get("plotly_chart")]
    assert all("?" in title for title in titles) and len(titles) == 7
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))
    app.button_group(key="reference-first-audit").set_value("base").run()
    app.button_group(key="audit-kind").set_value("frechet").run()
    app.selectbox(key="quality-method-first-audit").set_value("plain").run()
    assert not app.exception and not app.error
    choose(app, "gender+race")


def test_a_shipped_audit_shows_the_same(with_study, audited):
    run = ship(Run.open(audited), with_study / "shipped", note="A small recording.")
    assert not (run.path / "cells").exists() and "real" not in run.tables()
    for page in (GENERATOR, QUALITY):
        app = open_app(page)
        assert not app.error and "A small recording." in page_words(app)


BREAK = {
    "torn table": lambda run: (run / "tables" / "summary.parquet").write_bytes(b"PAR1"),
    "missing table": lambda run: (run / "tables" / "between.parquet").unlink(),
    "wrong columns": lambda run: shutil.copy(
        run / "tables" / "tones.parquet", run / "tables" / "shares.parquet"
    ),
    "torn book": lambda run: (run / "audit.json").write_text("{"),
}


@pytest.mark.parametrize("page, ruin", [*((GENERATOR, ruin) for ruin in BREAK), (QUALITY, "missing table")])
def test_a_broken_audit_is_one_red_box(page, ruin, with_audit):
    BREAK[ruin](with_audit / "first-audit")
    app = open_app(page)
    assert len(app.error) == 1 and app.error[0].value.endswith(".")


def test_an_audit_is_started_and_shown(with_study, with_classifier):
    app = open_app(GENERATOR)
    app.multiselect(key="audit-methods").set_value(["quota"])
    for name, value in (("n", 10), ("seeds", 1), ("steps", 2)):
        app.number_input(key=f"audit-{name}").set_value(value)
    app.run()
    assert "3 draws, 30 images: 60 network evaluations" in page_words(app)
    next(b for b in app.button if b.label == "Start").click().run()
    finish_jobs(app)
    (run,) = [r for r in list_runs() if r.manifest.kind == "audit"]
    assert run.manifest.state == "done" and run.manifest.config["steps"] == 2
    assert len(app.get("plotly_chart")) == 3 and not app.error


@needs_chromium
def test_in_a_browser_the_batch_leads_to_the_audit_and_its_report(with_audit, tiny_folder):
    with serving(with_audit) as url, browser() as chromium, new_tab(chromium) as tab:
        tab.goto(f"{url}/balanced?model={tiny_folder.name}&run=first")
        heading(tab, "Balanced")
        tab.get_by_role("link", name="Generator", exact=True).click()
        heading(tab, "Generator")
        tab.locator(".js-plotly-plot").nth(2).wait_for()
        with tab.expect_download() as taken:
            tab.get_by_role("button", name="Report", exact=True).click()
        assert taken.value.suggested_filename == "first-audit.html"
        tab.get_by_role("link", name="Quality", exact=True).click()
        heading(tab, "Quality")
        tab.locator(".js-plotly-plot").first.wait_for()
        report = with_audit.parent / "report.html"
        taken.value.save_as(report)
        tab.goto(report.as_uri())
        tab.locator(".js-plotly-plot").first.wait_for()
