import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gammaface import GammaFaceError, load_attributes, load_generator, solver_choice
from gammaface.balancing import draw_seeds
from gammaface.cli import app
from gammaface.solver_choice import (
    DEFAULT,
    Choice,
    choose,
    distances,
    recommended_sampler,
    record_curve,
    sampler_for,
)
from gammaface.workspace import Run
from tests.tiny_attributes import write_classifier

FILE = "solver.json"
FEW = (Choice("ddim", 4), Choice("unipc", 2), Choice("dpm-solver", 3))


def pixels(images):
    """A stand-in for a classifier's features: an image's thumbnail."""
    return images[:, :, ::32, ::32].flatten(1).numpy()


def extractor(digest="e" * 64):
    return SimpleNamespace(hash=digest, features=pixels)


@pytest.fixture
def folder(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder, tmp_path / "model")


def test_a_curve_is_recorded_and_followed(folder, tmp_path):
    model = load_generator(folder, device="cpu")
    real = np.random.default_rng(0).normal(size=(40, 12))
    assert recommended_sampler(model) == DEFAULT
    run = record_curve(
        model, extractor(), out=tmp_path / "run", real=real, points=FEW, n=8, batch_size=8, into=folder
    )
    curve = run.table("curve")
    assert list(zip(curve["sampler"], curve["steps"], strict=True)) == [(p.sampler, p.steps) for p in FEW]
    recorded = json.loads((folder / FILE).read_text())
    assert recorded["n"] == 8 and recorded["weights"] == model.weights_hash
    assert recorded["reference"] == "40 real faces" and len(recorded["curve"]) == 3
    assert recommended_sampler(model) == choose(curve) == Choice(**recorded["chosen"])

    drawn = pixels(draw_seeds(model, np.arange(8), steps=2, sampler="unipc", batch_size=8).images)
    row = curve[curve["sampler"] == "unipc"].iloc[0]
    assert distances(drawn, real)["frechet"] == pytest.approx(row["frechet"], rel=1e-6)


def test_a_recording_continues_where_it_stopped(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(solver_choice, "MANY", Choice("ddim", 3))

    def stop(stage, done, total):
        if stage == "dpm-solver-3":
            raise KeyboardInterrupt

    ask = {"out": tmp_path / "run", "points": FEW, "n": 6, "batch_size": 6}
    with pytest.raises(KeyboardInterrupt):
        record_curve(tiny, extractor(), report=stop, **ask)
    stages = []
    run = record_curve(tiny, extractor(), report=lambda stage, *_: stages.append(stage), **ask)
    assert set(stages) == {"dpm-solver-3"} and len(run.table("curve")) == 3
    assert json.loads((run.path / FILE).read_text())["reference"] == "own samples"
    with pytest.raises(GammaFaceError, match="other settings or weights"):
        record_curve(tiny, extractor("f" * 64), **ask)


def test_the_fewest_steps_that_are_as_good_are_chosen():
    def best(*rows):
        return str(choose(pd.DataFrame(rows, columns=["sampler", "steps", "frechet"])))

    assert best(("ddim", 50, 1.0), ("ddim", 10, 1.06)) == "ddim:50"
    assert best(("ddim", 50, 1.0), ("ddim", 10, 1.04)) == "ddim:10"
    assert best(("unipc", 8, 1.04), ("dpm-solver", 8, 1.02), ("ddim", 50, 1.0)) == "dpm-solver:8"


def test_a_choice_for_other_weights_is_not_followed(folder):
    model = load_generator(folder, device="cpu")
    chosen = {"weights": model.weights_hash, "chosen": {"sampler": "unipc", "steps": 9}}
    (folder / FILE).write_text(json.dumps(chosen))
    assert recommended_sampler(model) == Choice("unipc", 9)
    (folder / FILE).write_text(json.dumps(chosen | {"weights": "0" * 64}))
    assert recommended_sampler(model) == DEFAULT


@pytest.mark.parametrize(
    "content", ["", "[]", '{"weights": ""}', '{"weights": "", "chosen": {"steps": "x"}}']
)
def test_a_damaged_choice_is_refused(folder, content):
    model = load_generator(folder, device="cpu")
    (folder / FILE).write_text(content)
    with pytest.raises(GammaFaceError, match="recorded choice of a sampler is damaged"):
        recommended_sampler(model)


def test_what_a_user_asks_for_comes_first(folder):
    model = load_generator(folder, device="cpu")
    chosen = {"weights": model.weights_hash, "chosen": {"sampler": "unipc", "steps": 9}}
    (folder / FILE).write_text(json.dumps(chosen))
    assert sampler_for(model, None, None) == Choice("unipc", 9)
    assert sampler_for(model, None, 20) == Choice("ddim", 20)
    assert sampler_for(model, "ddpm", None) == Choice("ddpm", 50)


def test_points_are_read_from_words():
    for text in ("unipc", "unipc:", "unipc:0", "unipc:x"):
        with pytest.raises(GammaFaceError, match="no sampler with its steps"):
            Choice.parse(text)
    with pytest.raises(GammaFaceError, match="no sampler 'euler'"):
        Choice.parse("euler:3")


def test_nothing_to_measure_is_refused(tiny, tmp_path):
    with pytest.raises(GammaFaceError, match="0 points of 5 images"):
        record_curve(tiny, extractor(), out=tmp_path / "run", points=(), n=5)


def test_the_command_writes_where_it_is_told(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(solver_choice, "MANY", Choice("ddim", 2))
    model = load_generator(folder, device="cpu")
    classifier = write_classifier(
        tmp_path / "attr", draw_seeds(model, np.arange(8), steps=2, batch_size=8).images
    )
    words = ["train", "solver", "--model", folder, "-n", 4, "--classifier", classifier, "--into", folder]
    words += ["--point", "unipc:2", "--point", "ddim:1", "--out", tmp_path / "run"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "| sampler | steps | frechet | kernel |" in result.stdout
    assert recommended_sampler(model).sampler in ("unipc", "ddim")
    recorded = json.loads((folder / FILE).read_text())["extractor"]
    assert recorded == f"attr ({load_attributes(classifier).hash[:12]})"


def test_commands_follow_the_choice(folder, tmp_path):
    model = load_generator(folder, device="cpu")
    chosen = {"weights": model.weights_hash, "chosen": {"sampler": "unipc", "steps": 3}}
    (folder / FILE).write_text(json.dumps(chosen))

    def harvest(out, *words):
        line = ["harvest", "--model", folder, "-n", 3, "--batch-size", 3, "--out", tmp_path / out, *words]
        result = CliRunner().invoke(app, [str(word) for word in line])
        assert result.exit_code == 0, result.output
        config = Run.open(tmp_path / out).manifest.config
        return config["sampler"], config["steps"]

    assert harvest("chosen") == ("unipc", 3)
    assert harvest("asked", "--steps", 2) == ("ddim", 2)
