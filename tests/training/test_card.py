import json
from xml.etree import ElementTree

import torch
from PIL import Image

from gammaface.balancing import balance
from gammaface.images import to_uint8
from gammaface.training.card import loss_curve, measure_generator


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
