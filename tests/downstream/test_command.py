import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gammaface import GammaFaceError
from gammaface.cli import app
from gammaface.downstream.codes import latent_codes
from gammaface.workspace import Run
from tests.downstream.conftest import people

SMALL = ("--backbone", "tiny", "--resolution", 16, "--images", 64, "--batch-size", 32, "--device", "cpu")
SMALL += ("--augmentation", "none", "--per-class", 40, "--resamples", 20)


def call(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if isinstance(result.exception, GammaFaceError):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_a_study_a_cell_and_its_tables(data, sets, tmp_path, tiny_folder):
    out = tmp_path / "study"
    inputs = ("--data", f"utkface={data}", "--model", tiny_folder)
    inputs += tuple(x for name, path in sets.items() for x in ("--generated", f"{name}={path}"))
    methods = (
        "--methods",
        "baseline",
        "--methods",
        "ramaswamy",
        "--methods",
        "diga",
        "--methods",
        "gamma-face",
    )
    said = call(
        "downstream", *inputs, "--tasks", "gender", *methods, "--ratios", "30,50", *SMALL, "--out", out
    )
    assert "utkface:gender: 40 originals a class to draw from" in said
    assert "N = 80 to 80 to train on, 0, 24, 40 of them generated, 180 to test on" in said
    assert "GAMMA-FACE lowers Bias" in said
    names = Run.open(out).table("cells")["name"]
    assert len(names) == 5
    for name in names[names.str.contains("ramaswamy|diga")]:
        assert "180 predictions, identical" in call("downstream-cell", out, name, *inputs)
    assert "GAMMA-FACE lowers Bias" in call("downstream-tables", out, "--resamples", 20)
    assert "table1" in call("table", out)


def test_latents_come_back_as_pictures(tiny):
    import torch

    images = torch.from_numpy(people(5, agree=1, seed=0)[0])
    space = latent_codes(tiny, resolution=16)
    codes = space.encode(images)
    assert codes.shape == (5, tiny.dimensions)
    back = space.decode(codes)
    assert back.shape == images.shape and back.dtype == torch.uint8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--data", "lfw=x"), "no tasks on 'lfw'"),
        (("--data", "utkface=nowhere"), "does not exist"),
        (("--data", "utkface=x", "--tasks", "beard"), "no task 'beard'"),
        (("--data", "utkface=x", "--methods", "magic"), "no method 'magic'"),
        (("--data", "utkface=x", "--ratios", "150"), "no generated share"),
        (("--data", "utkface=x", "--design", "both"), "design 'both'"),
    ],
)
def test_bad_input_is_one_error(options, words, tmp_path):
    with pytest.raises(GammaFaceError, match=words):
        call("downstream", *options, "--out", tmp_path / "run")


@pytest.mark.slow
def test_the_quick_version_on_the_bundled_models(tmp_path):
    """Two methods, one seed, tiny backbone: originals and additions are both generated."""
    import numpy as np

    from gammaface import balance, load_attributes, load_generator
    from gammaface.images import to_uint8
    from tests.downstream.conftest import png, save_labelled

    generator, classifier = load_generator("faces"), load_attributes()
    for name, seed in (("utkface", 0), ("plain", 1)):
        batch = balance(generator, n=400, strategy="plain", seed=seed, steps=10)
        labels, pixels = classifier.label(batch.images), to_uint8(batch.images).transpose(0, 3, 1, 2)
        if name == "plain":
            save_labelled(tmp_path / name, pixels, labels)
            continue
        table = labels[["gender", "race", "young60"]].assign(
            image=[{"bytes": png(p), "path": f"{i}.png"} for i, p in enumerate(pixels)],
            identity=np.arange(400),
            split=["train"] * 300 + ["test"] * 100,
        )
        table.to_parquet(tmp_path / "utkface.parquet")
    command = ["downstream", "--data", f"utkface={tmp_path / 'utkface.parquet'}", "--tasks", "gender"]
    command += ["--generated", f"plain={tmp_path / 'plain'}", "--methods", "baseline"]
    command += ["--methods", "plain-augment", "--backbone", "tiny", "--images", "2000"]
    command += ["--out", str(tmp_path / "study")]
    done = subprocess.run([sys.executable, "-m", "gammaface", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run = Run.open(tmp_path / "study")
    assert len(run.table("cells")) == 2 and len(run.table("claims")) > 5
    assert run.table("figures")["value"].notna().any()
