import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface.attributes import load_attributes
from gammaface.labelling.hand_labels import validation_recalls
from gammaface.labelling.labels import label_images
from gammaface.studies import census as census_module
from gammaface.studies.census import count_people, take_census
from gammaface.workspace import writing
from tests.tiny_attributes import write_classifier

POINTS = pd.DataFrame({"seed": np.arange(5, 25), "component": np.arange(20) % 2})


def draw(seeds: np.ndarray) -> SimpleNamespace:
    """Noise that depends on the seed alone, as the images of a batch."""
    images = [torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(int(s))) * 2 - 1 for s in seeds]
    return SimpleNamespace(images=torch.stack(images))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    images = draw(np.arange(40)).images
    return [write_classifier(tmp_path_factory.mktemp("attributes"), images, seed=s) for s in (0, 1)]


@pytest.fixture
def classifier(folders):
    return load_attributes(folders[0], device="cpu")


@pytest.fixture
def run(tmp_path):
    with writing(tmp_path / "run", kind="study", config={"model": "tiny"}) as opened:
        yield opened


def test_a_census_keeps_labels_and_few_pictures(run, classifier, monkeypatch):
    monkeypatch.setattr(census_module, "MICRO_BATCH", 8)
    monkeypatch.setattr(census_module, "THUMBNAILS", 10)
    seen = []
    table = take_census(run, draw, classifier, POINTS, n=18, progress=lambda *done: seen.append(done))
    assert seen == [(0, 18), (8, 18), (16, 18), (18, 18)]
    assert table["seed"].tolist() == list(range(5, 23)) and {"ita", "gender", "brightness"} <= set(table)
    files = (run.path / "images" / "people").glob("*.png")
    assert sorted(int(f.stem) for f in files) == list(range(5, 15))
    assert run.table("people").equals(table)


def test_a_census_goes_on_with_the_same_classifier_only(run, classifier, folders):
    take_census(run, draw, classifier, POINTS, n=6, progress=lambda *_: None)
    asked = []

    def counting(seeds):
        asked.extend(seeds.tolist())
        return draw(seeds)

    take_census(run, counting, classifier, POINTS, n=9, progress=lambda *_: None)
    assert asked == [11, 12, 13]
    other = load_attributes(folders[1], device="cpu")
    take_census(run, counting, other, POINTS, n=9, progress=lambda *_: None)
    assert asked[3:] == list(range(5, 14)) and run.table("people").attrs["classifier"] == other.hash


def test_what_is_counted_is_in_the_tables_and_valid_json(run, classifier):
    census = take_census(run, draw, classifier, POINTS, n=20, progress=lambda *_: None)
    labels = pd.concat(
        [label_images(classifier, draw(np.arange(4)).images).assign(group=g) for g in ("plain", "balanced")]
    )
    real = validation_recalls(classifier)
    found = count_people(run, census, labels, real, real)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    shares = run.table("people_shares")
    assert shares.groupby("attribute")["share"].sum().to_numpy() == pytest.approx(1)
    gender = shares[shares["attribute"] == "gender"]
    # Right nine times in ten, the classifier overstates evenness: the correction undoes it.
    expected = np.clip((gender["share"] - 0.1) / 0.8, 0, 1)
    assert gender["corrected"].to_numpy() == pytest.approx(expected.to_numpy())
    assert set(run.table("association")["attribute"]) >= {"race", "tone", "brightness"}
    assert run.table("people_by_component")["group"].nunique() == 2
