import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import GammaFaceError, attributes
from gammaface.classifiers import attribute_network
from gammaface.classifiers.attribute_network import HEADS, Architecture
from gammaface.commands import train_attributes as commands
from gammaface.training import attributes as ta
from gammaface.training import face_sets
from gammaface.training.attribute_card import calibration_error, rate, write_card
from gammaface.training.augment import augment
from gammaface.training.face_sets import TRAIN_FRAMINGS, load_face_sets, parse_data
from gammaface.training.loop import Schedule
from tests.datasets.test_datasets import jpeg

TINY = Architecture((8, 16), (1, 1), 8, pool=False, dropout=0.1)
SHORT = Schedule(images=64, batch_size=16, learning_rate=3e-3, warmup_images=16, ema_half_life=16)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two sets whose labels are plain colours; the second knows the smile only."""
    rng = np.random.default_rng(0)
    place = tmp_path_factory.mktemp("faces")

    def pictures(reds):
        cells = []
        for i, red in enumerate(reds):
            noise = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
            noise[..., 0] = red
            cells.append({"bytes": png(noise), "path": f"{i}.png"})
        return cells

    male = rng.random(90) < 0.5
    pd.DataFrame(
        {
            "image": pictures(np.where(male, 250, 5)),
            "gender": np.where(male, "male", "female"),
            "race": rng.choice(HEADS["race"], 90),
            "age": rng.integers(1, 90, 90),
            "split": ["train"] * 60 + ["test"] * 30,
        }
    ).to_parquet(place / "people.parquet")
    smiling = rng.random(80) < 0.5
    pd.DataFrame(
        {
            "image": pictures(np.where(smiling, 250, 5)),
            "smile": np.where(smiling, "smiling", "not smiling"),
            "identity": np.arange(80) // 2,
            "split": ["train"] * 60 + ["test"] * 20,
        }
    ).to_parquet(place / "celeba.parquet")
    return [f"people={place / 'people.parquet'}", f"celeba={place / 'celeba.parquet'}"]


def png(pixels):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((40, 40), Image.BILINEAR).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def sets(data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMMAFACE_HOME", str(tmp_path_factory.mktemp("home")))
        return load_face_sets(data, seed=0)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(attribute_network.ARCHITECTURES, "tiny", TINY)


def run(sets, out, schedule=SHORT, **options):
    return ta.train_attributes(
        sets, out=out, schedule=schedule, architecture="tiny", resolution=32, quiet=True, **options
    )


def test_parts_share_no_person(sets):
    people, celeba = sets
    for face_set in sets:
        assert {"train", "validation", "test"} <= set(face_set.part)
    identity = celeba.faces.frame["identity"].to_numpy()
    for a, b in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not set(identity[celeba.part == a]) & set(identity[celeba.part == b])
    assert people.framings().keys() == {"whole"} and celeba.framings().keys() == {"whole", "tight"}
    assert "90 faces; left out: none" in people.summary()


def test_look_alikes_of_test_faces_are_not_trained_on(tmp_path):
    rng = np.random.default_rng(1)
    cells = [png(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)) for _ in range(40)]
    frame = pd.DataFrame(
        {
            "image": [{"bytes": c, "path": None} for c in cells]
            + [{"bytes": cells[0] + b"\0", "path": None}],
            "gender": "male",
            "split": ["train"] * 40 + ["test"],
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    (found,) = load_face_sets([f"a={tmp_path / 'a.parquet'}"], seed=0)
    assert found.dropped == 1 and found.part[0] == "unused"


def test_look_alikes_are_sought_once(data, tmp_path, monkeypatch):
    (before,) = load_face_sets(data[:1], seed=0)
    (kept,) = (tmp_path / "home" / face_sets.CACHE).iterdir()
    groups = np.load(kept, allow_pickle=False)
    assert groups.shape == (90,) and groups.dtype.kind == "i", "numbers, and nothing of the pictures"

    def decoded(*_, **__):
        raise AssertionError("a picture was decoded again")

    with monkeypatch.context() as patch:
        patch.setattr(face_sets.Faces, "images", decoded)
        (again,) = load_face_sets(data[:1], seed=0)
        assert (again.part == before.part).all() and again.dropped == before.dropped
        fewer = before.faces.select(np.arange(89))
        with pytest.raises(AssertionError, match="decoded again"):
            face_sets.person_groups(fewer)
    kept.write_bytes(b"broken")
    assert (load_face_sets(data[:1], seed=0)[0].part == before.part).all()


def test_masked_losses_reach_only_the_heads_that_have_labels(sets):
    torch.manual_seed(0)
    network = attribute_network.AttributeNetwork(TINY)
    codes, ages = ta.targets(sets[1].faces)
    assert (codes[:, list(HEADS).index("gender")] == ta.UNKNOWN).all() and ages.isnan().all()
    loss = ta.masked_loss(network(torch.rand(80, 3, 32, 32)), codes, ages)
    loss.backward()
    reached = network.split(network.head.weight.grad.abs().sum(1)[None])
    assert {name for name, gradient in reached.items() if gradient.sum() > 0} == {"smile"}


def test_batches_mix_sets_and_repeat(sets):
    mixer = ta.Mixer(sets, resolution=32)
    trained = [(s.part == "train").sum() for s in sets]
    assert mixer.sizes.tolist() == [trained[0], trained[1] * len(TRAIN_FRAMINGS["celeba"])]
    first, codes, ages = mixer.batch(200, torch.Generator().manual_seed(3))
    again = mixer.batch(200, torch.Generator().manual_seed(3))
    assert torch.equal(first, again[0]) and first.shape == (200, 3, 32, 32)
    assert 0.35 < (codes[:, list(HEADS).index("smile")] >= 0).float().mean() < 0.65


def test_augmentation_keeps_the_picture_recognisable():
    side = torch.arange(48.0)
    ramp = (side * 5).to(torch.uint8).view(1, 1, 48, 1).expand(64, 3, 48, 48).contiguous()
    views = augment(ramp, resolution=32, source=torch.Generator().manual_seed(0))
    assert views.shape == (64, 3, 32, 32) and views.min() >= -1 and views.max() <= 1
    assert ((views[:, :, 24:].mean((1, 2, 3)) - views[:, :, :8].mean((1, 2, 3))) > 0.3).all()
    assert views.std(0).mean() > 0.05


def test_it_learns_resumes_and_writes_its_card(sets, tmp_path):
    schedule = Schedule(**{**vars(SHORT), "images": 2400, "warmup_images": 160, "ema_half_life": 300})
    classifier = run(sets, tmp_path, schedule)
    tables = write_card(classifier, sets, out=tmp_path / "model")
    heads = tables["heads"].set_index(["set", "framing", "head"])
    assert heads.loc[("people", "whole", "gender"), "value"] > 0.8
    assert heads.loc[("celeba", "whole", "smile"), "value"] > 0.8
    assert ("celeba", "tight", "smile") in heads.index and ("celeba", "whole", "gender") not in heads.index
    stored = json.loads((tmp_path / "model" / "card.json").read_text())
    assert stored["hash"] == classifier.hash and len(stored["heads"]) == len(heads)
    assert "perceived attributes" in (tmp_path / "model" / "card.md").read_text()
    confusion = np.array(classifier.calibration["gender"].confusion)
    assert np.allclose(confusion.sum(0), 1)
    rates = tables["rates"]
    assert {"accuracy", "recall of male"} <= set(rates["rate"])
    assert ((rates["low"] <= rates["value"]) & (rates["value"] <= rates["high"])).all()
    with pytest.raises(GammaFaceError, match="Add --resume"):
        run(sets, tmp_path, schedule)
    assert run(sets, tmp_path, schedule, resume=True).hash == classifier.hash


def test_a_killed_training_goes_on_as_if_nothing_had_happened(sets, tmp_path, monkeypatch):
    whole = run(sets, tmp_path / "whole")
    often = Schedule(**{**vars(SHORT), "checkpoint_minutes": 0.0})
    real, calls = ta.masked_loss, []

    def kill(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(ta, "masked_loss", kill)
    with pytest.raises(KeyboardInterrupt):
        run(sets, tmp_path / "cut", often)
    cut = run(sets, tmp_path / "cut", often, resume=True)
    pairs = zip(whole.network.parameters(), cut.network.parameters(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)


def test_a_resume_on_other_faces_is_refused(sets, tmp_path):
    run(sets, tmp_path)
    part = sets[0].part.copy()
    part[np.flatnonzero(part == "train")[0]] = "unused"
    with pytest.raises(GammaFaceError, match="another configuration"):
        run([dataclasses.replace(sets[0], part=part), sets[1]], tmp_path, resume=True)


def test_the_commands_train_and_measure_again(data, tmp_path, capsys):
    commands.attributes(data, tmp_path, images=32, batch_size=16, architecture="tiny")
    first = json.loads((tmp_path / "model" / "card.json").read_text())
    commands.attributes_card(data, model=str(tmp_path / "model"), out=tmp_path / "again")
    assert json.loads((tmp_path / "again" / "card.json").read_text()) == first
    assert "look like test faces" in capsys.readouterr().out


def test_calibration_finds_the_temperature_and_the_threshold():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(20_000, 2)) * 1.5
    p = np.exp(truth) / np.exp(truth).sum(1, keepdims=True)
    codes = (rng.random(20_000) < p[:, 1]).astype(int)
    found = ta.calibrate(truth * 3, codes)  # three times too sure
    assert found.temperature == pytest.approx(3, rel=0.05)
    sure, right = p.max(1), p.argmax(1) == codes
    kept = sure >= found.threshold
    assert right[kept].mean() > 0.945 and kept.mean() > 0.2
    before = attributes.softmax(truth * 3, 1.0)
    assert calibration_error(before.max(1), right) > 0.1 > 0.02 > calibration_error(sure, right)
    assert ta.certainty(np.full(50, 0.9), np.zeros(50, bool), np.ones(50)) is None


def test_a_face_that_answers_twice_counts_once():
    rng = np.random.default_rng(1)
    logits, codes = rng.normal(size=(60, 2)), rng.integers(0, 2, 60)
    logits[np.arange(60), codes] += 1.5
    once = ta.calibrate(logits, codes)
    twice = ta.calibrate(np.tile(logits, (2, 1)), np.tile(codes, 2), weights=np.full(120, 0.5))
    assert twice.n == once.n and np.allclose(twice.confusion, once.confusion)
    assert twice.temperature == pytest.approx(once.temperature)


def test_rates_have_wilson_intervals():
    found = rate(np.array([True] * 9 + [False]))
    assert found["value"] == 0.9 and found["low"] == pytest.approx(0.596, abs=1e-3) and found["n"] == 10
    assert np.isnan(rate(np.zeros(0, bool))["value"])


def test_refusals(sets, tmp_path):
    with pytest.raises(GammaFaceError, match="names no data"):
        parse_data("faces.parquet")
    with pytest.raises(GammaFaceError, match="architecture 'vgg'"):
        ta.train_attributes(sets, out=tmp_path, schedule=SHORT, architecture="vgg")
    few = pd.DataFrame({"image": [{"bytes": jpeg(), "path": "a"}], "gender": ["male"], "split": ["train"]})
    few.to_parquet(tmp_path / "few.parquet")
    with pytest.raises(GammaFaceError, match="1 training faces are too few"):
        load_face_sets([f"few={tmp_path / 'few.parquet'}"], seed=0)


def test_training_goes_on_from_weights(sets, tmp_path):
    first = run(sets, tmp_path / "first")
    still = dataclasses.replace(SHORT, learning_rate=0.0)
    again = run(sets, tmp_path / "again", still, start_from=first)
    for name, value in first.network.state_dict().items():
        if "running" not in name and "tracked" not in name:  # batch statistics move anyway
            torch.testing.assert_close(again.network.state_dict()[name], value)
    monster = attribute_network.AttributeNetwork(Architecture((8, 24), (1, 1), 8))
    other = dataclasses.replace(first, network=monster)
    with pytest.raises(GammaFaceError, match="not of a smaller network"):
        run(sets, tmp_path / "other", start_from=other)


@pytest.mark.slow
def test_the_development_sets_can_be_read():
    place = os.environ.get("GAMMAFACE_DATA")
    if not place:
        pytest.skip("GAMMAFACE_DATA does not name the folder of utkface.parquet and celeba20k.parquet")
    files = {"utk": "utkface.parquet", "celeba": "celeba20k.parquet"}
    for face_set in load_face_sets([f"{n}={Path(place) / f}" for n, f in files.items()], seed=0):
        assert not len(face_set.faces.problems)
        assert (face_set.part == "validation").sum() > 1000
        assert face_set.dropped < 0.05 * len(face_set.faces)
