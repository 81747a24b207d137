import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gammaface import GammaFaceError
from gammaface.cli import app, main
from gammaface.commands.chain import parse_range
from gammaface.workspace import Run, extending


def call(*arguments) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_chain_from_the_shell(tiny_folder, tmp_path):
    run = tmp_path / "harvest"
    call("harvest", "--model", tiny_folder, "-n", 30, "--steps", 3, "--out", run)
    words = call("sweep", run, "--k", "1..3")
    assert "K=" in words and "30 latents for" in words and "curve" not in words
    assert Run.open(run).table("convergence")["k"].unique().tolist() == [1, 2, 3]
    for command in (["sweep", run], ["fit", run, "--k", 2]):
        with pytest.raises(GammaFaceError, match="no device 'evil' here"):
            call(*command, "--device", "evil")
    call("fit", run, "--k", 2)
    out = tmp_path / "even"
    call("sample", "--model", tiny_folder, "-n", 4, "--steps", 3, "--harvest", run, "--out", out)
    assert Run.open(out).table("images")["component"].tolist() == [0, 1, 0, 1]
    csv = call("table", out, "--name", "images")
    assert csv.splitlines()[0] == "seed,component,evaluations"
    assert "| seed | component |" in call("table", out, "--name", "images", "--format", "md")
    assert r"\begin{tabular}" in call("table", out, "--name", "images", "--format", "latex")


def test_sampling_without_a_harvest_makes_one(tiny_folder, tmp_path, monkeypatch):
    from gammaface import latents

    real = latents.harvest
    monkeypatch.setattr(latents, "harvest", lambda g, n, **kw: real(g, n=20, steps=2, **kw))
    call("sample", "--model", tiny_folder, "-n", 4, "--steps", 2, "--out", tmp_path / "run")
    assert len(Run.open(tmp_path / "run").table("images")) == 4


def test_the_demo_writes_a_report(tiny_folder, tmp_path):
    out = tmp_path / "demo"
    call("demo", "--model", tiny_folder, "-n", 40, "--images", 4, "--steps", 2, "--out", out)
    assert (out / "report.html").stat().st_size > 1e6
    assert json.loads((out / "metrics.json").read_text())["harvest"]["n"] == 40
    assert (out / "grid-plain.png").is_file() and (out / "grid-balanced.png").is_file()
    call("report", out)


def test_pictures_are_harvested_forward(tiny_folder, tmp_path):
    from tests.datasets.test_datasets import jpeg

    faces = tmp_path / "faces"
    faces.mkdir()
    for i in range(5):
        (faces / f"{i}.jpg").write_bytes(jpeg(colour=(40 * i, 90, 200)))
    asked = ["harvest", "--model", tiny_folder, "--data", faces, "-n", 4, "--out", tmp_path / "z"]
    call(*asked)
    run = Run.open(tmp_path / "z")
    assert run.array("latents").shape == (4, 1024) and run.manifest.config["direction"] == "forward"
    with pytest.raises(GammaFaceError, match="without a sampler"):
        call(*asked, "--steps", 5)


def test_runs_are_listed(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GAMMAFACE_HOME", str(tmp_path))
    call("harvest", "--model", tiny_folder, "-n", 4, "--steps", 2, "--out", tmp_path / "mine")
    listed = json.loads(call("runs", "--json"))
    assert [r["state"] for r in listed if r["name"] == "mine"] == ["done"]
    assert "mine" in call("runs")


def test_training_from_the_shell(tmp_path):
    from tests.datasets.test_datasets import jpeg

    for i in range(4):
        (tmp_path / f"{i}.png").write_bytes(jpeg(colour=(40 * i, 90, 200)))
    common = ["--data", tmp_path, "--images", 8, "--batch-size", 4]
    call("train", "autoencoder", *common, "--out", tmp_path / "ae")
    call(
        "train",
        "diffusion",
        *common,
        "--out",
        tmp_path / "ldm",
        "--autoencoder",
        tmp_path / "ae" / "autoencoder",
    )
    for folder, kind in (("ae/autoencoder", "autoencoder"), ("ldm/model", "diffusion")):
        told = json.loads((tmp_path / folder / "training.json").read_text())
        assert told["images_seen"] == 8 and told["config"]["kind"] == kind
        assert told["config"]["schedule"]["batch_size"] == 4 and told["config"]["widths"]
    made_of = json.loads((tmp_path / "ldm" / "latents.json").read_text())["sha256"]
    assert told["config"]["data"] == made_of
    longer = ["--data", tmp_path, "--images", 20, "--batch-size", 4, "--learning-rate", 1e-4, "--resume"]
    call("train", "autoencoder", *longer, "--out", tmp_path / "ae")
    assert json.loads((tmp_path / "ae/autoencoder/training.json").read_text())["images_seen"] == 20
    call("harvest", "--model", tmp_path / "ldm" / "model", "-n", 2, "--steps", 2, "--out", tmp_path / "z")
    with pytest.raises(GammaFaceError, match="resolution 100"):
        call("train", "autoencoder", *common, "--resolution", 100, "--out", tmp_path / "x")


@pytest.mark.parametrize(
    "kind",
    [
        ["autoencoder"],
        ["diffusion", "--recipe", "paper"],
        ["diffusion", "--autoencoder", "missing"],
        ["attributes"],
    ],
    ids=lambda kind: " ".join(kind),
)
def test_training_needs_a_place_before_it_reads_data(kind, tmp_path, capsys, monkeypatch):
    blocked = tmp_path / "0.png"
    blocked.write_text("")
    asked = ["train", *kind, "--data", "faces=missing", "--out", blocked / "x"]
    assert "the folder cannot be written: Not a directory" in refuse(capsys, monkeypatch, *asked)


@pytest.mark.parametrize("text", ["", "a", "3..1", "0..4", "1..b"])
def test_bad_ranges(text):
    with pytest.raises(GammaFaceError, match="no range of K"):
        parse_range(text)


def refuse(capsys, monkeypatch, *arguments) -> str:
    """Run the command line and return its one line of complaint."""
    monkeypatch.setattr(sys, "argv", ["gammaface", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "Traceback" not in error
    lines = [line for line in error.splitlines() if line.startswith("gammaface: ")]
    assert len(lines) == 1, error
    return lines[0]


def test_bad_input_is_one_line_and_exit_2():
    done = subprocess.run(
        [sys.executable, "-m", "gammaface", "harvest", "--model", "nobody"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("gammaface: there is no model 'nobody'")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["harvest", "--model", "nobody"], "there is no model 'nobody'"),
        (["harvest", "--model", "/nowhere/at/all"], "there is no model '/nowhere/at/all'"),
        (["sweep", "nowhere"], "there is no run here"),
        (["table", "nowhere"], "there is no run 'nowhere'"),
        (["record", "nothing"], "there is no shipped run 'nothing'"),
        (["sample", "--strategy", "plain", "--injection", "resume"], "the strategy plain injects nothing"),
    ],
)
def test_unknown_names_are_refused(arguments, words, capsys, monkeypatch):
    assert words in refuse(capsys, monkeypatch, *arguments)


def test_bad_models_are_refused(tiny_folder, tmp_path, capsys, monkeypatch):
    weights = "unet/diffusion_pytorch_model.safetensors"
    cut = shutil.copytree(tiny_folder, tmp_path / "cut")
    (cut / weights).write_bytes((cut / weights).read_bytes()[:2000])
    assert "may be truncated" in refuse(capsys, monkeypatch, "harvest", "--model", cut)
    pickled = shutil.copytree(tiny_folder, tmp_path / "pickled")
    (pickled / weights).rename(pickled / "unet/diffusion_pytorch_model.bin")
    assert "may run code" in refuse(capsys, monkeypatch, "harvest", "--model", pickled)


def test_bad_values_are_refused(tiny_folder, tmp_path, capsys, monkeypatch):
    good = ["harvest", "--model", tiny_folder, "-n", 6, "--steps", 2]
    assert "t=5000 is out of range" in refuse(capsys, monkeypatch, *good, "--t", 5000)
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "cannot be written" in refuse(capsys, monkeypatch, *good, "--out", blocked / "run")
    run = tmp_path / "run"
    call(*good, "--out", run)
    assert "K=7 components for 6 latents" in refuse(capsys, monkeypatch, "fit", run, "--k", 7)
    latents = np.load(run / "arrays" / "latents.npy")
    latents[2, 3] = np.nan
    np.save(run / "arrays" / "latents.npy", latents)
    assert "latents.npy is damaged: it is not as it was" in refuse(capsys, monkeypatch, "fit", run, "--k", 2)
    with extending(run) as opened:  # as whoever harvested them left them
        opened.write_array("latents", latents)
    assert "1 of 6 latents hold NaN" in refuse(capsys, monkeypatch, "fit", run, "--k", 2)


def test_a_cancelled_command_exits_130(tiny_folder, tmp_path, capsys, monkeypatch):
    def cancel(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("gammaface.latents.harvest", cancel)
    monkeypatch.setattr(sys, "argv", ["gammaface", "harvest", "--model", str(tiny_folder)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 130 and "is kept" in capsys.readouterr().err


def test_metrics_is_wired_in(tmp_path):
    file = tmp_path / "p.csv"
    rows = {"y": [0, 1] * 20, "p": [0, 1] * 19 + [1, 0], "group": list("aabb") * 10}
    pd.DataFrame(rows).to_csv(file, index=False)
    assert "bias" in call("metrics", file)


def test_listing_runs_does_not_wait_for_torch():
    code = "import sys; import gammaface.cli; print([m for m in ('torch', 'diffusers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
