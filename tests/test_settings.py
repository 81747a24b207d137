"""Recipes made smaller from the command line."""

import pytest

from gammaface import GammaFaceError, rebalance
from gammaface.downstream.recorded import METHODS, Plan
from gammaface.recording import READERS, Given, record_run
from gammaface.settings import with_settings


def test_what_is_not_named_stays_as_it_is():
    plan = with_settings(Plan(), ["drawn=40", "methods=baseline, pass", "steps=9"])
    assert plan == Plan(drawn=40, methods=("baseline", "pass"), steps=9)
    assert with_settings(Plan(), []).methods == METHODS


def test_numbers_of_a_tuple_are_numbers():
    plan = with_settings(Plan(), ["min_ps=0, .9", "designs=fixed,additive", "labellers=full, subset-only"])
    assert plan.min_ps == (0.0, 0.9) and all(type(p) is float for p in plan.min_ps)
    assert with_settings(Plan(), ["min_ps=.5"]).min_ps == (0.5,)
    arms = {(c.design, c.labeller, c.min_p) for c in plan.cells(["celeba", "utkface"]) if c.source}
    assert {("additive", "full", 0.0), ("fixed", "subset-only", 0.0), ("fixed", "full", 0.9)} < arms


def test_a_field_may_have_a_reader():
    aims = with_settings(recipe := Plan(), ["tasks=a+b"], readers={"tasks": lambda text: [text]}).tasks
    assert aims == ["a+b"] and recipe == Plan()
    assert [aim.name for aim in READERS["aims"]("gender,gender+race")] == ["gender", "gender+race"]


@pytest.mark.parametrize(
    "text",
    ["drawn=many", "drawn=1.5", "steps=many", "backbones=small", "drawn", "images=1,2", "min_ps=0,sure"],
)
def test_what_cannot_be_set_is_refused(text):
    with pytest.raises(GammaFaceError):
        with_settings(Plan(), [text])


def test_a_recipe_checks_what_was_set():
    with pytest.raises(GammaFaceError, match="there is no row 'magic'"):
        with_settings(rebalance.Recipe(), ["rows=magic"])
    with pytest.raises(GammaFaceError, match="'bias' is not in the recipe"):
        with_settings(rebalance.Recipe(), ["bias=none"])


def test_a_run_without_settings_says_so():
    with pytest.raises(GammaFaceError, match="'components' has no settings"):
        record_run("components", None, given=Given(settings=("n=5",)))
