"""What cells share is computed once, and no prediction can tell."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from gammaface.baselines import CodeSpace, plain, protected_removal
from gammaface.baselines.protected_removal import Removal
from gammaface.downstream import bench as bench_module
from gammaface.downstream.cells import Cell
from gammaface.downstream.labelled import read_labelled
from tests.downstream.conftest import QUICK

SHORT = dataclasses.replace(QUICK, images=96)
BASELINE, PASS = (Cell("utkface", "gender", method, 0) for method in ("baseline", "pass"))
PLAIN = Cell("utkface", "gender", "plain-augment", 0, "plain", 0.5, labeller="subset-only")


@pytest.fixture
def counted(monkeypatch):
    """counted(module, name): the calls of a function, which is otherwise left alone."""

    def count(module, name):
        calls, original = [], getattr(module, name)

        def called(*args, **options):
            calls.append(args)
            return original(*args, **options)

        monkeypatch.setattr(module, name, called)
        return calls

    return count


@pytest.mark.parametrize("order", [(BASELINE, PASS), (PASS, BASELINE)])
def test_pass_begins_with_the_baseline_of_its_task_and_seed(order, make_bench, counted, monkeypatch):
    monkeypatch.setattr(protected_removal, "Removal", lambda: Removal(rounds=2, reader_steps=5))
    bench, trained = make_bench(recipe=SHORT), counted(plain, "train_on")
    results = [bench.compute(cell) for cell in order]
    assert len(trained) == 1
    assert results[0].facts["images_seen"] == results[1].facts["images_seen"]
    for cell, result in zip(order, results, strict=True):
        assert make_bench(recipe=SHORT).compute(cell).predictions.equals(result.predictions)
    trained.clear()
    bench.compute(dataclasses.replace(PASS, seed=1))
    bench.compute(BASELINE)
    assert len(trained) == 2, "another seed has another baseline, and none is kept for long"


def test_one_labeller_of_the_subset_names_all_sets(make_bench, counted):
    even = dataclasses.replace(PLAIN, method="gamma-face", source="component-uniform")
    cells = [PLAIN, even, dataclasses.replace(even, min_p=0.5)]
    bench, taught = make_bench(recipe=SHORT), counted(bench_module, "taught")
    results = [bench.compute(cell) for cell in cells]
    assert len(taught) == 1
    assert len({str(result.facts["labeller_accuracy"]) for result in results}) == 1
    for cell, result in zip(cells, results, strict=True):
        assert make_bench(recipe=SHORT).compute(cell).predictions.equals(result.predictions)
    bench.compute(dataclasses.replace(PLAIN, target="age"))
    assert len(taught) == 5, "another task has another labeller"


@pytest.mark.parametrize(
    ("module", "name", "order"),
    [
        (plain, "train_on", (BASELINE, PASS)),
        (plain, "train_on", (PASS, BASELINE)),
        (bench_module, "taught", (PLAIN, dataclasses.replace(PLAIN, min_p=0.5))),
    ],
)
def test_every_cell_counts_the_seconds_of_what_it_shares(module, name, order, make_bench, monkeypatch):
    monkeypatch.setattr(protected_removal, "Removal", lambda: Removal(rounds=2, reader_steps=5))
    train, waited = getattr(module, name), 1000.0
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(bench_module, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def slowly(*args, **options):
        clock.now += waited
        return train(*args, **options)

    monkeypatch.setattr(module, name, slowly)
    bench = make_bench(recipe=SHORT)
    assert [bench.compute(cell).seconds for cell in order] == [waited, waited]
    assert clock.now == waited, "it is trained once"
    assert bench.compute(dataclasses.replace(order[0], target="age")).seconds == waited, "its own alone"


def test_pictures_of_a_set_are_encoded_once_for_all_tasks(make_bench, tiny, monkeypatch):
    asked = []

    def counting(generator, *, resolution):
        space = real(generator, resolution=resolution)
        return CodeSpace(lambda images: asked.append(len(images)) or space.encode(images), space.decode)

    real = bench_module.latent_codes
    monkeypatch.setattr(bench_module, "latent_codes", counting)
    cells = [Cell("utkface", target, "ramaswamy", 0, "plain", 0.5) for target in ("gender", "age")]
    bench = make_bench(recipe=SHORT, generator=tiny)
    bench.check(cells)
    assert not asked, "checking encodes nothing"
    results = [bench.compute(cell) for cell in cells]
    assert asked == [260]
    alone = make_bench(recipe=SHORT, generator=tiny).compute(cells[1])
    assert alone.predictions.equals(results[1].predictions)


def test_examples_know_the_codes_of_their_pictures(sets):
    drawn, task = read_labelled(sets["plain"]), bench_module.get_task("utkface", "gender")
    codes = np.arange(len(drawn), dtype=float)[:, None]
    sure = drawn.examples(task, resolution=16, min_p=0.8, codes=codes)
    rows = np.flatnonzero(drawn.labels["gender_p"] >= 0.8)
    assert (sure.codes[:, 0] == rows).all()
    assert (sure.take(np.array([3, 3, 0])).codes[:, 0] == rows[[3, 3, 0]]).all()
    assert drawn.examples(task, resolution=16).codes is None
