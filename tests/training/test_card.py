import json
from xml.etree import ElementTree

import pytest
import torch
from PIL import Image

from gammaface import GammaFaceError
from gammaface.attributes import AttributeClassifier, Calibration
from gammaface.balancing import balance
from gammaface.classifiers.attribute_network import HEADS, Architecture, AttributeNetwork
from gammaface.images import to_uint8
from gammaface.training.card import BEGIN, END, loss_curve, measure_generator


def test_a_model_that_copies_is_caught(tiny, tmp_path):
    drawn = torch.from_numpy(to_uint8(balance(tiny, n=64, strategy="plain").images)).permute(0, 3, 1, 2)
    noise = torch.Generator().manual_seed(0)
    real = torch.randint(0, 256, (80, 3, 64, 64), generator=noise, dtype=torch.uint8)
    honest = measure_generator(tiny, real[:40], real[40:], out=tmp_path / "a", n=64)
    copied = measure_generator(
        tiny, torch.cat([real[:40], drawn.flip(-1)]), real[40:], out=tmp_path / "b", n=64
    )
    assert copied["nearest_training_face"]["generated"]["mean"] == 0
    assert copied["nearest_training_face"]["near_copies"]["generated_share"] == 1
    assert honest["nearest_training_face"]["generated"]["mean"] > 0.1
    assert json.loads((tmp_path / "a" / "card.json").read_text()) == honest
    with Image.open(tmp_path / "a" / "samples.png") as sheet:
        assert sheet.size == (16 * 66 - 2, 4 * 66 - 2)


def test_the_loss_curve_is_a_picture():
    svg = loss_curve([[64 * i, 1 / i, 1e-3] for i in range(1, 400)])
    points = ElementTree.fromstring(svg)[0].get("points").split()
    assert len(points) == 120
    heights = [float(p.split(",")[1]) for p in points]
    assert heights == sorted(heights)  # the loss falls: the line goes down the page


def tiny_classifier() -> AttributeClassifier:
    torch.manual_seed(0)
    network = AttributeNetwork(Architecture((4, 4, 8, 8), (1, 1, 1, 1), 4)).eval()
    calibration = {name: Calibration(threshold=0.5) for name in HEADS}
    return AttributeClassifier(network, 64, calibration, "0" * 64, torch.device("cpu"))


def test_the_card_says_how_close_and_who(tiny, tmp_path):
    (tmp_path / "README.md").write_text(f"# tiny\n{BEGIN}\nold figures\n{END}\nafter\n")
    noise = torch.Generator().manual_seed(0)
    real = torch.randint(0, 256, (200, 3, 64, 64), generator=noise, dtype=torch.uint8)
    numbers = measure_generator(
        tiny, real[:100], real[100:], out=tmp_path, classifier=tiny_classifier(), named="mine", n=64
    )
    figures = numbers["figures"]
    assert figures["extractor"] == "mine (000000000000)"
    generated, train = figures["closeness"]
    assert figures["n"] == 64
    assert train["precision"] > 0.5 and train["recall"] > 0.5  # the same noise
    assert train["frechet"] < generated["frechet"]
    shares = {}
    for row in figures["people"]:
        shares.setdefault(row["attribute"], []).append(row["value"])
        assert row["low"] <= row["value"] <= row["high"] and row["n"] == 64
    assert all(abs(sum(values) - 1) < 1e-9 for values in shares.values())
    readme = (tmp_path / "README.md").read_text()
    assert "old figures" not in readme and readme.endswith(f"{END}\nafter\n")
    assert "Features of the classifier mine (000000000000)" in readme
    assert "Who it draws" in readme and "Has it copied faces?" in readme


def test_twins_of_training_faces_are_no_unseen_faces(tiny, tmp_path):
    noise = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, 256, (80, 3, 16, 16), generator=noise, dtype=torch.uint8)
    real = coarse.repeat_interleave(4, 2).repeat_interleave(4, 3)
    train, twins = real[:40], real[:4].flip(-1)  # mirrored, and a little brighter
    test = torch.cat([real[40:], (twins.int() + 2).clamp(max=255).to(torch.uint8)])
    found = measure_generator(tiny, train, test, out=tmp_path, n=64)
    assert (found["n_test"], found["lookalikes_left_out"]) == (40, 4)
    assert found["nearest_training_face"]["near_copies"]["threshold"] > 0.1
    with pytest.raises(GammaFaceError, match="every test face looks like a training face"):
        measure_generator(tiny, train, twins, out=tmp_path, n=64)
