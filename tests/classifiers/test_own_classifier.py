import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from gammaface import GammaFaceError, load_attributes
from gammaface.classifiers.label_maps import PRESETS
from gammaface.classifiers.own_classifier import OwnClassifier
from gammaface.classifiers.resnet import ResNet
from gammaface.cli import app
from gammaface.labelling.labels import label_images
from tests.tiny_onnx import write_linear

RED, DARK = torch.full((1, 3, 16, 16), -1.0), torch.full((1, 3, 16, 16), -1.0)
RED[:, 0] = 1
FACES = torch.cat([RED, DARK])
SEX = {"heads": {"sex": ["Man", "Woman"]}, "resolution": 16}
TO_GENDER = {"attributes": {"gender": {"head": "sex", "words": {"Man": "male", "Woman": "female"}}}}
# Of the red face: a man, more so the redder.
WEIGHT, BIAS = np.array([[4.0, 0, 0], [0, 0, 0]]), np.array([0.0, 1.0])


def write(folder, label_map, *, weight=WEIGHT, bias=BIAS, **asked):
    file = write_linear(folder / "mine.onnx", weight, bias, **asked)
    (folder / "mine.json").write_text(json.dumps(label_map))
    return file


def test_an_onnx_classifier_answers_in_our_words(tmp_path):
    classifier = load_attributes(write(tmp_path, SEX | TO_GENDER | {"mean": [0] * 3, "std": [1] * 3}))
    assert isinstance(classifier, OwnClassifier)
    assert classifier.classes == {"gender": ("female", "male")}
    found = classifier.probabilities(FACES)["gender"]
    man = np.exp(4) / (np.exp(4) + np.exp(1)), 1 / (1 + np.exp(1))
    assert np.allclose(found[:, 1], man, atol=1e-6) and np.allclose(found.sum(1), 1)
    table = label_images(classifier, FACES)
    assert table["gender"].tolist() == ["male", "female"]
    assert table["gender_uncertain"].all(), "nothing is known of how often it errs"
    assert {"gender=female", "gender=male", "ita"} <= set(table)


def test_what_measures_distances_refuses_it(tmp_path):
    file = write(tmp_path, SEX)
    card = ["train", "card", "--data", tmp_path, "--model", "faces"]
    for words in (card, ["train", "solver"]):
        line = [*words, "--classifier", file, "--out", tmp_path / "out"]
        result = CliRunner().invoke(app, [str(word) for word in line])
        assert isinstance(result.exception, GammaFaceError)
        assert "mine.onnx' has no features to measure distances in" in result.exception.what


def test_normalisation_and_channels_are_the_label_maps(tmp_path):
    plain = {"mean": [0.5] * 3, "std": [0.25] * 3, "activation": "none"}
    weight, bias = np.eye(3)[:2], np.zeros(2)
    rgb = load_attributes(write(tmp_path, SEX | plain, weight=weight, bias=bias))
    assert np.allclose(rgb.network(rgb._prepared(RED)), [[2, -2]])
    bgr = load_attributes(
        write(tmp_path, SEX | plain | {"channels": "bgr"}, weight=weight[[0, 1]], bias=bias)
    )
    assert np.allclose(bgr.network(bgr._prepared(RED)), [[-2, -2]])


def test_a_model_for_one_picture_at_a_time_and_of_two_outputs(tmp_path):
    weight, bias = np.arange(15).reshape(5, 3) / 10, np.arange(5) / 10
    heads = {"heads": {"a": ["x", "y"], "b": ["u", "v", "w"]}, "resolution": 16}
    whole = load_attributes(write(tmp_path, heads, weight=weight, bias=bias))
    expected = whole.probabilities(FACES)
    parts = write(tmp_path, heads, weight=weight, bias=bias, shape=(1, 3, 16, 16), split=2)
    found = load_attributes(parts).probabilities(FACES)
    assert all(np.allclose(found[name], expected[name], atol=1e-6) for name in ("a", "b"))


@pytest.mark.parametrize(
    "label_map, words",
    [
        ({"heads": {"sex": ["Man"]}}, "fewer than two classes"),
        (SEX | {"colour": 1}, "unknown key 'colour'"),
        (SEX | {"activation": "relu"}, "activation is one of"),
        (SEX | {"std": [0, 1, 1]}, "std above 0"),
        ({"preset": "nobody"}, "no preset 'nobody'"),
        (SEX | {"attributes": {"gender": {"head": "race", "words": {}}}}, "'gender' is of no head"),
        ([], "no JSON object"),
        ({"resolution": 16}, "cannot be read"),
    ],
)
def test_label_maps_that_cannot_be_read_are_refused(tmp_path, label_map, words):
    with pytest.raises(GammaFaceError, match=words):
        load_attributes(write(tmp_path, label_map))


def test_outputs_that_nobody_named_are_refused(tmp_path):
    classifier = load_attributes(write(tmp_path, {"heads": {"a": ["x", "y", "z"]}, "resolution": 16}))
    with pytest.raises(GammaFaceError, match="gives .2,. numbers a face, its label map names 3"):
        classifier.label(FACES)


def test_pictures_that_the_model_refuses_are_said(tmp_path):
    classifier = load_attributes(write(tmp_path, SEX | {"resolution": 24}, shape=("n", 3, 16, 16)))
    with pytest.raises(GammaFaceError, match="refuses pictures of shape .2, 3, 24, 24."):
        classifier.label(FACES)


def test_broken_files_are_refused(tmp_path):
    (tmp_path / "mine.onnx").write_bytes(b"no model")
    with pytest.raises(GammaFaceError, match="has no file label_map.json"):
        load_attributes(tmp_path / "mine.onnx")
    (tmp_path / "mine.json").write_text(json.dumps(SEX))
    with pytest.raises(GammaFaceError, match="the ONNX model cannot be loaded"):
        load_attributes(tmp_path / "mine.onnx")


class TestFairFace:
    """The published ResNet-34's layout, at random weights."""

    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("fairface")
        torch.manual_seed(0)
        state = {k: v for k, v in ResNet("resnet34", 18).state_dict().items() if "num_batches" not in k}
        save_file(state, folder / "res34_fair_align_multi_7.safetensors")
        (folder / "label_map.json").write_text(json.dumps({"preset": "fairface", "resolution": 64}))
        return folder

    def test_it_has_torchvisions_names(self):
        names = set(ResNet("resnet34", 18).state_dict())
        assert {"conv1.weight", "layer2.0.downsample.1.running_mean", "layer4.2.bn2.bias", "fc.bias"} <= names
        # 21.28 million weights without the last layer, as published for ResNet-34
        assert sum(p.numel() for p in ResNet("resnet34", 1000).parameters()) == 21_797_672
        assert sum(p.numel() for p in ResNet("resnet50", 1000).parameters()) == 25_557_032

    def test_it_answers(self, folder):
        classifier = load_attributes(folder)
        found = classifier.probabilities(FACES)
        assert {n: p.shape[1] for n, p in found.items()} == {
            "gender": 2,
            "race": 5,
            "young40": 2,
            "young60": 2,
        }
        assert classifier.classes["race"] == ("white", "black", "asian", "indian", "other")

    def test_seven_races_are_joined(self):
        outputs = np.full((1, 18), -50.0)
        outputs[0, [3, 4]] = 50, 50  # East and Southeast Asian
        outputs[0, [8, 9 + 4]] = 50, 50  # Female, 30-39
        found = PRESETS["fairface"].read(outputs)
        words = PRESETS["fairface"].classes
        said = {n: words[n][p[0].argmax()] for n, p in found.items()}
        assert said == {"gender": "female", "race": "asian", "young40": "young", "young60": "young"}

    def test_other_weights_are_refused(self, folder, tmp_path):
        save_file({"fc.bias": torch.zeros(18)}, tmp_path / "w.safetensors")
        (tmp_path / "label_map.json").write_text(json.dumps({"preset": "fairface"}))
        with pytest.raises(GammaFaceError, match="these are no resnet34 weights"):
            load_attributes(tmp_path)


def test_strategies_take_an_own_classifier_as_they_take_ours(tmp_path):
    from gammaface.strategies import Target, as_labeller
    from gammaface.strategies.labelling import cells_of, check_target

    label_map = SEX | TO_GENDER | {"mean": [0] * 3, "std": [1] * 3}
    labeller = as_labeller(load_attributes(write(tmp_path, label_map)))
    even = Target.even(("gender",), labeller.classes)
    check_target(even, labeller)
    assert cells_of(even, labeller.probabilities(FACES)).tolist() == [1, 0]
