"""A disk that is full or read-only: said in words, nothing lost, and resumed once it is mended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, drawing, harvest
from gammaface.parallel import blocks
from gammaface.parallel.parts import read_parts
from gammaface.training.loop import Schedule, as_config, train
from gammaface.workspace import Run, writing
from tests.strategies.toy import toy


def mount(place: Path, options: str) -> None:
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of 600 kB of its own."""
    place = tmp_path / "disk"
    mount(place, "size=600k")
    yield place
    subprocess.run(["umount", str(place)], check=False)


@pytest.fixture
def generator():
    return toy(("side",), (0.8, 0.2)).generator


def fill(disk: Path, leave: int) -> Path:
    """Take all but so many bytes."""
    stat = os.statvfs(disk)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(stat.f_bavail * stat.f_frsize - leave))
    return ballast


def test_a_harvest_on_a_full_disk_goes_on_where_it_stopped(disk, generator, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "AGE", 0.0)
    ballast = fill(disk, 120_000)
    asked = {"n": 600, "steps": 2, "batch_size": 50}
    with pytest.raises(
        GammaFaceError, match="(No space left on device|the disk seems full).*Free disk space"
    ):
        harvest(generator, out=disk / "run", **asked)
    held = {p.name: p.stat().st_ino for p in (disk / "run" / "arrays" / "blocks").glob("*.npy")}
    assert held and not list((disk / "run").rglob("*.tmp"))
    ballast.unlink()
    seen: list[int] = []
    found = harvest(generator, out=disk / "run", progress=lambda done, _: seen.append(done), **asked)
    assert seen[0] == 50 * len(held), "what was computed before the disk was full is not computed again"
    assert np.array_equal(found.array, harvest(generator, **asked).array)
    assert Run.open(disk / "run").manifest.state == "done" and Run.open(disk / "run").damaged() == []


def test_pictures_on_a_full_disk_go_on_where_they_stopped(disk, generator, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "MICRO_BATCH", 8)
    asked = {"n": 48, "strategy": "plain", "steps": 2}
    ballast = fill(disk, 130_000)
    with pytest.raises(GammaFaceError, match="No space left on device|the disk seems full"):
        drawing.draw_run(generator, None, out=disk / "run", **asked)
    table = disk / "run" / "tables" / "images.parquet"
    drawn = [p.stat().st_mtime_ns for p in (disk / "run" / "images").glob("*.png")]
    assert drawn and (table.exists() or read_parts(disk / "run" / "parts"))
    ballast.unlink()
    drawing.draw_run(generator, None, out=disk / "run", **asked)
    drawing.draw_run(generator, None, out=tmp_path / "whole", **asked)
    pictures = [{p.name: p.read_bytes() for p in (r / "run" / "images").glob("*.png")} for r in (disk,)]
    assert pictures[0] == {p.name: p.read_bytes() for p in (tmp_path / "whole" / "images").glob("*.png")}


def test_a_training_on_a_full_disk_keeps_its_checkpoint_and_goes_on(disk):
    schedule = Schedule(images=32, batch_size=8, warmup_images=0, checkpoint_minutes=0.0)
    ballast = fill(disk, 110_000)  # room for one checkpoint of 67 kB

    def go_on() -> dict:
        return train(
            torch.nn.Linear(64, 64),
            lambda model, step, accelerator: model(torch.ones(8, 64)).square().mean(),
            schedule=schedule,
            out=disk / "run",
            config=as_config(schedule=schedule),
            resume=True,
            quiet=True,
        )[1]

    with pytest.raises(
        GammaFaceError, match="checkpoint cannot be written.*No space left on device.*Free disk space"
    ):
        go_on()
    assert [p.name for p in (disk / "run").iterdir()] == ["checkpoint-00000001"]
    ballast.unlink()
    assert go_on()["seen"] == 32


def test_a_disk_that_turns_read_only_is_named_and_keeps_what_it_has(disk, generator):
    asked = {"n": 100, "steps": 2, "batch_size": 50}
    harvest(generator, out=disk / "run", **asked)
    if subprocess.run(["mount", "-o", "remount,ro", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("the disk cannot be made read-only here")
    with pytest.raises(GammaFaceError, match="Read-only file system"):
        harvest(generator, out=disk / "other", **asked)
    with (
        pytest.raises(GammaFaceError, match="Read-only file system"),
        writing(disk / "x", kind="t", config={}),
    ):
        pass
    opened = Run.open(disk / "run")
    assert opened.array("latents").shape == (100, generator.dimensions) and opened.damaged() == []


def test_a_folder_without_permission_is_named(tmp_path, generator):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(GammaFaceError, match="Permission denied"):
            harvest(generator, n=4, steps=2, batch_size=4, out=tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)
