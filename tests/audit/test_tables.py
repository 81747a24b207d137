"""The numbers of the tables, from cells whose labels are known."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammaface import GammaFaceError, metrics
from gammaface.audit import evenness
from gammaface.audit.book import Book, joined, known_recalls, read_recalls
from gammaface.audit.cells import Cell, read_cell, write_cell
from gammaface.audit.evenness import discrepancy, floor
from gammaface.audit.goals import on_front
from gammaface.audit.quality import Faces, distances, diversity, near_copies
from gammaface.audit.reference import Real
from gammaface.audit.tables import audit_tables
from gammaface.labelling.hand_labels import Recalls, place_of, record
from gammaface.shares import people
from gammaface.strategies import Target
from gammaface.workspace import home
from tests.audit.toy_classifier import labels_with
from tests.labelling.test_hand_labels import Classifier, answers, study  # noqa: F401 - a fixture
from tests.strategies.toy import CLASSES

GOLDEN = np.array([[0.9, 0.05, 0.1], [0.05, 0.9, 0.1], [0.05, 0.05, 0.8]])


def cell(run, method, seed, counts, *, target="", evaluations=600, sure=1.0, **facts):
    labels = labels_with(counts, sure=sure)
    known = {"delivered": len(labels), "evaluations": evaluations, "pilot_evaluations": 0, "seconds": 2.0}
    known |= {"kept_share": 1.0, "refused": "", "incomplete": ""} | facts
    config = {"strategy": method, "options": {}, "n": len(labels), "pilot": 0}
    place = Cell(method, target, seed)
    write_cell(run, place, config=config, facts=known, labels=labels)
    return read_cell(run / "cells" / place.name)


def book(attribute, recalls=None) -> Book:
    classes = {attribute: CLASSES[attribute]}
    given = {attribute: recalls} if recalls is not None else {}
    return Book(
        classes,
        {attribute: Target.even((attribute,), classes)},
        known_recalls(None, classes, given),
        second_missing="none was asked for",
    )


def summary_of(tables, method="plain"):
    return tables["summary"].set_index("method").loc[method]


def test_the_golden_discrepancies_stand_in_the_summary(tmp_path):
    cells = [cell(tmp_path, "plain", seed, {"side": [70, 30]}) for seed in (0, 1)]
    row = summary_of(audit_tables(cells, book("side")))
    assert row["fd"] == pytest.approx(0.2828427, abs=1e-7) and row["fd_sd"] == 0
    assert row["noise_floor"] == pytest.approx(metrics.noise_floor(2, 100))
    assert np.isnan(row["fd_corrected"]) and np.isnan(row["fd_second"])
    assert row["evaluations"] == 6 and row["seconds"] == 0.02 and row["cost"] == 1


def test_soft_discrepancies_read_the_probabilities(tmp_path):
    cells = [cell(tmp_path, "plain", 0, {"side": [70, 30]}, sure=0.75)]
    row = summary_of(audit_tables(cells, book("side")))
    # Mean probability of the first class: .7 * .75 + .3 * .25 = .6
    assert row["fd_soft"] == pytest.approx(np.hypot(0.1, 0.1)) and row["fd"] == pytest.approx(0.2828427)
    assert np.isnan(row["fd_sd"])


def test_the_golden_corrections_stand_in_the_tables(tmp_path):
    two = audit_tables([cell(tmp_path, "plain", 0, {"side": [55, 45]})], book("side", [0.9, 0.8]))
    assert summary_of(two)["fd_corrected"] == pytest.approx(0, abs=1e-12)
    assert summary_of(two)["recalls"] == "a matrix that was given"
    three = audit_tables([cell(tmp_path, "plain", 1, {"colour": [50, 30, 20]})], book("colour", GOLDEN))
    shares = three["shares"]
    assert shares["corrected"].round(6).tolist() == [0.517647, 0.282353, 0.2]
    assert shares["share"].tolist() == [0.5, 0.3, 0.2]
    away = np.linalg.norm(np.array([0.517647, 0.282353, 0.2]) - 1 / 3)
    assert summary_of(three)["fd_corrected"] == pytest.approx(away, abs=1e-6)


def test_differences_to_plain_are_paired_by_seed(tmp_path):
    cells = []
    for seed, left in enumerate((70, 80, 90)):
        cells.append(cell(tmp_path, "plain", seed, {"side": [left, 100 - left]}))
        cells.append(cell(tmp_path, "other", seed, {"side": [left - 10, 110 - left]}, evaluations=1500))
    row = summary_of(audit_tables(cells, book("side")), "other")
    # Each seed is nearer by 10 percent points in either class: seeds differ, the difference does not.
    assert row["fd_sd"] > 0.1
    for end in ("", "_low", "_high"):
        assert row[f"fd_vs_plain{end}"] == pytest.approx(-np.hypot(0.1, 0.1))
    assert row["cost"] == 2.5


def test_what_was_not_steered_is_told_when_it_moves(tmp_path):
    classes = {name: CLASSES[name] for name in ("side", "colour")}
    both = Book(classes, {"side": Target.even(("side",), classes)})
    still, moved = {"colour": [100, 100, 100]}, {"colour": [200, 50, 50]}
    cells = [cell(tmp_path, "plain", s, {"side": [240, 60]} | still) for s in (0, 1)]
    cells += [cell(tmp_path, "one", s, {"side": [150, 150]} | moved) for s in (0, 1)]
    cells += [cell(tmp_path, "two", s, {"side": [150, 150]} | still) for s in (0, 1)]
    for name in ("one", "two"):
        for s in (0, 1):
            file = tmp_path / "cells" / f"{name}.s{s}" / "cell.json"
            content = json.loads(file.read_text())
            content["config"]["shares"] = [0.5, 0.5]
            file.write_text(json.dumps(content))
    cells = [read_cell(c.folder) for c in cells]
    tables = audit_tables(cells, both)
    found = tables["moves"].set_index("method")
    assert found.loc["one", ["attribute", "class", "moved"]].tolist() == ["colour", "red", True]
    assert found.loc["one", "difference"] == pytest.approx(1 / 3) and not found.loc["two", "moved"]
    said = tables["sentences"]
    said = said[said["about"] == "moved"]["sentence"].tolist()
    assert len(said) == 1 and "Side, one" in said[0] and "colour (red 0.33 to 0.67" in said[0]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=6).map(lambda p: np.array(p) / sum(p)),
    st.integers(1, 10_000),
)
def test_the_floor_is_the_root_mean_square_of_a_perfect_sampler(target, n):
    expected = np.sqrt((target * (1 - target)).sum() / n)
    assert floor(target, n) == pytest.approx(expected)
    even = np.full(len(target), 1 / len(target))
    assert floor(even, n) == pytest.approx(metrics.noise_floor(len(target), n))
    assert discrepancy(target, even) == pytest.approx(
        float(metrics.fairness_discrepancy(target, len(target)))
    )


def test_the_corrected_floor_is_what_correction_makes_of_a_perfect_sampler():
    rng, even = np.random.default_rng(0), np.full(3, 1 / 3)
    drawn = rng.multinomial(4000, GOLDEN @ even, size=3000) / 4000
    corrected = np.linalg.solve(GOLDEN, drawn.T).T
    spread = np.sqrt(np.square(corrected - even).sum(1).mean())
    assert floor(even, 4000, GOLDEN) == pytest.approx(spread, rel=0.03)
    assert floor(even, 4000, GOLDEN) > floor(even, 4000)
    assert np.isnan(floor(np.full(2, 0.5), 100, np.full((2, 2), 0.5)))


def test_joint_recalls_are_a_product_and_coarse_ones_a_mean():
    classes = {"side": CLASSES["side"], "colour": CLASSES["colour"]}
    two = Book(classes, {}, known_recalls(None, classes, {"side": [0.9, 0.8], "colour": GOLDEN}))
    joint = two.confusion(("side", "colour"))
    assert joint.shape == (6, 6) and np.allclose(joint.sum(0), 1)
    assert joint[0, 0] == pytest.approx(0.81) and joint[5, 2] == pytest.approx(0.1 * 0.8)
    fine = Recalls(np.eye(3), "tests", (10, 20, 70), by_hand=False)
    coarse = joined(fine, ("a", "b", "c"), {"a": "x", "b": "y", "c": "y"}, ("x", "y"))
    assert coarse.matrix.tolist() == [[1, 0], [0, 1]] and coarse.n == (10, 90)


def test_recalls_are_checked(tmp_path):
    with pytest.raises(GammaFaceError, match="recalls of side have shape"):
        known_recalls(None, CLASSES, {"side": np.eye(3)})
    with pytest.raises(GammaFaceError, match="columns that do not add up"):
        known_recalls(None, CLASSES, {"side": [[0.9, 0.9], [0.9, 0.9]]})
    with pytest.raises(GammaFaceError, match="recalls of 'mood'"):
        known_recalls(None, CLASSES, {"mood": [1, 1]})
    file = tmp_path / "recalls.json"
    file.write_text('{"side": [0.9, 0.8]}')
    assert read_recalls(file) == {"side": [0.9, 0.8]} and read_recalls(None) == {}
    file.write_text("[1, 2]")
    with pytest.raises(GammaFaceError, match="recalls cannot be read"):
        read_recalls(file)


def test_marginals_of_a_target():
    target = Target.of(("a", "b"), {"a": ("x", "y"), "b": ("u", "v", "w")}, [0.1, 0.2, 0.1, 0.3, 0.2, 0.1])
    assert evenness.marginal(target, ("a",)).round(9).tolist() == [0.4, 0.6]
    assert evenness.marginal(target, ("b", "a")).round(9).tolist() == [0.1, 0.3, 0.2, 0.2, 0.1, 0.1]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_nothing_beats_the_front_and_something_beats_the_rest(points):
    first, second = np.array(points, dtype=float).T
    for i, best in enumerate(on_front(first, second)):
        beaten = (first <= first[i]) & (second <= second[i]) & ((first < first[i]) | (second < second[i]))
        assert best == (not beaten.any())
    assert on_front(first, second).any()


def test_distances_do_not_see_shares_but_do_see_faces():
    rng = np.random.default_rng(0)

    def faces(counts, shift=0.0, scale=1.0):
        cells = np.repeat([0, 1], counts)
        return Faces(rng.normal(size=(sum(counts), 8)) * scale + cells[:, None] + shift, cells)

    plain, real = faces([900, 100]), faces([300, 300])
    same, off = faces([500, 500]), faces([500, 500], shift=1.0)
    good, bad = (distances(arm, plain, real, 2) for arm in (same, off))
    assert good["groups"] == 2 and abs(good["kernel"]) < 0.5 < bad["kernel"]
    assert good["frechet"] < 1 < bad["frechet"] and good["recall"] > bad["recall"]
    for name in ("frechet", "precision", "recall"):
        assert good[f"{name}_plain"] == bad[f"{name}_plain"], "plain is measured on the same faces"
    assert abs(good["recall"] - good["recall_plain"]) < 0.1 < bad["recall_plain"] - bad["recall"]
    assert distances(same, faces([900, 10]), real, 2)["groups"] == 1
    nothing = distances(same, faces([20, 10]), real, 2)
    assert set(nothing) == set(good) and np.isnan(nothing["kernel"]) and np.isnan(nothing["recall_plain"])
    assert diversity(faces([400, 400], scale=0.5), plain, 2) == pytest.approx(0.5, abs=0.05)
    with_train = Real(pd.DataFrame(), real.features, plain.features)
    assert near_copies(plain.features[:50], with_train, 0.01) == 1
    assert near_copies(off.features, with_train, 0.01) == 0 and np.isnan(
        near_copies(off.features, None, np.nan)
    )


def test_hand_labels_of_the_generators_own_faces_come_first(study):  # noqa: F811
    place = place_of(home(), study, "gender")
    record(place, study, "gender", answers(40))
    classes = {"gender": people.CLASSES["gender"], "race": people.CLASSES["race"]}
    found = known_recalls(Classifier(), classes, generator="w" * 64)
    assert found["gender"].by_hand and "labelled by hand" in found["gender"].source
    assert not found["race"].by_hand and not known_recalls(Classifier(), classes)["gender"].by_hand
    given = known_recalls(Classifier(), classes, {"gender": [0.9, 0.8]}, generator="w" * 64)
    assert given["gender"].source == "a matrix that was given"
