"""Real faces are looked at once: numbers of them are kept in the run, pictures are not."""

import os

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.attributes import AttributeClassifier, load_attributes
from gammaface.audit import read_real, reference
from gammaface.audit.reading import label_table, read_faces
from gammaface.audit.reference import Real
from gammaface.balancing import balance
from gammaface.images import to_png, to_uint8
from gammaface.workspace import writing
from tests.launched import launch
from tests.strategies.toy import toy
from tests.tiny_attributes import write_classifier


@pytest.fixture(scope="module")
def pictures(tiny):
    return balance(tiny, n=40, strategy="plain", steps=3, seed=9).images


@pytest.fixture(scope="module")
def labeller(pictures, tmp_path_factory):
    return load_attributes(write_classifier(tmp_path_factory.mktemp("attributes") / "own", pictures))


@pytest.fixture
def faces(pictures, tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    for i, picture in enumerate(to_uint8(pictures)):
        (folder / f"{i}.png").write_bytes(to_png(picture))
    return folder


def test_labels_and_features_come_from_one_pass(labeller, pictures, monkeypatch):
    expected, features = label_table(labeller, pictures), labeller.features(pictures)
    passes, real_pass = [], AttributeClassifier.features
    monkeypatch.setattr(
        AttributeClassifier, "features", lambda *a, **k: passes.append(1) or real_pass(*a, **k)
    )
    labels, found = read_faces(labeller, pictures)
    assert len(passes) == 1 and labels.equals(expected) and np.array_equal(found, features)


def test_kept_faces_are_not_read_again(tiny, labeller, faces, tmp_path, monkeypatch):
    ask = {"train_split": "train", "split": None, "kept": tmp_path / "run"}
    first = read_real(tiny, labeller, [str(faces)], **ask)
    with writing(tmp_path / "run", kind="audit", config={}) as run:
        first.save(run)
    read, real_load = [], reference.load_random
    monkeypatch.setattr(reference, "load_random", lambda *a, **k: read.append(1) or real_load(*a, **k))
    again = read_real(tiny, labeller, [str(faces)], **ask)
    assert not read and again.key == first.key != ""
    before = Real.load(run)
    assert again.labels.equals(before.labels) and np.array_equal(again.features, before.features)
    assert np.array_equal(again.train, before.train)
    assert not list((tmp_path / "run").rglob("*.png"))
    read_real(tiny, labeller, [str(faces)], **(ask | {"limit": 9}))
    read_real(tiny, labeller, [f"{faces}@0,0,8,8"], **ask)
    assert len(read) == 4
    os.utime(faces / "0.png", ns=(1, 1))  # its content may be another
    read_real(tiny, labeller, [str(faces)], **ask)
    assert len(read) == 6


def test_half_written_or_damaged_faces_are_read_anew(tiny, labeller, faces, tmp_path, monkeypatch):
    ask = {"split": None, "kept": tmp_path / "run"}
    first = read_real(tiny, labeller, [str(faces)], **ask)
    with writing(tmp_path / "run", kind="audit", config={}) as run:
        first.save(run)
        read_real(tiny, labeller, [str(faces)], **ask)
        (run.path / "arrays" / "real_features.npy").write_bytes(b"torn")
        found = read_real(tiny, labeller, [str(faces)], **ask)
        assert np.array_equal(found.features, first.features)
        first.save(run)
        (run.path / reference.KEY).write_text("{")
        assert np.array_equal(read_real(tiny, labeller, [str(faces)], **ask).features, first.features)


def test_workers_share_the_training_faces(tiny, labeller, faces):
    def work(workers):
        found = read_real(tiny, labeller, [str(faces)], split=None, train_split="train", workers=workers)
        if not workers.main:
            return found is None
        return found.labels.to_csv(), found.features.tobytes(), found.key, found.train.tolist()

    (alone,), (main, other) = launch(1, work), launch(2, work)
    assert other is True and main[:3] == alone[:3]
    assert np.allclose(main[3], alone[3], atol=1e-5)


def test_training_faces_of_before_do_not_stay(labeller, pictures, tmp_path):
    labels, features = read_faces(labeller, pictures)
    with writing(tmp_path / "run", kind="audit", config={}) as run:
        Real(labels, features, features).save(run)
        Real(labels, features).save(run)
    assert Real.load(run).train is None


def test_a_classifier_without_features_is_refused(tiny):
    with pytest.raises(GammaFaceError, match="need a classifier with features"):
        read_real(tiny, toy().labeller, ["nowhere"])
    assert read_faces(toy().labeller, torch.zeros(2, 3, 4, 4))[1] is None
