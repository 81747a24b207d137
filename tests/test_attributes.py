import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from gammaface import GammaFaceError
from gammaface.attributes import Calibration, load_attributes, save_attributes
from gammaface.classifiers.attribute_network import ARCHITECTURES, HEADS, Architecture, AttributeNetwork
from gammaface.commands.label import label
from tests.datasets.test_datasets import jpeg

TINY = Architecture((8, 8), (1, 1), 8, pool=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("attributes")
    calibration = {name: Calibration(temperature=2.0, threshold=0.5) for name in HEADS}
    calibration["hair"] = Calibration()
    network = AttributeNetwork(TINY).eval()
    save_attributes(place, network, architecture=TINY, resolution=32, calibration=calibration)
    return place


@pytest.fixture
def classifier(folder):
    return load_attributes(folder, device="cpu")


@pytest.fixture
def images():
    return torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_labels_are_words_probabilities_and_doubts(classifier, images):
    seen = []
    table = classifier.label(images, batch_size=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 5), (4, 5), (5, 5)]
    for name, words in HEADS.items():
        assert table[f"{name}_p"].between(0, 1).all()
        if name == "age":
            assert table["age"].between(0, 100).all()
        else:
            assert table[name].isin(words).all()
            assert (table[f"{name}_p"] >= 1 / len(words) - 1e-6).all()
        if name != "hair":
            assert (table[f"{name}_uncertain"] == (table[f"{name}_p"] < 0.5)).all()
    assert table["hair_uncertain"].all()  # no threshold reached the precision: all are in doubt
    wanted = "gender race age young40 young60 smile glasses hair"
    assert set(wanted.split()) <= set(table)


def test_batches_do_not_change_the_labels(classifier, images):
    one, all_ = classifier.features(images, batch_size=1), classifier.features(images)
    assert one.shape == (5, 8) and np.allclose(one, all_, atol=1e-5)


def test_the_temperature_softens(classifier, images):
    logits = torch.from_numpy(classifier.logits(images)["gender"])
    assert np.allclose(classifier.probabilities(images)["gender"], (logits / 2).softmax(1), atol=1e-6)


def test_other_sizes_are_resized_and_no_image_is_fine(classifier, images):
    large = torch.nn.functional.interpolate(images, scale_factor=2, mode="nearest")
    assert len(classifier.label(large)) == 5
    assert len(classifier.label(images[:0])) == 0
    assert classifier.features(images[:0]).shape == (0, 8)


def test_files_are_half_precision_and_hashed(folder, classifier):
    stored = load_file(folder / "model.safetensors")
    assert {v.dtype for v in stored.values()} <= {torch.float16, torch.int64}
    assert len(classifier.hash) == 64 and classifier.hash == load_attributes(folder).hash
    assert json.loads((folder / "config.json").read_text())["heads"]["race"] == list(HEADS["race"])


def test_the_papers_network_can_be_chosen():
    with torch.device("meta"):
        network = AttributeNetwork(ARCHITECTURES["resnet-101"])
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(42.6e6, rel=0.02)


def test_refusals(classifier, folder, images, tmp_path):
    for bad, words in (
        (images[:, :1], "shape"),
        (images[..., :20], "shape"),
        ((images * 127).to(torch.uint8), "floats"),
        (images * 200, "floats"),
        (images * float("nan"), "floats"),
    ):
        with pytest.raises(GammaFaceError, match=words):
            classifier.label(bad)
    with pytest.raises(GammaFaceError, match="no attribute classifier"):
        load_attributes(tmp_path)
    for name in ("model.safetensors", "config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes()[:200])
    with pytest.raises(GammaFaceError, match="damaged"):
        load_attributes(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["heads"]["smile"] = ["yes", "no"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(GammaFaceError, match="another version"):
        load_attributes(tmp_path)


def test_the_command_writes_a_csv(folder, tmp_path):
    (tmp_path / "faces").mkdir()
    for i in range(3):
        (tmp_path / "faces" / f"{i}.png").write_bytes(jpeg(40, 40, (i, 0, 0)))
    label(tmp_path / "faces", out=tmp_path / "labels.csv", model=str(folder), batch_size=2)
    table = pd.read_csv(tmp_path / "labels.csv")
    assert len(table) == 3 and {"image", "gender", "age_p", "race_uncertain"} <= set(table)
