"""`kill -9` at any moment: the same command goes on to the same bytes, and repeats nothing finished."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import drawing, harvest
from gammaface.attributes import load_attributes
from gammaface.balancing import draw_seeds
from gammaface.downstream import bench
from gammaface.downstream.cells import Cell, has_cell
from gammaface.downstream.study import run_downstream
from gammaface.generators import Generator
from gammaface.images import to_png, to_uint8
from gammaface.labelling import labels
from gammaface.parallel import blocks
from gammaface.parallel.parts import read_parts
from gammaface.training import loop
from gammaface.training.diffusion import UNetWidths, train_diffusion
from gammaface.workspace import Run, extending, writing
from tests.downstream.conftest import QUICK, data, make_bench, sets  # noqa: F401 - fixtures
from tests.strategies.toy import toy
from tests.tiny_attributes import write_classifier

MOMENTS, TRIES = 10, 30


@dataclass(frozen=True)
class Work:
    """A job that can be cut off.

    ``run(out, did)`` does it and calls ``did(count)`` for every unit that is computed, not
    taken from disk; ``left(out)`` are the units that must still be computed; ``made(out)``
    is the finished product, byte by byte; ``begin(out)`` lays out what it starts from.
    """

    run: Callable[[Path, Callable[[int], None]], object]
    left: Callable[[Path], int]
    made: Callable[[Path], dict[str, bytes]]
    begin: Callable[[Path], object] = lambda out: None


def contents(folder: Path, *patterns: str) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for name in patterns for p in folder.glob(name)}


def harvesting(generator: Generator, monkeypatch) -> Work:
    monkeypatch.setattr(blocks, "AGE", 0.0)  # every batch is written as soon as it is there
    n, size = 48, 4

    def run(out: Path, did) -> None:
        seen: list[int] = []

        def progress(done: int, total: int) -> None:
            did(done - seen[-1] if seen else 0)
            seen.append(done)

        harvest(generator, n=n, steps=6, batch_size=size, out=out, progress=progress)

    def left(out: Path) -> int:
        if (out / "arrays" / "latents.npy").exists():
            return 0
        return sum(stop - start for start, stop in blocks.missing(out / "arrays" / "blocks", n))

    return Work(run, left, lambda out: contents(out, "arrays/*.npy"))


def sampling(generator: Generator, monkeypatch) -> Work:
    monkeypatch.setattr(drawing, "MICRO_BATCH", 8)
    n, block = 40, 8

    def run(out: Path, did) -> None:
        def callback(state) -> None:
            did(block if state.i == 0 else 0)

        drawing.draw_run(generator, None, n=n, out=out, strategy="plain", steps=2, callback=callback)

    def left(out: Path) -> int:
        table = out / "tables" / "images.parquet"
        held = len(pd.read_parquet(table)) if table.exists() else 0
        parts = {p: part for p, part in read_parts(out / "parts").items() if held < n}
        return n - held - sum(map(len, parts.values()))

    return Work(run, left, lambda out: contents(out, "images/*.png", "tables/*.parquet", "notes.json"))


def labelling(generator: Generator, folder: Path, monkeypatch) -> Work:
    images = draw_seeds(generator, np.arange(24), steps=2).images
    classifier = load_attributes(write_classifier(folder / "classifier", images), device="cpu")
    real = labels.label_images
    told: list[Callable[[int], None]] = []

    def counted(classifier, images, **rest):
        told[-1](len(images))
        return real(classifier, images, **rest)

    monkeypatch.setattr(labels, "label_images", counted)

    def begin(out: Path) -> None:
        with writing(out, kind="sample", config={}) as run:
            for i, picture in enumerate(to_uint8(images)):
                run.write_file(f"images/{i:08d}.png", to_png(picture))

    def run(out: Path, did) -> None:
        told.append(did)
        with extending(out) as opened:
            labels.label_run(opened, classifier, batch_size=1)

    def left(out: Path) -> int:
        if (out / "tables" / "labels.parquet").exists():
            return 0
        return len(images) - sum(map(len, read_parts(out / "parts-of-labels").values()))

    return Work(run, left, lambda out: contents(out, "tables/*.parquet"), begin)


def comparing(bench_of, monkeypatch) -> Work:
    recipe = replace(QUICK, images=64, validate_every=64)
    cells = [
        Cell("utkface", "gender", method, seed) for method in ("baseline", "oversample") for seed in (0, 1)
    ]
    stand = bench_of(recipe=recipe)
    stand.check(cells)
    real = bench.Bench.compute
    told: list[Callable[[int], None]] = []

    def counted(self, cell):
        told[-1](1)
        return real(self, cell)

    monkeypatch.setattr(bench.Bench, "compute", counted)

    def run(out: Path, did) -> None:
        told.append(did)
        run_downstream(stand, cells, out=out, resamples=5)

    def made(out: Path) -> dict[str, bytes]:
        tables = {p.name: pd.read_parquet(p) for p in (out / "tables").glob("*.parquet")}
        timeless = {
            n: t.drop(columns="seconds", errors="ignore").to_csv().encode() for n, t in tables.items()
        }
        return timeless | contents(out, "cells/*/predictions.parquet")

    return Work(run, lambda out: sum(not has_cell(out, cell) for cell in cells), made)


def training(monkeypatch) -> Work:
    latents = np.random.default_rng(0).normal(size=(16, 4, 4, 4)).astype(np.float16)
    steps = 12
    schedule = loop.Schedule(
        images=2 * steps, batch_size=2, learning_rate=1e-3, warmup_images=2, ema_half_life=8,
        checkpoint_minutes=0.0,
    )  # fmt: skip
    real = loop.update_ema
    told: list[Callable[[int], None]] = []

    def counted(*arguments, **rest):
        told[-1](1)
        return real(*arguments, **rest)

    monkeypatch.setattr(loop, "update_ema", counted)

    def run(out: Path, did) -> None:
        told.append(did)
        torch.manual_seed(0)
        widths = UNetWidths((32, 32), 1, 16)
        train_diffusion(latents, out=out, schedule=schedule, widths=widths, quiet=True, resume=True)

    def left(out: Path) -> int:
        found = loop.newest_checkpoint(out)
        return steps - (json.loads((found / "progress.json").read_text())["progress"]["step"] if found else 0)

    return Work(run, left, lambda out: contents(out, "checkpoint-*/state.safetensors"))


@pytest.fixture
def work(request, tiny, tmp_path, monkeypatch) -> Work:
    torch.set_num_threads(1)  # a fork cannot use its parent's thread pool
    made = {
        "harvest": lambda: harvesting(tiny, monkeypatch),
        "sampling": lambda: sampling(toy(("side",), (0.8, 0.2)).generator, monkeypatch),
        "labelling": lambda: labelling(tiny, tmp_path, monkeypatch),
        "downstream": lambda: comparing(request.getfixturevalue("make_bench"), monkeypatch),
        "training": lambda: training(monkeypatch),
    }
    return made[request.param]()


def forked(job: Callable[[], object]) -> int:
    """Start a job as a fork of this process, which need not import torch again."""
    child = os.fork()
    if child:
        return child
    try:
        torch.set_num_threads(1)
        job()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def ends_within(child: int, seconds: float) -> bool:
    """Wait for a child's end, but no longer; it stays to be waited for."""
    ending = os.pidfd_open(child)
    try:
        return bool(select.select([ending], [], [], seconds)[0])
    finally:
        os.close(ending)


def nothing(count: int) -> None:
    """Nobody counts."""


def finish(work: Work, out: Path) -> None:
    """Go on, and compute what is missing, no more."""
    left, computed = work.left(out), []
    work.run(out, computed.append)
    assert sum(computed) == left, "finished work was repeated"


def test_both_counts_agree_where_nothing_is_cut_off(tiny, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    finish(harvesting(tiny, monkeypatch), tmp_path / "whole")


def test_a_harvest_killed_half_way_goes_on(tiny, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    work, done = harvesting(tiny, monkeypatch), []

    def die_half_way(count: int) -> None:
        done.append(count)
        if sum(done) >= 24:
            os.kill(os.getpid(), signal.SIGKILL)

    work.run(tmp_path / "whole", nothing)
    _, status = os.waitpid(forked(lambda: work.run(tmp_path / "cut", die_half_way)), 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert 0 < work.left(tmp_path / "cut") <= 28
    finish(work, tmp_path / "cut")
    assert work.made(tmp_path / "cut") == work.made(tmp_path / "whole")


@pytest.mark.parametrize("work, module", [("sampling", drawing), ("labelling", labels)], indirect=["work"])
@pytest.mark.parametrize("step", ["write_table", "drop_parts"])
def test_killed_while_parts_are_joined(work, module, step, tmp_path, monkeypatch):
    for name in ("whole", "cut"):
        work.begin(tmp_path / name)
    work.run(tmp_path / "whole", nothing)

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as only_here:
        only_here.setattr(Run if step == "write_table" else module, step, die)
        _, status = os.waitpid(forked(lambda: work.run(tmp_path / "cut", nothing)), 0)
    assert os.WTERMSIG(status) == signal.SIGKILL and work.left(tmp_path / "cut") == 0
    finish(work, tmp_path / "cut")
    assert work.made(tmp_path / "cut") == work.made(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize(
    "work", ["harvest", "sampling", "labelling", "downstream", "training"], indirect=True
)
def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(work, tmp_path):
    whole = tmp_path / "whole"
    work.begin(whole)
    began = time.monotonic()
    _, status = os.waitpid(forked(lambda: work.run(whole, nothing)), 0)
    assert status == 0
    took, expected = time.monotonic() - began, work.made(whole)
    moments, cut = random.Random(0), 0
    assert expected
    for attempt in range(TRIES):
        out = tmp_path / f"cut-{attempt}"
        work.begin(out)
        began = time.monotonic()
        child = forked(lambda out=out: work.run(out, nothing))
        if ends_within(child, moments.uniform(0.02, 0.95) * took):
            took = time.monotonic() - began  # the first was slower: on a busy machine no two take as long
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        cut += os.WIFSIGNALED(status)
        finish(work, out)
        assert work.made(out) == expected, f"attempt {attempt} ended elsewhere"
        if cut == MOMENTS:
            return
    pytest.fail(f"only {cut} of {TRIES} jobs could be cut off before they were over")
