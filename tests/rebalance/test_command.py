"""The command: its plan, what it refuses, and a folder of pictures with a CSV."""

import numpy as np
import pytest
import torch

from gammaface.datasets.long_tail import ClassImages, digits
from gammaface.rebalance import class_classifier, class_sets
from gammaface.workspace import Run
from tests.datasets.class_folder import write_class_images
from tests.test_cli import call, refuse

OF_FACES = ("--attribute", "--classifier", "--original", "--real", "--model")


def test_a_dry_run_prints_the_rows_and_their_cost():
    words = call("rebalance", "--dry-run", "--rows", "reweighing,tune,tune-frozen,anew", "--generations", 2)
    for title in ("reweighing", "plain", "+ synthetic data", "synthetic data", "generation 2"):
        assert title in words
    assert "6 rows" in words and "network evaluations" in words
    assert "3 rows" in call("rebalance", "--dry-run", "--data", "digits", "--rows", "tune,anew")


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "a rebalancing needs a place"),
        (["--rows", "magic"], "there is no row 'magic'"),
        (["--strategy", "plain"], "draws no set to train on"),
        (["--bias", "hard"], "kind='hard' is not known"),
        (["--through", "magic"], "through='magic' is not known"),
        (["--set", "limits=3"], "has no option 'limits'"),
        (["--beta", 0.1, "--out", "r"], "--beta cuts the tail of --data"),
        (["--label", "kind", "--resolution", 8], "--label names the classes and --resolution is the side of"),
        (["--sampler", "ddpm"], "needs a deterministic sampler"),
        *((["--data", "digits", name, "x", "--out", "r"], f"{name} beside --data") for name in OF_FACES),
        (
            ["--data", "digits", "--real", "x", "--attribute", "y", "--dry-run"],
            "--attribute, --real beside --data",
        ),
        (["--out", "r", "--attribute", "mood", "--model", "nobody"], "'mood' is not known"),
        (["--out", "r", "--data", "nowhere"], "0 CSV files"),
    ],
)
def test_slips_are_refused(arguments, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert words in refuse(capsys, monkeypatch, "rebalance", *arguments)


def test_a_folder_of_any_classes_from_the_shell(tmp_path, monkeypatch):
    source = torch.Generator().manual_seed(0)
    codes = np.repeat([0, 1], 90)
    bright = torch.tensor([60, 190])[torch.from_numpy(codes)].view(-1, 1, 1, 1)
    noise = torch.randint(-40, 40, (180, 3, 8, 8), generator=source)
    test = np.arange(180) % 3 == 0
    images = ClassImages((bright + noise).to(torch.uint8), codes, ("dim", "lit"), test)
    write_class_images(tmp_path / "set", images, label="kind")
    small = {"anew_images": 128, "tune_images": 64, "biased": 8, "weighing_images": 8, "path_pairs": 2}
    monkeypatch.setattr(class_sets, "DIGITS", class_sets.replace(class_sets.DIGITS, **small, resamples=2))
    train = class_classifier.train_class_classifier
    monkeypatch.setattr(
        class_sets, "train_class_classifier", lambda *a, **kw: train(*a, **kw, presentations=1280)
    )
    ask = ["rebalance", "--data", tmp_path / "set", "--label", "kind", "--beta", 0.3, "--rows", "reweighing"]
    ask += ["--synthetic", 8, "--sets", 1, "-n", 80, "--steps", 2, "--out", tmp_path / "run"]
    words = call(*ask)
    assert "Kind: plain sampling's FD is" in words and "the original training data" in words
    run = Run.open(tmp_path / "run")
    assert run.manifest.config["groups"] == ["dim", "lit"]
    assert np.bincount(run.array("material/biased-labels")).tolist() == [60, 18]
    rows = run.table("rows").set_index("row")
    assert list(rows.index) == ["plain", "reweighing"] and rows["fd_corrected"].notna().all()
    assert np.isnan(rows.at["plain", "fd_low"]), "one set gives no interval"
    assert call(*ask) == words, "a finished run is left as it is"
    assert "\\begin{tabular}" in call("table", run.path, "--name", "rows", "--format", "latex")


@pytest.mark.slow
def test_the_digits_are_drawn_evenly_after_retraining(tmp_path):
    """The shipped demonstration's own rows, on fewer pictures."""
    recipe = class_sets.replace(class_sets.DIGITS, rows=("tune",), sets=2, n=800, anew_images=48_000)
    run = class_sets.run_class_set(digits(), recipe, out=tmp_path / "digits", beta=class_sets.DIGITS_BETA)
    rows = run.table("rows").set_index("row")
    assert rows.at["plain", "fd"] > 0.15
    assert rows.at["tune", "fd"] < 0.5 * rows.at["plain", "fd"]


def test_what_a_class_set_starts_from_is_made_anew_for_other_pictures(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(class_sets, "train_class_classifier", lambda *_, out, **__: made.append(out))
    monkeypatch.setattr(class_sets, "_plain", lambda train, recipe, out, report: made.append(out))
    monkeypatch.setattr(class_sets, "critic_of", lambda *_: None)
    monkeypatch.setattr(class_sets, "run_rebalance", lambda *_, made_of, **__: made_of)
    images, recipe = digits(), class_sets.DIGITS
    others = [
        (images, recipe, None),
        (class_sets.replace(images, pixels=255 - images.pixels), recipe, 0.1),
        (images, class_sets.replace(recipe, anew_images=100), 0.1),
    ]
    first, again, *rest = (
        class_sets.run_class_set(pictures, how, out=tmp_path / "r", beta=beta)
        for pictures, how, beta in [(images, recipe, 0.1)] * 2 + others
    )
    assert first == again and len({first, *rest}) == 4
    assert made[0].parent.name == first and len({out.parent for out in made}) == 4
