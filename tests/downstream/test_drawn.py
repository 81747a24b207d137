"""Faces drawn for a study, and the recorded study made of them."""

import dataclasses

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from gammaface import GammaFaceError, recording
from gammaface.attributes import load_attributes
from gammaface.audit.recipe import METHODS as AUDITED
from gammaface.balancing import draw_seeds
from gammaface.cli import app
from gammaface.downstream import drawn as drawing_module
from gammaface.downstream import recorded
from gammaface.downstream.cells import Cell, Stored, read_cell, read_cells
from gammaface.downstream.drawn import Drawing, Wanted, draw_sets, missing_sets, set_name
from gammaface.downstream.recorded import METHODS, Plan, full_cells, record_downstream
from gammaface.downstream.study import reproduce
from gammaface.parallel.threads import threads
from gammaface.recording import Given, record_run
from gammaface.solver_choice import Choice
from gammaface.strategies import get_strategy
from gammaface.workspace import Run, home
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
    varied=(),
)
REDUCED = Plan(
    tasks=("celeba:smile", "utkface:gender"),
    methods=tuple(name for name in METHODS if name not in {"ramaswamy", "diga", "pass", "distill-debias"}),
    shares=(0.5,),
    seeds=2,
    images=12_800,
    per_class=1_500,
    varied=(),
)


@pytest.fixture(scope="module")
def classifier(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labeller") / "attributes"
    write_classifier(folder, draw_seeds(tiny, range(8), steps=2).images)
    return load_attributes(folder, device="cpu")


def test_sets_are_drawn_labelled_and_read_again(tiny, classifier):
    names = ["plain", "component-uniform"]
    wanted = {name: Wanted(name) for name in names}
    found = draw_sets(wanted, tiny, classifier, SMALL)
    assert list(found) == names and all(len(sets) == 2 for sets in found.values())
    hashes = [labelled.hash for sets in found.values() for labelled in sets]
    assert len(set(hashes)) == 4 and all(len(s) == 6 for sets in found.values() for s in sets)
    assert {"gender", "gender_p", "race", "young60"} <= set(found["plain"][0].labels)

    def drawing_again(*_):
        raise AssertionError("what is there is not drawn again")

    again = draw_sets(wanted, tiny, classifier, SMALL, callback=drawing_again)
    assert [s.hash for sets in again.values() for s in sets] == hashes


def test_a_strategy_is_drawn_with_its_options(tiny, classifier, monkeypatch):
    asked = []

    def remember(*args, options, **others):
        asked.append((others["strategy"], dict(options)))
        return draw_run(*args, options=options, **others)

    draw_run = drawing_module.draw_run
    monkeypatch.setattr(drawing_module, "draw_run", remember)
    one = dataclasses.replace(SMALL, seeds=1)
    named = {"quota": {"limit": 60}}
    wanted = {"plain": Wanted("plain")}
    told = draw_sets(wanted, tiny, classifier, dataclasses.replace(one, options=named))["plain"][0].drawing
    assert asked == [("plain", {})] and told["options"] == {"plain": {}}
    assert (told["sampler"], told["steps"], told["harvest"]) == ("ddim", 2, 12)
    best = get_strategy("distribution-guidance")
    assert one.of(best)["scale"] == AUDITED["guided"].options["scale"] == 10.0
    assert dataclasses.replace(one, options={}).of(best)["scale"] == 4.0
    assert dataclasses.replace(one, options=named).of(get_strategy("quota"))["limit"] == 60


def test_another_drawing_is_another_set(tiny, classifier):
    def name(strategy, **changes):
        chosen = dataclasses.replace(SMALL, **changes)
        return set_name(tiny, classifier, get_strategy(strategy), chosen, 0)

    changes = ({}, {"options": {}}, {"pilot": 30}, {"attributes": ("race3",)}, {"steps": 3}, {"n": 7})
    assert len({name("distribution-guidance", **each) for each in changes}) == len(changes)
    assert len(name("distribution-guidance", n=10_000)) <= 80, "longer names are refused"
    assert name("plain") == name("plain", pilot=30, harvest=99, options={}), "it uses none of them"
    assert name("component-uniform") != name("component-uniform", harvest=99)


def test_only_what_is_not_given_is_drawn():
    cells = [
        Cell("utkface", "gender", "baseline", 0),
        Cell("utkface", "gender", "plain-augment", 0, "plain", 0.5),
        Cell("utkface", "gender", "gamma-face", 0, "stratified", 0.5),
    ]
    own = "stratified:utkface:gender"
    wanted = {"plain": Wanted("plain"), own: Wanted("stratified", ("gender", "race3", "young60"))}
    assert missing_sets(cells, {}, SMALL) == wanted
    assert list(missing_sets(cells, {"plain": []}, SMALL)) == [own]
    for given in ("stratified", own):
        assert list(missing_sets(cells, {given: []}, SMALL)) == ["plain"]
    told = dataclasses.replace(SMALL, attributes=("race3",))
    assert missing_sets(cells, {"plain": []}, told) == {"stratified": Wanted("stratified", ("race3",))}


def test_tasks_that_divide_people_alike_share_a_set():
    cells = [Cell("utkface", target, "gamma-face", 0, "stratified", 0.5) for target in ("race", "age")]
    race, age = missing_sets(cells, {}, SMALL).values()
    assert race == age


def test_the_recorded_study_ships_predictions_and_says_that_it_is_reduced(
    tiny, classifier, data, tmp_path, monkeypatch
):
    monkeypatch.setattr(recording, "EXAMPLES", tmp_path)
    monkeypatch.setattr(recording, "STUDY", PLAN)
    monkeypatch.setattr(recording, "load_attributes", lambda: classifier)
    shipped = Run.open(record_run("downstream", tiny, given=Given(real=(f"utkface={data}",))))
    assert shipped.path == tmp_path / "downstream" and not shipped.damaged()
    assert "reduced version" in shipped.manifest.note and "64 pictures" in shipped.manifest.note
    assert "sets of 6 generated faces in 2 ddim steps, shown" in shipped.manifest.note
    assert not list(shipped.path.rglob("*.png")) and set(shipped.table("cells")["n_test"]) == {60}
    cell = read_cell(shipped.path, shipped.table("cells")["name"].iloc[0])
    assert len(cell.predictions) == 60 and cell.config["recipe"]["backbone"] == "tiny"
    # On another machine of this kind, without the working run, nothing is trained again.
    monkeypatch.setenv("GAMMAFACE_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("gammaface.downstream.bench.Bench.compute", None)
    again = Run.open(record_run("downstream", tiny, given=Given(real=(f"utkface={data}",))))
    assert again.table("figures").equals(shipped.table("figures"))


@pytest.fixture
def two_threads():
    with threads(2):
        yield


def test_a_cell_is_computed_again_without_the_sets_that_it_learned_from(
    tiny, tiny_folder, classifier, data, tmp_path, monkeypatch, two_threads
):
    plan = dataclasses.replace(
        PLAN, methods=("plain-augment", "gamma-face"), drawn=9, pilot=17, harvest=14, sampler="ddim"
    )
    given = (f"utkface={data}",)
    working = tmp_path / "working"
    run = record_downstream(tiny, lambda: classifier, given, plan, working=working, out=tmp_path / "shipped")
    assert run.manifest.weights == {tiny.name: tiny.weights_hash, "attributes": classifier.hash}
    monkeypatch.setattr("gammaface.attributes.load_attributes", lambda **_: classifier)
    used = []

    def counted(*given):
        used.append(torch.get_num_threads())
        return reproduce(*given)

    monkeypatch.setattr("gammaface.downstream.study.reproduce", counted)
    for number, stored in enumerate(read_cells(run.path)):
        assert {name: stored.config["drawing"][name] for name in ("n", "pilot", "harvest", "steps")} == {
            "n": 9,
            "pilot": 17,
            "harvest": 14,
            "steps": 2,
        }
        monkeypatch.setenv("GAMMAFACE_HOME", str(tmp_path / f"elsewhere-{number}"))
        assert not home().exists()
        command = ["downstream-cell", run.path, stored.cell.name, "--data", given[0], "--model", tiny_folder]
        done = CliRunner().invoke(app, [str(word) for word in command])
        assert done.exit_code == 0, done.exception
        assert "60 predictions, identical" in done.stdout
        assert [path.name for path in home().glob("drawn-*")], "drawn anew"
        assert used[-1] == stored.facts["machine"]["threads"] == 1, "not the two of this process"


def test_how_faces_were_drawn_may_be_damaged():
    told = dataclasses.asdict(SMALL)
    assert Drawing.told(told) == SMALL
    for bad in (told | {"colour": 1}, {"n": 6}):
        with pytest.raises(GammaFaceError, match="how the cell's faces were drawn"):
            Drawing.told(bad)


def test_a_recording_without_its_data_is_one_error(tiny, classifier, tmp_path):
    with pytest.raises(GammaFaceError, match="needs labelled real faces") as error:
        record_downstream(tiny, lambda: classifier, [], Plan(), working=tmp_path / "w", out=tmp_path / "o")
    assert "--real celeba=PATH" in error.value.fix


def test_the_plan_takes_the_path_that_the_model_needs(tiny, monkeypatch):
    monkeypatch.setattr(
        "gammaface.solver_choice.recommended_sampler", lambda *_, **__: Choice("dpm-solver", 6)
    )
    assert (Plan().on(tiny).sampler, Plan().on(tiny).steps) == ("dpm-solver", 6)
    assert dataclasses.replace(Plan(), steps=9).on(tiny).sampler == "ddim"


def test_the_audits_best_strategy_is_recorded():
    assert "gamma-face@distribution-guidance:50" in METHODS
    sources = {c.source for c in Plan().cells(["celeba", "utkface"])}
    assert sources == {"", "plain", "component-uniform", "distribution-guidance"}


def kept(cells, *, n=500, steps=6) -> list[Stored]:
    """The cells as read, those with generated faces from sets of this size."""
    drawing = {"n": n, "sampler": "dpm-solver", "steps": steps}
    return [Stored(c, {"drawing": drawing if c.source else None}, {}, 1.0, pd.DataFrame()) for c in cells]


def test_the_sets_are_told_as_the_cells_keep_them():
    early = kept(Plan(tasks=("utkface:gender",)).cells(["utkface"]))
    told = Plan(drawn=300, steps=9).in_words(early)
    assert ", sets of 500 generated faces in 6 dpm-solver steps, shown again where" in told
    late = kept([Cell("utkface", "race", "plain-augment", 0, "plain", 0.5)], n=300, steps=9)
    told = Plan(drawn=300, steps=9).in_words([*early, *late])
    assert "sets of 500 generated faces in 6 dpm-solver steps (plain for gender of UTKFace, " in told
    assert " and of 300 generated faces in 9 dpm-solver steps (plain for race of UTKFace), shown" in told
    given = [dataclasses.replace(each, config={}, facts={"pool": 40}) for each in late]
    assert "sets of 40 generated faces, shown again" in Plan().in_words(given)
    assert (
        "generated faces" not in Plan().in_words(kept([Cell("utkface", "race", "pass", 0)])).split(" Of ")[0]
    )


def test_a_study_of_two_machines_says_what_the_other_computed():
    bf16, *others = kept(Plan(tasks=("utkface:gender",)).cells(["utkface"])[:4])
    on = [dataclasses.replace(s, facts={"machine": {"bf16": False}}) for s in others]
    assert "trained in" not in Plan().in_words([*on, bf16]), "what a cell was computed in may be unknown"
    told = Plan().in_words([*on, dataclasses.replace(bf16, facts={"machine": {"bf16": True}})])
    method = bf16.cell.method
    assert f" 1 classifier was trained in bfloat16 on another machine (gender of UTKFace: {method})," in told
    assert "the others in float32." in told


def test_the_full_study_does_not_call_itself_reduced():
    full, cells = Plan(), full_cells()
    assert len(cells) == 6 * 3 * (9 + 2 * 4)
    assert full.in_words(kept(cells)).startswith("The full study: 100,000 pictures")
    assert "Not varied: originals kept" in full.in_words(kept(cells))
    varied = [
        dataclasses.replace(cells[-1], **change)
        for change in ({"design": "additive"}, {"labeller": "subset-only"}, {"min_p": 0.9})
    ]
    assert "Not varied" not in full.in_words(kept([*cells, *varied]))
    whole = full.cells(recorded.FULL_DATA)
    assert set(cells) < set(whole) and len(whole) == len(cells) + 2 * 3 * 2 * 3
    assert {c.target for c in whole if c not in cells} == {"smile", "gender"}
    assert "Not varied" not in full.in_words(kept(whole))
    for smaller in ({"images": 64}, {"per_class": 100}):
        assert dataclasses.replace(full, **smaller).in_words(kept(cells)).startswith("A reduced version")
    told = full.in_words(kept(cells[:-1]))
    assert told.startswith("A part") and "age (UTKFace): 50 of 51 classifiers." in told


def test_what_is_missing_is_counted_task_by_task():
    cells = REDUCED.cells(["celeba", "utkface"])
    told = REDUCED.in_words(kept(cells))
    half = "6 of 10 methods, 1 of 4 ratios, 2 of 3 seeds, 14 of 51 classifiers"
    assert f"smile (CelebA): {half}" in told and f"gender (UTKFace): {half}" in told
    assert "race (UTKFace): nothing" in told and "12,800 pictures shown to each classifier instead of" in told
    grown = [*cells, *(Cell("utkface", "race", name, 0) for name in ("baseline", "pass", "diga"))]
    assert "race (UTKFace): 3 of 10 methods, 0 of 4 ratios, 1 of 3 seeds, 3 of 51" in REDUCED.in_words(
        kept(grown)
    )
