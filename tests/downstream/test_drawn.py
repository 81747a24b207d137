"""Faces drawn for a study, and the recorded study made of them."""

import dataclasses

import pandas as pd
import pytest

from gammaface import GammaFaceError, recording
from gammaface.attributes import load_attributes
from gammaface.balancing import draw_seeds
from gammaface.downstream import recorded
from gammaface.downstream.cells import Cell, read_cell
from gammaface.downstream.drawn import Drawing, draw_sets, missing_sets
from gammaface.downstream.recorded import Plan, record_downstream
from gammaface.recording import Given, record_run
from gammaface.workspace import Run
from tests.tiny_attributes import write_classifier

SMALL = Drawing(6, seeds=2, pilot=20, harvest=12, steps=2, sampler="ddim")
PLAN = Plan(
    tasks=("utkface:gender",),
    methods=("baseline", "plain-augment"),
    seeds=1,
    images=64,
    backbone="tiny",
    resolution=16,
    validate_every=64,
    per_class=20,
    validation=20,
    test=60,
    drawn=6,
    harvest=12,
    steps=2,
)


@pytest.fixture(scope="module")
def classifier(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labeller") / "attributes"
    write_classifier(folder, draw_seeds(tiny, range(8), steps=2).images)
    return load_attributes(folder, device="cpu")


def test_sets_are_drawn_labelled_and_read_again(tiny, classifier):
    names = ["plain", "component-uniform"]
    found = draw_sets(names, tiny, classifier, SMALL)
    assert list(found) == names and all(len(sets) == 2 for sets in found.values())
    hashes = [labelled.hash for sets in found.values() for labelled in sets]
    assert len(set(hashes)) == 4 and all(len(s) == 6 for sets in found.values() for s in sets)
    assert {"gender", "gender_p", "race", "young60"} <= set(found["plain"][0].labels)

    def drawing_again(*_):
        raise AssertionError("what is there is not drawn again")

    again = draw_sets(names, tiny, classifier, SMALL, callback=drawing_again)
    assert [s.hash for sets in again.values() for s in sets] == hashes


def test_only_what_is_not_given_is_drawn():
    cells = [
        Cell("utkface", "gender", "baseline", 0),
        Cell("utkface", "gender", "plain-augment", 0, "plain", 0.5),
        Cell("utkface", "gender", "gamma-face", 0, "stratified", 0.5),
    ]
    assert missing_sets(cells, {}) == ["plain", "stratified"]
    assert missing_sets(cells, {"plain": []}) == ["stratified"]


def test_the_recorded_study_ships_predictions_and_says_that_it_is_reduced(
    tiny, classifier, data, tmp_path, monkeypatch
):
    monkeypatch.setattr(recording, "EXAMPLES", tmp_path)
    monkeypatch.setattr(recording, "Plan", lambda: PLAN)
    monkeypatch.setattr(recording, "load_attributes", lambda: classifier)
    shipped = Run.open(record_run("downstream", tiny, given=Given(real=(f"utkface={data}",))))
    assert shipped.path == tmp_path / "downstream" and not shipped.damaged()
    assert "reduced version" in shipped.manifest.note and "64 pictures" in shipped.manifest.note
    assert not list(shipped.path.rglob("*.png")) and set(shipped.table("cells")["n_test"]) == {60}
    cell = read_cell(shipped.path, shipped.table("cells")["name"].iloc[0])
    assert len(cell.predictions) == 60 and cell.config["recipe"]["backbone"] == "tiny"


def test_a_recording_without_its_data_is_one_error(tiny, classifier, tmp_path):
    with pytest.raises(GammaFaceError, match="needs labelled real faces") as error:
        record_downstream(tiny, lambda: classifier, [], Plan(), working=tmp_path / "w", out=tmp_path / "o")
    assert "--real celeba=PATH" in error.value.fix


def test_the_full_study_does_not_call_itself_reduced():
    full = dataclasses.replace(Plan(), images=recorded.FULL_IMAGES, seeds=recorded.FULL_SEEDS)
    assert full.in_words(pd.DataFrame(full.cells(["celeba", "utkface"]))).startswith("The full study")
    cells = pd.DataFrame(Plan().cells(["celeba", "utkface"]))
    assert "2 seeds instead of 3" in Plan().in_words(cells) and "2 tasks of 6" in Plan().in_words(cells)
    grown = pd.concat([cells, pd.DataFrame([Cell("celeba", "hair", "pass", 0)])])
    assert "7 methods of 10, 3 tasks of 6" in Plan().in_words(grown), "counted, not planned"
