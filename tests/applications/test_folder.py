"""The audit of a folder: one command, no model."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from gammaface import GammaFaceError, attributes, generators, load_attributes
from gammaface.applications.folder import FolderOptions, audit_folder
from gammaface.cli import app
from gammaface.metrics import cleam, noise_floor
from gammaface.workspace import Run
from tests.tiny_attributes import write_classifier

N = 2000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """2,000 small faces with DeepFace's labels: 3 of 4 men."""
    place = tmp_path_factory.mktemp("elsewhere")
    (place / "faces").mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for i in range(N):
        name = f"{i:05d}.png"
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(place / "faces" / name)
        race = "white" if i % 2 else "black"
        rows.append((name, "Man" if i % 4 else "Woman", race, 20 + i % 50))
    columns = ["img_path", "dominant_gender", "dominant_race", "age"]
    pd.DataFrame(rows, columns=columns).to_csv(place / "labels.csv", index=False)
    return place


@pytest.fixture(scope="module")
def few(folder, tmp_path_factory):
    """The first 120 of them, for what takes longer."""
    place = tmp_path_factory.mktemp("few")
    (place / "faces").mkdir()
    table = pd.read_csv(folder / "labels.csv").head(120)
    table.to_csv(place / "labels.csv", index=False)
    for name in table["img_path"]:
        shutil.copy(folder / "faces" / name, place / "faces" / name)
    return place


def test_one_command_tells_who_is_there_without_a_model(folder, tmp_path, monkeypatch):
    def refuse(*asked, **more):
        raise AssertionError("a model was asked for")

    monkeypatch.setattr(attributes, "load_attributes", refuse)
    monkeypatch.setattr(generators, "load_generator", refuse)
    asked = ["audit-folder", str(folder / "faces"), "--labels", str(folder / "labels.csv")]
    done = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(tmp_path / "run" / "report.html")
    run = Run.open(tmp_path / "run")
    shares = run.table("shares").set_index(["attribute", "value"])
    assert shares.loc[("gender", "male"), "share"] == 0.75
    assert shares.loc[("gender × race", "male, white"), "count"] == N // 2
    row = run.table("summary").set_index("attribute").loc["gender"]
    assert row["fd"] == pytest.approx(np.hypot(0.25, 0.25)) and row["low"] < row["fd"] < row["high"]
    assert row["noise_floor"] == noise_floor(2, N) and row["p_even"] < 1e-6
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count("<img") == 24 and "Who is in" in page and "male, white" in page


def test_a_class_that_nobody_has_still_has_an_interval(tmp_path):
    (tmp_path / "f").mkdir()
    for i in range(20):
        Image.new("RGB", (8, 8)).save(tmp_path / "f" / f"{i}.png")
    (tmp_path / "l.csv").write_text("file,glasses\n" + "".join(f"{i}.png,no glasses\n" for i in range(20)))
    run = audit_folder(tmp_path / "f", tmp_path / "l.csv", out=tmp_path / "run")
    row = run.table("summary").iloc[0]
    assert row["low"] < row["fd"] - 0.02 and row["high"] == row["fd"] == pytest.approx(0.5**0.5)
    said = " ".join(run.table("sentences")["sentence"])
    assert "2 of 2 classes have under 30 faces: glasses, no glasses" in said


def test_recalls_take_the_labels_errors_out(folder, tmp_path):
    recalls = {"gender": [[0.9, 0.2], [0.1, 0.8]]}
    run = audit_folder(folder / "faces", folder / "labels.csv", out=tmp_path / "run", recalls=recalls)
    shares = run.table("shares").set_index(["attribute", "value"])
    expected = cleam([0.25, 0.75], recalls["gender"]).shares
    assert shares.loc["gender", "corrected"].tolist() == pytest.approx(expected.tolist())
    assert shares.loc["race", "corrected"].isna().all()
    with pytest.raises(GammaFaceError, match="recalls of 'hair'"):
        audit_folder(folder / "faces", folder / "labels.csv", out=tmp_path / "two", recalls={"hair": [1]})


@pytest.mark.parametrize("grouped", [False, True])
def test_a_reference_gives_distances(few, tmp_path, grouped):
    images = torch.rand(8, 3, 32, 32) * 2 - 1
    extractor = load_attributes(write_classifier(tmp_path / "c", images), device="cpu")
    run = audit_folder(
        few / "faces",
        few / "labels.csv",
        out=tmp_path / "run",
        options=FolderOptions(by=("gender",), pictures=0),
        reference=few / "faces",
        reference_labels=few / "labels.csv" if grouped else None,
        extractor=extractor,
    )
    table = run.table("quality").set_index(["kind", "group"])
    place = "mean over groups" if grouped else "all"
    assert abs(table.loc[("frechet", place), "value"]) < 1e-3, "the same faces are far apart"
    assert table.loc[("precision", "all"), "value"] == 1
    assert ("kernel", "male") in table.index if grouped else True
    assert "How close to the reference?" in (run.path / "report.html").read_text()


def test_a_reference_needs_features(few, tmp_path):
    with pytest.raises(GammaFaceError, match="needs a classifier with features"):
        audit_folder(few / "faces", few / "labels.csv", out=tmp_path / "run", reference=few / "faces")


def test_labels_are_text_to_the_report(tmp_path):
    (tmp_path / "<b>x").mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / "<b>x" / name)
    (tmp_path / "l.csv").write_text("file,gender\na.png,male\nb.png,female\n")
    run = audit_folder(tmp_path / "<b>x", tmp_path / "l.csv", out=tmp_path / "run")
    page = (run.path / "report.html").read_text()
    assert "<b>x" not in page and "&lt;b&gt;x" in page
    assert json.loads((run.path / "manifest.json").read_text())["state"] == "done"
