import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.attributes import load_attributes
from gammaface.classifiers.attribute_network import HEADS
from gammaface.images import to_png, to_uint8
from gammaface.labelling.labels import find_classifier, label_encoded, label_images, label_run, labels_of
from gammaface.parallel.parts import write_part
from gammaface.workspace import extending, writing
from tests.tiny_attributes import write_classifier


@pytest.fixture(scope="module")
def images():
    return torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def classifier(images, tmp_path_factory):
    return load_attributes(write_classifier(tmp_path_factory.mktemp("attributes"), images), device="cpu")


@pytest.fixture
def run(images, tmp_path):
    with writing(tmp_path / "run", kind="sample", config={}) as made:
        for i, picture in enumerate(to_uint8(images[:3])):
            group = "plain/" if i < 2 else ""
            made.write_file(f"images/{group}{i:08d}.png", to_png(picture))
    return made


def test_a_label_table_is_what_the_classifier_says_and_the_skin_tone(classifier, images):
    table = label_images(classifier, images)
    said = classifier.label(images)
    assert table[said.columns].equals(said)
    probabilities = classifier.probabilities(images)
    for name, words in HEADS.items():
        if name != "age":
            assert np.allclose(table[[f"{name}={w}" for w in words]], probabilities[name], atol=1e-6)
    assert table["ita"].dropna().between(-90, 90).all() and "tone" in table
    assert table.attrs == {"classifier": classifier.hash}


def test_a_run_is_labelled_once(classifier, run, images, monkeypatch):
    with extending(run.path) as opened:
        first = label_run(opened, classifier)
        assert first[["image", "seed", "group"]].values.tolist() == [
            ["00000002.png", 2, ""],
            ["plain/00000000.png", 0, "plain"],
            ["plain/00000001.png", 1, "plain"],
        ]
        asked = []
        real = type(classifier).probabilities

        def count(self, images, **options):
            asked.append(len(images))
            return real(self, images, **options)

        monkeypatch.setattr(type(classifier), "probabilities", count)
        assert label_run(opened, classifier).equals(first) and not asked
        opened.write_file("images/plain/00000003.png", to_png(to_uint8(images[3:4])[0]))
        second = label_run(opened, classifier)
        assert asked == [1] and len(second) == 4  # only the new picture
        (opened.path / "images" / "plain" / "00000000.png").unlink()
        assert label_run(opened, classifier)["seed"].tolist() == [2, 1, 3] and asked == [1]
    assert opened.table("labels")["seed"].tolist() == [2, 1, 3]
    assert (
        second[first.columns]
        .set_index("seed")
        .loc[first["seed"]]
        .reset_index(drop=True)
        .equals(first.drop(columns="seed"))
    )


def test_the_table_follows_a_picture_that_was_renamed_or_read_before_a_kill(classifier, run, images):
    folder, plain = "parts-of-labels", run.path / "images" / "plain"
    with extending(run.path) as opened:
        first = label_run(opened, classifier)
        (plain / "00000000.png").rename(plain / "00000009.png")
        assert label_run(opened, classifier)["seed"].tolist() == [2, 1, 9]
        assert opened.table("labels")["seed"].tolist() == [2, 1, 9]
        opened.write_table("labels", first)
        (plain / "00000009.png").rename(plain / "00000000.png")
        opened.write_file("images/plain/00000000.png", to_png(to_uint8(images[3:4])[0]))
        again = label_run(opened, classifier)
        opened.write_table("labels", first)  # as a kill leaves it: the new answers are in a part only
        write_part(opened.path / folder, 0, again)
        assert label_run(opened, classifier).equals(again) and opened.table("labels").equals(again)
        assert not (opened.path / folder).exists()


def test_other_weights_label_again(classifier, run, images, tmp_path):
    other = load_attributes(write_classifier(tmp_path / "other", images, seed=1), device="cpu")
    assert other.hash != classifier.hash
    with extending(run.path) as opened:
        first = label_run(opened, classifier)
        assert labels_of(opened, other) is None
        second = label_run(opened, other)
    assert run.table("labels").attrs == {"classifier": other.hash}
    assert not first["gender_p"].equals(second["gender_p"])


def test_shipped_runs_are_not_written(classifier, run, monkeypatch):
    monkeypatch.setattr("gammaface.labelling.labels.EXAMPLES", run.path.parent)
    assert len(label_run(run, classifier)) == 3
    assert not run.has("tables/labels.parquet")


def test_categories_survive_the_disk(classifier, run):
    with extending(run.path) as opened:
        label_run(opened, classifier)
    assert tuple(run.table("labels")["race"].cat.categories) == HEADS["race"]


def test_an_absent_classifier_is_a_reason_and_a_damaged_choice_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.attributes.MODELS", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert find_classifier() == (None, "there is no attribute classifier 'attributes'")
    with pytest.raises(GammaFaceError, match="no attribute classifier"):
        find_classifier(str(tmp_path / "mine"))


def test_nothing_to_label(classifier, tmp_path):
    with pytest.raises(GammaFaceError, match="no pictures"):
        label_encoded([], classifier)
    with writing(tmp_path / "empty", kind="sample", config={}) as empty:
        with pytest.raises(GammaFaceError, match="no pictures"):
            label_run(empty, classifier)
    with pytest.raises(GammaFaceError, match="cannot be read"):
        label_encoded([("torn.png", b"PNG")], classifier)


def test_names_lie_beside_their_labels(classifier, images):
    named = [(f"{i}.png", to_png(p)) for i, p in enumerate(to_uint8(images))]
    table = label_encoded(named, classifier, batch_size=4)
    assert table["image"].tolist() == [name for name, _ in named]
    again = label_encoded(named[::-1], classifier)
    assert pd.Series(again["gender"][::-1].to_numpy()).equals(pd.Series(table["gender"].to_numpy()))
