"""A study's arms side by side, and seen by one protected attribute."""

import numpy as np
import pytest

from gammaface import GammaFaceError, metrics
from gammaface.baselines import METHODS
from gammaface.downstream.claims import HOLDS, claims_table
from gammaface.downstream.comparison import arms_in_order, curves_in_order, published_rows, side_by_side
from gammaface.downstream.figures import task_figures
from gammaface.downstream.tables import study_tables
from gammaface.downstream.terms import METRICS, ORDER, OWN_SETS, arm_words
from tests.downstream.conftest import EVEN, PLAIN, stored

STRATIFIED = {"source": "stratified", "share": 0.5}


@pytest.fixture(scope="module")
def cells():
    return [
        stored("gamma-face", 0, right=(0.9, 0.9), **STRATIFIED),
        stored("gamma-face", 0, right=(0.7, 0.8), **EVEN, labeller="subset-only"),
        stored("gamma-face", 0, right=(0.85, 0.85), **EVEN),
        stored("gamma-face", 0, right=(0.6, 0.9), **EVEN | {"share": 0.3}),
        stored("plain-augment", 0, right=(0.95, 0.75), **PLAIN),
        stored("pass", 0, right=(0.85, 0.84)),
        stored("baseline", 0, right=(0.95, 0.7)),
    ]


@pytest.fixture(scope="module")
def tables(cells):
    return study_tables(cells, resolution=64, resamples=40)


def test_every_method_has_its_place_and_every_metric_its_name(tables):
    assert set(ORDER) == set(METHODS)
    assert {name: method.source for name, method in METHODS.items() if method.source} == OWN_SETS
    assert set(tables["figures"]["metric"]) == set(METRICS)


def test_baselines_stand_first_then_the_control(tables):
    assert list(arms_in_order(tables["figures"]).values()) == [
        "baseline",
        "pass",
        "plain-augment 50%",
        "gamma-face 30%",
        "gamma-face 50%",
        "gamma-face 50%, labels of the subset",
        "gamma-face on stratified 50%",
    ]
    curves = curves_in_order(tables["ratios"])
    assert list(curves.values())[:2] == ["plain-augment", "gamma-face"]
    assert arm_words("gamma-face", "component-uniform", 30, min_p=0.8) == (
        "gamma-face 30%, labels surer than 0.8"
    )


def test_figures_and_differences_stand_side_by_side(tables):
    figures = tables["figures"]
    beside = published_rows(tables, "utkface", "gender")
    arms = list(arms_in_order(figures))
    table = side_by_side(figures, tables["cells"], arms, ("bias", "accuracy"), beside=beside)
    table = table.set_index("Method")
    assert table.loc["baseline", "Bias vs baseline"] == "" and "[" in table.loc["pass", "Bias vs baseline"]
    assert table.loc["plain-augment 50%", "Bias vs plain-augment"] == ""
    assert table.loc["pass", "Bias"].startswith(".") and table.loc["pass", "Bias published"] == ".169"
    assert (
        table.loc["pass", "Beside the paper"] == "not comparable" and "FairFace" in table.loc["pass", "Why"]
    )
    assert table.loc["gamma-face on stratified 50%", "Bias published"] == ""


def test_another_set_is_held_against_plain_faces():
    arms = [("gamma-face", STRATIFIED, (0.9, 0.9)), ("plain-augment", PLAIN, (0.95, 0.75))]
    cells = [stored(m, seed, right=right, **mix) for m, mix, right in arms for seed in range(4)]
    claims = claims_table([task_figures(cells, resamples=40)]).set_index("claim")
    row = claims.loc["Faces drawn by stratified lower Bias beside plain ones"]
    assert row["verdict"] == HOLDS and row["where"] == "ours"


def test_groups_of_one_attribute_are_counted_anew(cells, tables):
    figures = task_figures(cells, protected=["age"], resamples=20)
    frame = cells[-1].predictions
    expected = metrics.bias(frame["y"].astype(str), frame["p"].astype(str), frame[["age"]])
    assert figures.value("baseline", "bias")[0] == pytest.approx(expected)
    seen = study_tables(
        cells, resolution=64, resamples=20, protected=["age"], variants={"weights": "uniform"}
    )
    assert set(seen["groups"]["group"]) == {"age=young", "age=old"}
    assert "weights=uniform" in seen["figures"].set_index("metric").loc["bias", "variant"].iloc[0]
    reason = seen["table1"].set_index("method").loc["pass", "reason"]
    assert "protected: age here, age+race there" in reason
    assert not np.isclose(
        expected, tables["figures"].set_index(["arm", "metric"]).loc[("baseline", "bias"), "value"]
    )


def test_an_attribute_that_is_not_protected_is_refused(cells):
    with pytest.raises(GammaFaceError, match="does not protect 'hair'"):
        task_figures(cells, protected=["hair"], resamples=20)
