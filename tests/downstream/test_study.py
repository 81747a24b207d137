import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.downstream.bench import Sizes
from gammaface.downstream.cells import Cell, read_cell, read_cells
from gammaface.downstream.grid import Grid
from gammaface.downstream.labelled import read_labelled
from gammaface.downstream.study import reproduce, run_downstream
from gammaface.downstream.tasks import parse_tasks
from gammaface.downstream.terms import TABLES
from gammaface.training.face_sets import load_face_set
from gammaface.workspace import Run
from tests.downstream.conftest import QUICK, people, save_labelled
from tests.launched import launch

METHODS = ["baseline", "plain-augment", "gamma-face"]


def grid(methods=METHODS, **options) -> list[Cell]:
    return Grid(parse_tasks(["gender"], ["utkface"]), methods, **options).cells()


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def in_float32():
    """As in every test: what is set for one alone does not reach what a module shares."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMMAFACE_PRECISION", "float32")
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data, sets, in_float32):
    """A study that was killed after two cells and then continued; the folder and when cells came."""
    from gammaface.downstream.bench import Bench

    faces = load_face_set("utkface", data, seed=0)
    generated = {n: [read_labelled(p)] for n, p in sets.items()}
    bench = Bench({"utkface": faces}, generated, recipe=QUICK, sizes=Sizes(per_class=80))
    out = tmp_path_factory.mktemp("runs") / "study"
    cells = grid(labellers=("full", "subset-only"))

    def kill(stage, done, total):
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        run_downstream(bench, cells, out=out, resamples=50, report=kill)
    first = {p: p.stat().st_mtime_ns for p in (out / "cells").glob("*/*")}
    (out / "cells" / ".half.1.tmp").mkdir()
    assert Run.open(out).manifest.state == "failed" and len(first) == 4
    run_downstream(bench, cells, out=out, resamples=50)
    return out, first, bench, cells


def test_a_killed_study_continues_without_repeating_a_cell(finished):
    out, first, _, cells = finished
    assert Run.open(out).manifest.state == "done"
    assert {p.name for p in (out / "cells").iterdir()} == {c.name for c in cells}
    assert all(p.stat().st_mtime_ns == at for p, at in first.items())


def test_a_cell_keeps_all_that_it_was_computed_from(finished):
    out, _, bench, cells = finished
    stored = read_cell(out, cells[0].name)
    assert list(stored.predictions) == ["row", "y", "p", "score_female", "score_male", "age", "race"]
    faces = bench.faces("utkface", "gender")
    assert stored.predictions["row"].tolist() == faces.test.tolist()
    truth = bench.sets["utkface"].faces.frame
    assert (stored.predictions["y"] == truth["gender"].iloc[faces.test].to_numpy()).all()
    scores = stored.predictions[["score_female", "score_male"]].to_numpy()
    assert scores.sum(1) == pytest.approx(1, abs=1e-3)
    assert stored.config["recipe"] == dataclasses.asdict(QUICK)
    facts = stored.facts
    assert facts["per_class"] == 80 and facts["n_original"] == 160 and facts["unlabelled"] == 1
    assert sum(row["n"] for row in facts["originals"]) == 160
    even = next(s for s in read_cells(out) if s.cell.method == "gamma-face")
    assert even.facts["n_original"] == even.facts["n_generated"] == 80
    assert even.set_size == even.facts["set"] == 260 and read_cell(out, cells[0].name).set_size is None
    assert even.config["generated"] == bench.labelled(even.cell).hash


def test_the_second_labeller_knows_the_subset_only(finished):
    out, _, _, _ = finished
    arms = {s.cell.labeller: s for s in read_cells(out) if s.cell.method == "plain-augment"}
    accuracy = arms["subset-only"].facts["labeller_accuracy"]
    assert len(accuracy) == 3 and all(0 <= a <= 1 for a in accuracy)
    assert "labeller_accuracy" not in arms["full"].facts
    assert not arms["full"].predictions["score_male"].equals(arms["subset-only"].predictions["score_male"])


def test_every_table_is_there(finished):
    out, _, _, cells = finished
    run = Run.open(out)
    assert set(run.tables()) == set(TABLES)
    assert len(run.table("cells")) == len(cells)
    assert set(run.table("figures")["arm"]) == {c.arm for c in cells}
    assert run.table("claims")["sentence"].str.len().min() > 20


@pytest.mark.parametrize("place", [0, -1])
def test_a_cell_computed_again_is_identical(finished, make_bench, place):
    out, _, _, cells = finished
    torch.rand(3)
    assert reproduce(Run.open(out), cells[place].name, make_bench()).empty


@pytest.mark.slow
def test_workers_share_the_cells(make_bench, tmp_path):
    cells = grid(["baseline", "oversample", "plain-augment"])
    bench = make_bench(recipe=dataclasses.replace(QUICK, images=64, validate_every=64))

    def work(workers):
        out, seen = tmp_path / str(workers.count), []
        report = lambda stage, done, total: seen.append((stage, total))  # noqa: E731
        run = run_downstream(bench, cells, out=out, resamples=10, workers=workers, report=report)
        return [total for stage, total in seen if stage == "cells"][-1], run.manifest.state

    assert launch(1, work) == [(3, "done")]
    assert launch(2, work) == [(2, "done"), (1, "done")]
    for cell in cells:
        alone, shared = (read_cell(tmp_path / count, cell.name) for count in "12")
        assert shared.predictions.equals(alone.predictions)
    assert set(Run.open(tmp_path / "2").tables()) == set(TABLES)


def test_a_difference_would_be_seen(finished, make_bench, tmp_path):
    import shutil

    out, _, _, cells = finished
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    file = copy / "cells" / cells[0].name / "predictions.parquet"
    table = pd.read_parquet(file)
    table.loc[7, "score_male"] += 100  # ten-thousandths
    table.to_parquet(file)
    differing = reproduce(Run.open(copy), cells[0].name, make_bench())
    assert differing.index.tolist() == [7]


def test_a_study_may_grow_but_not_change(finished, make_bench, tmp_path):
    import shutil

    out, _, _, _ = finished
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    run_downstream(make_bench(), grid(["oversample"], seeds=(1,)), out=copy, resamples=20)
    assert "oversample" in set(Run.open(copy).table("figures")["method"])
    longer = make_bench(recipe=dataclasses.replace(QUICK, images=64))
    with pytest.raises(GammaFaceError, match="other settings"):
        run_downstream(longer, grid(), out=copy)
    images, labels = people(40, agree=0.5, seed=9)
    save_labelled(tmp_path / "other", images, labels)
    others = {"plain": [read_labelled(tmp_path / "other")]}
    with pytest.raises(GammaFaceError, match="computed with another generated"):
        run_downstream(make_bench(generated=others), grid(["plain-augment"]), out=copy)


def test_what_another_run_knows_is_taken_over_where_it_would_come_out_the_same(
    finished, make_bench, monkeypatch, tmp_path
):
    import json
    import shutil

    out, _, _, cells = finished
    known = tmp_path / "known"
    shutil.copytree(out, known)
    for cell, change in zip(
        cells, [{"machine": {"threads": 99}}, {"generated": "others"}, {"machine": {}}], strict=False
    ):
        file = known / "cells" / cell.name / "cell.json"
        content = json.loads(file.read_text())
        content["config" if "generated" in change else "facts"] |= change
        file.write_text(json.dumps(content))
    bench, computed = make_bench(), []
    compute = bench.compute
    monkeypatch.setattr(bench, "compute", lambda cell: computed.append(cell) or compute(cell))
    fresh = run_downstream(bench, cells, out=tmp_path / "fresh", known=known, resamples=20).path
    assert computed == cells[:3], "another machine, another set, and one that nobody noted"
    for cell in cells:
        assert read_cell(fresh, cell.name).predictions.equals(read_cell(out, cell.name).predictions)
    assert read_cell(fresh, cells[-1].name).seconds == read_cell(out, cells[-1].name).seconds


def test_a_study_goes_on_in_the_precision_it_was_begun_in(finished, make_bench, monkeypatch, tmp_path):
    import json
    import shutil

    out, _, _, cells = finished
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    assert Run.open(copy).manifest.versions["precision"] == "float32"
    monkeypatch.setenv("GAMMAFACE_PRECISION", "bfloat16")
    with pytest.raises(GammaFaceError, match="begun with networks in float32, and here they run in bfloat16"):
        run_downstream(make_bench(), cells, out=copy, resamples=20)
    file = copy / "manifest.json"
    older = json.loads(file.read_text())
    del older["versions"]["precision"]  # as of a study of before it was recorded
    file.write_text(json.dumps(older))
    assert run_downstream(make_bench(), cells, out=copy, resamples=20).manifest.state == "done"


def test_subsets_are_even_and_differ_by_seed(make_bench):
    faces = make_bench().faces("utkface", "gender")
    rows = [faces.subset(seed=s, limit=60) for s in (0, 0, 1)]
    assert (rows[0] == rows[1]).all() and set(rows[0]) != set(rows[2])
    assert np.bincount(faces.codes("gender", rows[0])).tolist() == [60, 60]
    assert len(faces.subset(seed=0)) == 2 * np.bincount(faces.codes("gender", faces.train)).min()
    assert not set(faces.train) & set(faces.test) and not set(faces.validation) & set(faces.train)


def test_sets_of_several_seeds_are_taken_in_turns(make_bench, sets):
    bench = make_bench(generated={"plain": [read_labelled(p) for p in sets.values()]})
    hashes = [
        bench.labelled(Cell("utkface", "gender", "plain-augment", s, "plain", 0.5)).hash for s in range(3)
    ]
    assert hashes[0] == hashes[2] != hashes[1]


@pytest.mark.parametrize(
    ("methods", "changes", "words"),
    [
        (["gamma-face@none"], {}, "needs generated faces named 'none'"),
        (["diga"], {}, "edit pictures"),
        (["baseline"], {"recipe": dataclasses.replace(QUICK, backbone="vast")}, "backbone 'vast'"),
    ],
)
def test_what_cannot_be_computed_is_refused_at_once(make_bench, tmp_path, methods, changes, words):
    with pytest.raises(GammaFaceError, match=words):
        run_downstream(make_bench(**changes), grid(methods), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_unknown_and_damaged_cells(finished, tmp_path):
    out, _, _, _ = finished
    with pytest.raises(GammaFaceError, match="no cell 'x'"):
        read_cell(out, "x")
    (tmp_path / "cells" / "y").mkdir(parents=True)
    (tmp_path / "cells" / "y" / "cell.json").write_text("{")
    with pytest.raises(GammaFaceError, match="damaged"):
        read_cell(tmp_path, "y")
