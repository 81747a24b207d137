"""What the pages say of people: with labels, without them, and with a classifier to make them."""

import json
import shutil

import pytest

from gammaface.workspace import Run, extending, list_runs
from tests.app.driving import PAGES, finish_jobs, html_of, open_app, walk, words_of

OVERVIEW, CLUSTERS, BALANCED = PAGES


def press(app, label: str) -> None:
    next(b for b in app.button if b.label == label).click().run()
    assert not app.exception


def charts(app) -> int:
    return len(app.get("plotly_chart"))


def test_the_overview_counts_who_is_drawn(with_people):
    app = open_app(OVERVIEW)
    assert not app.error and charts(app) == 3
    words = words_of(app)
    assert "Of 40 faces that <b>" in html_of(app) and "Even shares would be 50% and 20%" in html_of(app)
    assert "Shares among 40 finished faces" in words and "not identities" in words
    assert "noise floor" in words and "real validation faces" in words
    table = app.dataframe[0].value
    assert table["Attribute"].tolist()[:2] == ["Perceived gender", "Perceived race"]
    assert table["Uncertain"].str.endswith("%").all()


def test_the_overview_leads_on_and_draws_more(with_people, with_classifier):
    app = open_app(OVERVIEW)
    doors = {link.proto.label: link.proto for link in app.get("page_link")}
    assert {"**Open the clusters**", "**Draw evenly**", "**Open the audit**", "Open"} <= set(doors)
    assert html_of(app).count("<img") == 8 + 6  # the grid, and the newest run's card
    press(app, "Draw 12 more")
    finish_jobs(app)
    assert html_of(app).count("<img") >= 8 + 12
    (drawn,) = [r for r in list_runs() if r.manifest.kind == "faces"]
    seeds = drawn.table("images")["seed"].tolist()
    assert len(seeds) == 12 and min(seeds) >= 40  # the first forty are held by the study
    assert f"Generated face, seed {seeds[0]}" in html_of(app)


def test_without_labels_each_page_says_why_and_what_to_do(with_study):
    app = open_app()
    for page in walk(app, PAGES):
        words = words_of(app)
        assert not app.error and "No attribute has been measured in this run." in words, page
        assert "There is no attribute classifier" in words, page
        assert "train attributes" in app.code[0].value, page


def test_a_run_from_before_can_be_computed_again(with_study, with_classifier):
    with extending(with_study / "first") as run:
        numbers = run.read_json("metrics.json")
        del numbers["people"]
        run.write_file("metrics.json", json.dumps(numbers))
    app = open_app()
    for page in walk(app, PAGES):
        words = words_of(app)
        assert "from before faces were labelled" in words and "Press **Compute again**" in words, page
        assert not app.code, page


def test_the_map_takes_any_colour_and_keeps_the_selection(with_people):
    app = open_app(CLUSTERS)
    app.session_state["picked-first"] = [0, 1, 59]
    app.run()
    assert charts(app) == 3 and "2 of the selected points are labelled" in words_of(app)
    for colour in ("gender", "race", "tone", "ita", "confidence", "component"):
        app.selectbox(key="colour").set_value(colour).run()
        assert not app.exception and not app.error
        assert app.session_state["picked-first"] == [0, 1, 59]
        assert app.session_state["held-picked-first"] == (0, 1, 59)
        assert "3 selected" in words_of(app)


def test_clusters_show_shares_of_the_chosen_attribute(with_people):
    app = open_app(CLUSTERS)
    assert charts(app) == 2  # the others are drawn when their tab is opened
    app.session_state["components"] = "Whom they hold"
    app.selectbox(key="attribute").set_value("race").run()
    assert not app.exception and charts(app) == 3
    follows = Run.open(with_people / "first").path / "metrics.json"
    assert json.loads(follows.read_text())["people"]["follows"] in words_of(app)
    drawn = [json.loads(c.proto.spec) for c in app.get("plotly_chart")]
    titles = [spec["layout"]["title"]["text"] for spec in drawn]
    assert "Does perceived race differ between components?" in titles
    app = open_app(CLUSTERS, components="How common they are")
    assert not app.error and charts(app) == 3


def test_a_selection_without_labels_says_so(with_people):
    app = open_app(CLUSTERS)
    app.session_state["picked-first"] = [58, 59]
    app.run()
    assert "None of the selected points is among the 40 labelled faces" in words_of(app)


def test_a_colour_that_another_run_lacks_does_no_harm(with_people, recorded):
    shutil.copytree(recorded, with_people / "second")
    file = with_people / "second" / "manifest.json"
    file.write_text(file.read_text().replace('"name": "first"', '"name": "second"'))
    app = open_app(CLUSTERS, run="first")
    app.selectbox(key="colour").set_value("gender").run()
    app.selectbox(key="run").set_value("second").run()
    assert not app.exception and not app.error
    assert "No attribute has been measured" in words_of(app)


def test_balanced_says_what_evenness_moved(with_people):
    app = open_app(BALANCED)
    assert not app.error and charts(app) == 1
    words = words_of(app)
    assert "Sampling evenly over components moved the FD of perceived gender" in words
    assert "n = 8 each" in words and "Weighing the components equally" in words
    app.selectbox(key="attribute").set_value("hair").run()
    assert "the FD of hair" in words_of(app)


def test_a_batch_is_labelled_when_it_is_drawn(with_people, with_classifier):
    app = open_app(BALANCED)
    app.number_input(key="draw-n").set_value(4)
    press(app, "Draw")
    finish_jobs(app)
    (batch,) = [r for r in list_runs() if r.manifest.kind == "sample"]
    assert batch.table("labels")["seed"].tolist() == sorted(batch.table("images")["seed"])
    assert "n = 4 each" in words_of(app) and charts(app) == 1


def test_a_batch_from_before_is_labelled_on_demand(with_study, tmp_path, models):
    app = open_app(BALANCED)
    app.number_input(key="draw-n").set_value(2)
    press(app, "Draw")
    finish_jobs(app)
    assert "There is no attribute classifier" in words_of(app)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "attributes").symlink_to(models / "attributes")
    app.run()
    press(app, "Label these faces")
    finish_jobs(app)
    assert "n = 2 each" in words_of(app)
    assert not any(b.label == "Label these faces" for b in app.button)


BREAK = {
    "torn table": lambda run: (run / "tables" / "people.parquet").write_bytes(b"PAR1"),
    "missing table": lambda run: (run / "tables" / "moves.parquet").unlink(),
    "wrong columns": lambda run: shutil.copy(
        run / "tables" / "sweep.parquet", run / "tables" / "people_shares.parquet"
    ),
    "torn numbers": lambda run: (run / "metrics.json").write_text(
        json.dumps(json.loads((run / "metrics.json").read_text()) | {"people": {"n": 3}})
    ),
    "odd numbers": lambda run: (run / "metrics.json").write_text(
        json.dumps(json.loads((run / "metrics.json").read_text()) | {"people": 3})
    ),
}


@pytest.mark.parametrize("ruin", BREAK)
def test_broken_labels_are_one_red_box(ruin, with_people):
    BREAK[ruin](with_people / "first")
    app = open_app(OVERVIEW)
    assert len(app.error) == 1 and app.error[0].value.endswith(".")


def test_charts_and_pictures_have_words_for_those_who_do_not_see(with_people):
    app = open_app()
    for page in walk(app, PAGES):
        assert all(chart.proto.alt for chart in app.get("plotly_chart")), page
        assert html_of(app).count("<img") == html_of(app).count(' alt="'), page
