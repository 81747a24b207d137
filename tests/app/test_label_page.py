"""The Label page: answering, undoing, resuming, comparing, and what it never shows too early."""

import shutil

import pytest

from gammaface.labelling import hand_labels
from gammaface.labelling.hand_labels import answers_of, order, place_of
from gammaface.shares.people import CLASSES
from gammaface.workspace import Run, writing
from pages.parts import judged
from tests.app.driving import LABELS, finish_jobs, html_of, open_app, words_of


@pytest.fixture
def place(with_people):
    return place_of(with_people, Run.open(with_people / "first"), "gender")


@pytest.fixture
def few(monkeypatch):
    """Four answers are many, two faces of a class are enough."""
    monkeypatch.setattr(judged, "EVALUATED", 4)
    monkeypatch.setattr(hand_labels, "ENOUGH", 1)


def open_page(attribute: str = "gender"):
    app = open_app(LABELS)
    if app.selectbox(key="attribute").value != attribute:
        app.selectbox(key="attribute").set_value(attribute).run()
    assert not app.exception and not app.error
    return app


def press(app, label: str):
    next(b for b in app.button if b.label == label).click().run()
    assert not app.exception


def shown(app) -> int:
    return int(html_of(app).split('alt="Generated face, seed ')[1].split('"')[0])


def order_shown(place) -> int:
    """The first face in the order that is drawn and not answered."""
    answered = set(answers_of(place)["seed"])
    return next(s for s in order(range(60)) if s < 40 and s not in answered)


def test_each_answer_is_kept_at_once_and_the_next_face_comes(place):
    app = open_page()
    queue = [s for s in order(range(60)) if s < 40]  # the others are not drawn
    assert shown(app) == queue[0] and "20 of these" not in words_of(app)
    press(app, "Female")
    assert answers_of(place)[["seed", "answer"]].values.tolist() == [[queue[0], "female"]]
    press(app, "Cannot tell")
    assert shown(app) == queue[2]
    press(app, "Undo the last answer")
    assert shown(app) == queue[1] and len(answers_of(place)) == 1
    assert shown(open_page()) == queue[1]  # a new session goes on


def test_every_class_has_a_key_that_belongs_to_the_face_shown(place):
    app = open_page("race")
    keys = {b.label: b.proto.shortcut for b in app.button if b.proto.shortcut}
    assert list(keys)[:6] == ["White", "Black", "Asian", "Indian", "Other", "Cannot tell"]
    assert len(set(keys.values())) == len(keys)
    before = {b.key for b in app.button if b.key and b.key.startswith("answer-")}
    press(app, "Asian")
    assert not before & {b.key for b in app.button}


def test_the_classifiers_answer_is_not_shown_before_enough_of_ones_own(place, few):
    app = open_page()
    for _ in range(3):
        press(app, "Male")
        assert "The comparison opens after 4 answers" in words_of(app)
        assert not app.get("plotly_chart")


def test_after_enough_answers_the_recalls_are_the_persons(place, few):
    app = open_page()
    people = Run.open(place.parent / "first").table("people").set_index("seed")["gender"]
    assert set(people) == set(CLASSES["gender"])
    for _ in range(12):  # agree with the classifier
        press(app, people[shown(app)].capitalize())
    assert not app.get("plotly_chart")
    app.toggle[0].set_value(True).run()
    assert "12 faces compared; 0 could not be told" in words_of(app)
    assert "**The next study uses these recalls, on 12 generated faces labelled by hand" in words_of(app)
    assert len(app.get("plotly_chart")) == 2
    assert (answers_of(place)["predicted"] == answers_of(place)["answer"]).all()


def test_until_then_the_page_says_which_recalls_the_audit_uses(place, monkeypatch):
    monkeypatch.setattr(judged, "EVALUATED", 1)
    app = open_page()
    press(app, "Female")
    app.toggle[0].set_value(True).run()
    assert "**The audit uses recalls on 100 answers on real validation faces.**" in words_of(app)
    assert "Under 30 faces" in words_of(app)


def test_the_other_faces_are_drawn_and_labelled(place, with_classifier):
    app = open_page()
    press(app, "Draw the other 20")
    finish_jobs(app)
    assert "are drawn" not in words_of(app)
    (faces,) = (p for p in place.parent.glob("faces-*"))
    assert len(Run.open(faces).table("labels")) == 20


def test_without_labels_one_may_still_answer(with_study, monkeypatch):
    monkeypatch.setattr(judged, "EVALUATED", 1)
    app = open_page()
    press(app, "Female")
    app.toggle[0].set_value(True).run()
    assert "The classifier has not labelled these faces" in words_of(app)


def test_answers_from_before_a_classifier_are_compared_once_it_came(with_study, labelled):
    app = open_page()
    press(app, "Female")
    place = place_of(with_study, Run.open(with_study / "first"), "gender")
    assert answers_of(place)["predicted"].isna().all()
    shutil.copytree(labelled, with_study / "first", dirs_exist_ok=True)
    open_page()
    row = answers_of(place).iloc[0]
    people = Run.open(with_study / "first").table("people").set_index("seed")
    assert row["predicted"] == people.loc[row["seed"], "gender"]
    assert row["classifier"] == people.attrs["classifier"]


def test_a_second_writer_is_one_red_box_and_nothing_is_lost(place):
    app = open_page()
    press(app, "Female")
    manifest = Run.open(place).manifest
    with writing(place, kind=manifest.kind, config=manifest.config, weights=manifest.weights):
        press(app, "Male")
        assert len(app.error) == 1 and "nother process" in app.error[0].value
    app.run()
    assert not app.error and answers_of(place)["answer"].tolist() == ["female"]


def test_two_sessions_do_not_answer_one_face_twice(place):
    one, two = open_page(), open_page()
    assert shown(one) == shown(two)
    press(one, "Female")
    press(two, "Male")
    assert answers_of(place)["answer"].tolist() == ["female"]
    assert shown(two) == order_shown(place)
