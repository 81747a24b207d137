"""Audit/Classifiers: without a study, with one, seen in other ways, and with a broken one."""

import json
import shutil
from functools import partial

import pytest

from gammaface.downstream import tables
from gammaface.tables import Format
from gammaface.workspace import Run
from pages.parts import classified_sections, work
from tests.app.driving import html_of, open_app, words_of
from tests.downstream.conftest import made_up_study

PAGE = "pages/audit/classifiers.py"


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    return made_up_study(tmp_path_factory.mktemp("studied") / "classifiers").path


@pytest.fixture
def with_classifiers(home, studied):
    shutil.copytree(studied, home / "classifiers")
    return home / "classifiers"


def titles(app) -> list[str]:
    return [json.loads(c.proto.spec)["layout"]["title"]["text"] for c in app.get("plotly_chart")]


def test_an_empty_workspace_teaches_the_next_step():
    app = open_app(PAGE)
    assert not app.error
    assert "No classifier has been trained yet" in [s.value for s in app.subheader]
    assert "gammaface downstream --data" in app.code[0].value


def test_a_study_is_told_compared_and_drawn(with_classifiers):
    app = open_app(PAGE)
    assert not app.error
    words, table = words_of(app), html_of(app)
    assert "20 classifiers of 5 arms, 4 seeds an arm" in words and "the paper has 5,000" in words
    assert "**GAMMA-FACE lowers Bias**: not settled; Bias differs by" in words
    assert "Not measured in this study: " in words and "PASS 2021" in words
    assert "The paper against itself" in words and "comparisons fewer than one would by chance alone" in words
    rows = ["baseline", "group-reweigh", "plain-augment 50%", "gamma-face 50%", "gamma-face 100%"]
    places = [table.index(f'<th scope="row">{name}<small>') for name in rows]
    assert places == sorted(places), "baselines first, then the control"
    assert "worse" in table and " to " in table and "<th>paper</th>" not in table
    assert len(titles(app)) == 3 and all(title.endswith("?") for title in titles(app))
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))
    assert len(app.get("download_button")) == 3
    assert "Under 30 faces: " in words
    assert words.count("gamma-face 100% has no difference to plain-augment 100%, which was not run") == 1
    app.multiselect(key="methods").set_value(["baseline", "gamma-face 50%"])
    app.button_group(key="class").set_value("female")
    app.toggle(key="published").set_value(True).run()
    assert "plain-augment 50%" not in html_of(app) and "For whom is “female” recognised?" in titles(app)
    assert "<th>paper</th>" in html_of(app) and "not comparable" in html_of(app)
    assert "**Not comparable**: " in words_of(app) and "UTKFace here, FairFace there" in words_of(app)


def test_what_was_computed_of_a_study_stands_beneath_its_facts(with_classifiers):
    titled = "What of the study was computed, and how"
    assert titled not in [box.label for box in open_app(PAGE).expander]
    Run.open(with_classifiers).update(note="A part of the study: 20 classifiers.")
    box = next(box for box in open_app(PAGE).expander if box.label == titled)
    assert [told.value for told in box.markdown] == ["A part of the study: 20 classifiers."]


def test_a_link_leads_to_other_groups_and_variants(with_classifiers, monkeypatch):
    monkeypatch.setattr(tables, "study_tables", partial(tables.study_tables, resamples=20))
    app = open_app(PAGE, groups="age", weights="all alike", metrics="BPC, KL")
    assert not app.error
    assert app.selectbox(key="groups").value == "age" and "BPC: bias: tpr=per_class" in words_of(app)
    assert "weights=uniform" in words_of(app)
    chart = app.get("plotly_chart")[-1]
    rows = json.loads(chart.proto.spec)["layout"]["yaxis"]["ticktext"]
    assert len(rows) == 2 and {row.split("<br>")[0] for row in rows} == {"age young", "age old"}


def test_a_link_leads_to_any_drawing(with_classifiers):
    app = open_app(PAGE, drawn="Accuracy, %", **{"class": "female"})
    assert app.button_group(key="drawn").value == "accuracy"
    axis = json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["xaxis"]["title"]["text"]
    assert axis.startswith("Accuracy, %") and "For whom is “female” recognised?" in titles(app)
    # Another set of metrics, and a class of another study, are not held against the reader.
    app.button_group(key="metrics").set_value("BPC, KL").run()
    assert not app.exception and app.button_group(key="drawn").value == "bpc"
    lost = open_app(PAGE, drawn="Beauty", **{"class": "blond"})
    assert lost.button_group(key="drawn").value == "bias" and not lost.error


def test_the_papers_tables_are_taken_along_as_they_were_recorded(with_classifiers, monkeypatch):
    taken = {}
    monkeypatch.setattr(
        classified_sections,
        "table_buttons",
        lambda places, table, name: taken.update({name: table(Format.latex)}),
    )
    app = open_app(PAGE)
    choice = app.selectbox(key="classified-table")
    for number in "1234":
        choice.set_value(next(o for o in choice.options if o.startswith(f"Table {number}"))).run()
    assert not app.exception
    stored = Run.open(with_classifiers)
    for number in "1234":
        name = f"table{number}"
        assert taken[f"classifiers-{name}"].equals(stored.table(name))
    assert "classifiers-utkface-gender-side-by-side" in taken


@pytest.mark.parametrize(
    "ruin",
    [
        lambda run: (run / "tables" / "claims.parquet").write_bytes(b"PAR1"),
        lambda run: (run / "tables" / "groups.parquet").unlink(),
    ],
)
def test_a_broken_study_is_one_red_box(ruin, with_classifiers):
    ruin(with_classifiers)
    app = open_app(PAGE)
    assert len(app.error) == 1 and app.error[0].value.endswith(".")


def test_the_form_counts_what_it_would_start(with_study, with_classifier, monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(work, "start", lambda task, options, title: asked.update(options, task=task))
    app = open_app(PAGE)
    start = next(b for b in app.button if b.label == "Start")
    assert start.disabled, "nothing is named yet"
    (tmp_path / "faces.parquet").touch()
    app.selectbox(key="study-data").set_value("utkface")
    app.text_input(key="study-path").set_value(str(tmp_path / "faces.parquet")).run()
    assert "Targets x methods x seeds: 1 x 4 x 2 = 8 classifiers" in words_of(app)
    assert "5,000 originals a class" in words_of(app)
    next(b for b in app.button if b.label == "Start").click().run()
    assert asked["task"] == "downstream" and asked["targets"] == ["gender"] and asked["seeds"] == 2
