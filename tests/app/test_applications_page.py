"""Audit/Applications: empty, with a tried classifier, with a tried upscaler, with ruins."""

import json

from pages.parts import state
from tests.app.driving import PAGES, finish_jobs, follow, html_of, open_app, words_of

PAGE = "pages/audit/applications.py"
UPSCALER = "An upscaler"


def titles(app):
    return [json.loads(c.proto.spec)["layout"]["title"]["text"] for c in app.get("plotly_chart")]


def test_without_a_run_the_page_says_what_it_would_do(with_study):
    app = open_app(PAGE)
    assert not app.error and "Nothing tried yet" in [s.value for s in app.subheader]
    assert "needs an attribute classifier" in words_of(app)
    app.button_group(key="tried").set_value(UPSCALER).run()
    assert not app.exception and "made small and large again" in words_of(app)


def test_a_tried_classifier_is_told_by_group_and_along_the_direction(with_tried):
    app = open_app(PAGE)
    assert not app.error and len(titles(app)) == 2 and all("?" in t for t in titles(app))
    assert "mine.onnx differs from" in words_of(app) and "not identities" in words_of(app)
    assert html_of(app).count("<img") == 6 * 7, "six faces at seven distances"
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))


def test_a_tried_upscaler_is_told_beside_bicubic(with_tried):
    app = open_app(PAGE)
    app.button_group(key="tried").set_value(UPSCALER).run()
    assert not app.exception and not app.error and len(titles(app)) == 1
    assert "changes for" in words_of(app) and html_of(app).count("<img") == 3 * 8


def test_a_broken_run_is_one_red_box(with_tried):
    (with_tried / "trial" / "tables" / "groups.parquet").write_bytes(b"PAR1")
    app = open_app(PAGE)
    assert len(app.error) == 1 and not app.exception


def test_the_form_starts_a_job(with_people, with_classifier):
    app = open_app(PAGE)
    app.button_group(key="tried").set_value(UPSCALER).run()
    app.number_input(key="application-sr-n").set_value(60)
    app.selectbox(key="application-sr-groups").set_value("gender").run()
    app.button(key="sr-start").click().run()
    finish_jobs(app)
    assert "Super-resolution audit" in app.success[0].value
    app.button_group(key="tried").set_value(UPSCALER).run()
    assert not app.error and "changes for" in words_of(app)
    app.switch_page(PAGES[0]).run()
    assert app.success and not app.exception
    follow(app, "See what it does")
    assert "changes for" in words_of(app) and not app.success and not app.error


def test_a_finished_job_can_be_dismissed(with_people, monkeypatch, tiny_folder):
    monkeypatch.setitem(state.runner().tasks, "super-resolution-audit", lambda *asked: None)
    app = open_app(PAGE)
    job = state.runner().submit("super-resolution-audit", {"model": str(tiny_folder)}, title="Tried")
    app.session_state["started"] = [job.id]
    finish_jobs(app)
    assert "Tried" in app.success[0].value
    app.button(key=f"forget-{job.id}").click().run()
    assert not app.success and not app.exception
    assert [j.id for j in state.runner().jobs()] == [job.id]  # the list on the Overview keeps it


def test_fields_survive_another_page_and_a_link_says_what_is_tried(with_people, with_classifier):
    app = open_app(PAGE)
    app.text_input(key="application-judged").set_value("/there/mine.onnx")
    app.selectbox(key="application-along").set_value("smile:smiling")
    app.selectbox(key="application-attribute").set_value("smile").run()
    assert not app.exception and app.selectbox(key="application-along").value != "smile:smiling"
    app.switch_page(PAGES[0]).run()
    app.switch_page(PAGE).run()
    assert app.text_input(key="application-judged").value == "/there/mine.onnx"
    assert app.selectbox(key="application-attribute").value == "smile"
    assert "made small and large again" in words_of(open_app(PAGE, tried=UPSCALER))
