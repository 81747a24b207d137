"""What is written beside the shipped weights was measured with these weights."""

import json

import pytest

from gammaface.attributes import load_attributes
from gammaface.generators import load_generator
from gammaface.workspace import MODELS

MB = 2**20
CLASSIFIERS = ("attributes", "second")
LIMITS = {"faces": 48 * MB} | dict.fromkeys(CLASSIFIERS, 25 * MB)


@pytest.mark.parametrize(
    ("model", "files"),
    [("faces", ("card.json", "solver.json")), ("faces+pag", ("pag/card.json", "solver+pag2.json"))],
)
def test_the_generators_figures_are_of_its_weights(model, files):
    weights = load_generator(model, device="cpu").weights_hash
    for name in files:
        told = json.loads((MODELS / "faces" / name).read_text())
        assert told["weights"] == weights, f"{name}: measure the model again"


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifiers_figures_are_of_its_weights(name):
    told = json.loads((MODELS / name / "card.json").read_text())
    assert told["hash"] == load_attributes(name, device="cpu").hash, "run `train attributes-card`"


def test_the_generators_distances_are_in_the_shipped_classifiers_features():
    extractor = load_attributes(device="cpu").hash[:12]
    assert extractor in (MODELS / "faces" / "README.md").read_text(), "run `train card`"
    assert extractor in json.loads((MODELS / "faces" / "solver.json").read_text())["extractor"]


def test_the_weights_are_small():
    for name, limit in LIMITS.items():
        assert sum(f.stat().st_size for f in (MODELS / name).rglob("*.safetensors")) <= limit
