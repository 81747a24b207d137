"""Explore/Timesteps: without a survey, with one, and with a broken one."""

import shutil
import time

from gammaface.studies.survey import SurveyOptions
from gammaface.workspace import writing
from pages.parts import state, survey_cells
from tests.app.driving import SECONDS, finish_jobs, open_app, words_of

PAGE = "pages/explore/timesteps.py"


def test_without_a_classifier_it_says_what_a_survey_needs(with_study):
    app = open_app(PAGE)
    assert not app.error
    assert "No survey of this model yet" in [s.value for s in app.subheader]
    assert "needs a model, and an attribute classifier" in words_of(app)
    assert "train attributes" in app.code[0].value


def test_a_button_starts_a_survey_that_can_be_cancelled(with_study, with_classifier, monkeypatch):
    started = {}

    def survey(options, device, out, reporter):
        started.update(options)
        with writing(out, kind="survey", config={"model": options["model"]}):
            while True:
                reporter.stage("generated cells", 2, 17)
                time.sleep(0.01)

    monkeypatch.setitem(state.runner().tasks, "survey", survey)
    app = open_app(PAGE)
    app.number_input(key="survey-n").set_value(200)
    next(b for b in app.button if b.label == "Start a survey").click().run()
    assert not app.exception
    end = time.monotonic() + SECONDS
    while not any(job.stage == "generated cells" for job in state.runner().live()):
        assert time.monotonic() < end
        time.sleep(0.01)
    app.run()
    assert SurveyOptions(**started).n == 200 and len(started["sqrt_abars"]) == 3
    said = " ".join(p.proto.text for p in app.get("progress"))
    assert "Looking at spaces and timesteps · 2 of 17" in said
    next(b for b in app.button if b.label == "Cancel").click().run()
    finish_jobs(app)
    assert "was cancelled" in app.info[0].value


def test_a_survey_is_told_in_words_and_maps(with_study, surveyed, home):
    shutil.copytree(surveyed, home / "survey")
    app = open_app(PAGE)
    assert not app.error
    words = words_of(app)
    assert "n = 48 faces, seed 0" in words and "perceived" in words
    assert len(app.get("plotly_chart")) == 2  # a map is drawn when its tab is opened
    app.selectbox(key="survey-attribute").select("brightness").run()
    for tab in (survey_cells.BIC, survey_cells.PROBED):
        app.session_state["survey-map"] = tab
        app.run()
        assert not app.exception and not app.error
        assert len(app.get("plotly_chart")) == 1 + (tab == survey_cells.BIC)
    assert "probes read attributes of people" in words_of(app)
    app.button_group(key="survey-source").set_value("real faces with noise added").run()
    assert not app.exception and not app.error


def test_a_link_opens_a_survey_as_it_was_seen(with_study, surveyed, home):
    for name in ("survey", "earlier"):
        shutil.copytree(surveyed, home / name)
    link = {
        "survey": "earlier",
        "survey-map": survey_cells.BIC,
        "survey-view": "latent, diag",
        "survey-table": "probes",
    }
    app = open_app(PAGE, **link)
    assert not app.error and not app.warning
    assert app.selectbox(key="survey").value == "earlier"
    assert app.selectbox(key="survey-view").value == "latent, diag"
    assert app.session_state["survey-table"] == "probes"
    app = open_app(PAGE, survey="gone", **{"survey-k": "K = 3"})
    assert "that is not here, 'gone'" in app.warning[0].value and app.session_state["survey-k"] == 3


def test_a_damaged_survey_is_a_red_box(with_study, surveyed, home):
    shutil.copytree(surveyed, home / "survey")
    (home / "survey" / "tables" / "sweep.parquet").write_bytes(b"PAR1")
    app = open_app(PAGE)
    assert len(app.error) == 1 and "damaged" in app.error[0].value
