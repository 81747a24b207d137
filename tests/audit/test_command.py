"""The audit and every strategy from the shell."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.audit import AuditOptions, Method, estimate, find_second
from gammaface.audit.parsing import parse_aims, parse_methods, parse_options, parse_shares
from gammaface.balancing import balance
from gammaface.images import to_png, to_uint8
from gammaface.workspace import Run
from tests.test_cli import call, refuse
from tests.tiny_attributes import write_classifier


@pytest.fixture(scope="module")
def labeller(tiny, tmp_path_factory):
    """A tiny classifier that sees differences between the tiny generator's images."""
    images = balance(tiny, n=40, strategy="plain", steps=3, seed=9).images
    return write_classifier(tmp_path_factory.mktemp("attributes") / "own", images)


def test_an_audit_from_the_shell(tiny, tiny_folder, labeller, tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    for i, picture in enumerate(to_uint8(balance(tiny, n=40, strategy="plain", steps=3, seed=8).images)):
        (real / f"{i}.png").write_bytes(to_png(picture))
    ask = ["audit", "--model", tiny_folder, "--classifier", labeller, "--second", "none", "--steps", 3]
    ask += ["--methods", "quota", "--targets", "gender", "-n", 20, "--seeds", 1, "--real", real]
    words = call(*ask, "--out", tmp_path / "run")
    assert "Perceived gender, quota: FD " in words and "100 answers on real validation faces" in words
    run = Run.open(tmp_path / "run")
    summary = run.table("summary").set_index("method")
    assert summary.at["quota", "fd"] == 0 and summary.at["quota", "fd_corrected"] == pytest.approx(
        0, abs=1e-9
    )
    shares = run.table("shares")
    assert {"race3", "race", "young40", "smile"} < set(shares["attribute"]) and "age" not in set(
        shares["attribute"]
    )
    race = shares[(shares["method"] == "plain") & shares["attribute"].isin(["race3", "race"])]
    assert race.groupby("attribute")["share"].sum().round(9).tolist() == [1, 1]
    assert summary["ita"].notna().any() and len(run.table("real")) == 40
    labels = pd.read_parquet(tmp_path / "run" / "cells" / "plain.s0" / "labels.parquet")
    assert {"seed", "cell", "age", "ita", "tone", "race3=other"} < set(labels)
    features = np.load(tmp_path / "run" / "cells" / "plain.s0" / "features.npy")
    assert features.dtype == np.float16 and len(features) == 20
    assert call("audit-tables", tmp_path / "run") == words, "its tables say the same without the network"
    plan = call(*ask, "--out", tmp_path / "run", "--dry-run")
    assert "0 of 3 cells to draw, 0 images" in plan


def test_a_dry_run_prints_the_cells_and_their_cost(tmp_path):
    ask = ["--methods", "quota,strong=distribution-guidance", "--targets", "gender,gender+race"]
    ask += ["--seeds", 2, "-n", 100, "--steps", 10, "--pilot", 50]
    words = call("audit", "--dry-run", *ask, "--set", "strong.pool=3", "--set", "plain.n=200")
    assert "strong.gender+race.s1" in words and words.count("quota.gender.s") == 2
    # base 100, plain 200 x 2, quota and strong 100 each x 2 targets x 2 seeds, and strong's pilots.
    images = 100 + 2 * 200 + 8 * 100
    assert f"11 of 11 cells to draw, {images:,} images: {10 * (images + 4 * 50):,} network" in words
    most = 10 * (100 + 400 + 4 * 100 * 100 + 4 * (50 + 300))
    assert f"{most:,} at most" in words


def test_estimates_follow_the_options():
    methods = (
        Method("plain", "plain", n=10),
        Method("asyrp", "h-directions", {"form": "asyrp"}, n=10, pilot=5),
        Method("keep", "component-uniform", injection="responsibility", n=10),
        Method("known", "distribution-guidance", {"heads": "somewhere"}, n=10, pilot=5),
    )
    options = AuditOptions(methods=methods, aims=parse_aims("gender", []), seeds=(0,), n=10, steps=4)
    plan = estimate(options).set_index("cell")
    assert plan["evaluations"].tolist() == [40, 40, 5 * 4 + 2 * 40, 40, 40]
    assert plan.at["keep.s0", "at_most"] == 50 * 40 and plan.at["known.gender.s0", "pilot"] == 0
    guided = estimate(replace(options, model="faces+pag")).set_index("cell")
    assert (guided["at_most"] == 2 * plan["at_most"]).all()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--methods", "magic"], "there is no strategy 'magic'"),
        (["--methods", "quota,quota"], "the method 'quota' comes twice"),
        (["--methods", "base=plain"], "cannot be named 'base'"),
        (["--methods", "plain=quota"], "cannot be named 'plain'"),
        (["--methods", "quota", "--set", "quota.limits=3"], "quota has no option 'limits'. It knows: limit"),
        (["--methods", "quota", "--set", "limit=3"], "'limit' is an option of no method here"),
        (["--methods", "quota", "--set", "quota.n=many"], "quota.n='many' cannot be used"),
        (["--methods", "quota", "--set", "quota.limit"], "sets no option"),
        (["--targets", "mood"], "the attribute 'mood' is not known. Choose from gender"),
        (["--targets", "gender,gender"], "the target 'gender' comes twice"),
        (["--shares", "gender female=.5"], "gives no shares"),
        (["--shares", "gender:woman=1"], "the target has no cell 'woman'"),
        (["--shares", "gender:female=.5"], "are not 2 shares"),
        (["--seeds", 41], "Give seeds from 0 to 39"),
        (["--sampler", "magic"], "magic"),
        ([], "an audit needs a place"),
    ],
)
def test_slips_are_refused_before_anything_is_loaded(arguments, words, capsys, monkeypatch):
    assert words in refuse(capsys, monkeypatch, "audit", "--model", "nobody", *arguments)


def test_texts_are_read():
    assert parse_options([]) == {} and parse_shares("a=1") == (("a", 1.0),)
    for text in ("a", "a=b", "=1", "a=.5,b"):
        with pytest.raises(GammaFaceError, match="share"):
            parse_shares(text)
    every = parse_methods("all", [], n=5)
    assert len({m.strategy for m in every}) == len(every) == 10
    assert [m.name for m in parse_methods("quota", [], n=5)] == ["quota", "plain"]


def test_the_second_opinion_is_not_the_first(labeller):
    from gammaface.attributes import load_attributes

    first = load_attributes(labeller)
    with pytest.raises(GammaFaceError, match="the classifier that steers"):
        find_second(str(labeller), first=first)
    second, missing = find_second(str(labeller))
    words = second.read(torch.zeros(2, 3, 32, 32))
    assert missing == "" and set(words["race3"]) <= {"white", "black", "other"} and "age" in words
    assert find_second("none") == (None, "no second opinion was asked for")


@pytest.mark.parametrize(
    "strategy, extra",
    [
        ("quota", ["--target", "gender", "--shares", "female=.75,male=.25"]),
        ("stratified", ["--target", "gender", "--pilot", 40, "--set", "pool=3"]),
        ("h-directions", ["--target", "gender", "--pilot", 30]),
        ("self-debias", ["--pilot", 30, "--set", "clusters=2"]),
    ],
)
def test_strategies_from_the_shell(strategy, extra, tiny_folder, labeller, tmp_path):
    out = tmp_path / "run"
    ask = ["sample", "--model", tiny_folder, "--strategy", strategy, "-n", 8, "--steps", 3, *extra]
    call(*ask, "--labeller", labeller, "--out", out)
    run = Run.open(out)
    table = run.table("images")
    assert len(table) == 8 and len(list((out / "images").glob("*.png"))) == 8
    assert "network evaluations per image" in run.manifest.note
    assert not (tmp_path / "home").exists(), "no mixture was made for a strategy without"
    if strategy == "quota":
        assert run.manifest.config["shares"] == [0.75, 0.25] and table["place"].tolist() == list(range(8))
        assert table["cell"].tolist().count(0) == 6
    if "--pilot" in extra:
        pilot = json.loads((out / "notes.json").read_text())["pilot_evaluations"]
        images = extra[extra.index("--pilot") + 1]
        # One evaluation may go before, to see how wide the mid block is.
        assert 3 * images <= pilot <= 3 * images + 1 and "for the pilot" in run.manifest.note
    call(*ask, "--labeller", labeller, "--out", out)
    assert run.table("images").equals(table), "a finished run is left as it is"


def test_a_rare_group_leaves_what_was_found(tiny_folder, labeller, tmp_path, capsys, monkeypatch):
    out = tmp_path / "run"
    ask = ["sample", "--model", tiny_folder, "--strategy", "quota", "--target", "gender,race", "-n", 10]
    ask += ["--steps", 3, "--set", "limit=1", "--labeller", labeller, "--out", out]
    assert "did not fill every cell" in refuse(capsys, monkeypatch, *ask)
    table = Run.open(out).table("images")
    assert 0 < len(table) < 10 and len(list((out / "images").glob("*.png"))) == len(table)
    assert "images were found before the limit on draws" in refuse(capsys, monkeypatch, *ask)
    assert Run.open(out).table("images").equals(table)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--strategy", "quota"], "quota needs a target: which groups, in what shares. Give --target gender"),
        (["--strategy", "plain", "--target", "gender"], "the strategy plain follows no target"),
        (["--strategy", "quota", "--shares", "female=1"], "quota needs a target"),
        (["--strategy", "quota", "--set", "limits=1"], "quota has no option 'limits'"),
        (["--strategy", "magic"], "there is no strategy 'magic'"),
        (["--strategy", "quota", "--target", "gender", "--labeller", "nobody"], "no attribute classifier"),
    ],
)
def test_samples_that_cannot_be_drawn(arguments, words, tiny_folder, capsys, monkeypatch):
    assert words in refuse(capsys, monkeypatch, "sample", "--model", tiny_folder, "-n", 4, *arguments)


def test_an_unknown_attribute_is_named(tiny_folder, labeller, capsys, monkeypatch):
    ask = ["sample", "--model", tiny_folder, "--strategy", "quota", "--labeller", labeller]
    assert "the attribute 'mood' is not known" in refuse(capsys, monkeypatch, *ask, "--target", "mood")
