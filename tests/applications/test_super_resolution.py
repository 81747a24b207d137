import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gammaface import GammaFaceError
from gammaface.applications.faces import Faces, draw_even, read_folder
from gammaface.applications.super_resolution import (
    UpscalingOptions,
    again,
    audit_upscaling,
    bicubic,
    onnx_upscaler,
)
from tests.strategies.toy import CLASSES, labeller, toy
from tests.tiny_onnx import write_upscaler

ASKED = UpscalingOptions(factor=2, attributes=("side", "level"), groups=("colour",))


@pytest.fixture(scope="module")
def faces():
    face = toy(("side", "level", "colour"), np.full(12, 1 / 12))
    return draw_even(
        face.generator, face.labeller, ("colour",), n=150, seed=0, steps=5, report=lambda *_: None
    )


def forgets_red(small: torch.Tensor) -> torch.Tensor:
    """Right for all but red faces, whose side it turns round."""
    large = F.interpolate(small, scale_factor=2, mode="nearest")
    red = large.mean((2, 3)).argmax(1) == 0
    return torch.where(red[:, None, None, None], large.flip(3), large)


def test_changes_are_told_by_group(faces, tmp_path):
    run = audit_upscaling(
        faces,
        labeller(),
        {"forgets": forgets_red, "bicubic": bicubic(2)},
        ASKED,
        out=tmp_path / "run",
        model="toy",
        weights={},
    )
    changes = run.table("changes").set_index(["method", "attribute", "group"])
    assert changes.at[("forgets", "side", "red"), "share"] == 1
    assert changes.at[("forgets", "side", "green"), "share"] == 0
    assert changes.loc[("forgets", "level")]["share"].max() == 0
    assert changes.loc["bicubic"]["share"].max() == 0, "halves survive averaging over 2 x 2"
    row = changes.loc[("forgets", "side", "all")]
    assert row["share"] == pytest.approx(1 / 3) and row["low"] < row["share"] < row["high"]
    gap = run.table("gaps").set_index(["method", "attribute"]).loc[("forgets", "side")]
    assert gap["most"] == "red" and gap["p"] < 0.01
    flows = run.table("flows").set_index(["method", "attribute", "before", "after"])
    left = (faces.words("side") == "left").sum()
    assert flows.at[("forgets", "side", "left", "right"), "n"] == left
    said = " ".join(run.table("sentences")["sentence"])
    assert "forgets: the label of side changes for 33.3%" in said and "more for red than for" in said
    assert len(list((run.path / "images").glob("*/*.png"))) == 3 * 8


def test_an_onnx_upscaler_is_run(tmp_path):
    repeat = onnx_upscaler(write_upscaler(tmp_path / "two.onnx", 2))
    small = torch.rand(3, 3, 4, 4) * 2 - 1
    expected = F.interpolate(small, scale_factor=2, mode="nearest")
    assert torch.allclose(repeat(small), expected, atol=1e-6)
    signed = onnx_upscaler(tmp_path / "two.onnx", values="signed")
    assert torch.allclose(signed(small), expected, atol=1e-6)
    four = onnx_upscaler(write_upscaler(tmp_path / "four.onnx", 4))
    assert again(torch.zeros(2, 3, 8, 8), 2, four).shape == (2, 3, 8, 8), "another factor was not fitted"
    with pytest.raises(GammaFaceError, match="no range 'x'"):
        onnx_upscaler(tmp_path / "two.onnx", values="x")


def test_slips_are_refused(faces, tmp_path):
    with pytest.raises(GammaFaceError, match="4 px by a factor of 3"):
        again(faces.images, 3, bicubic(3))
    with pytest.raises(GammaFaceError, match="factor 1"):
        UpscalingOptions(factor=1)
    asked = UpscalingOptions(2, ("mood",), ("side",))
    with pytest.raises(GammaFaceError, match="does not name the attribute 'mood'"):
        audit_upscaling(
            faces, labeller(), {"b": bicubic(2)}, asked, out=tmp_path / "r", model="toy", weights={}
        )


def test_a_folder_of_pictures_can_be_tried(tmp_path):
    from PIL import Image

    for i in range(5):
        Image.new("RGB", (20, 30), (50 * i, 0, 0)).save(tmp_path / f"{i}.png")
    found = read_folder(tmp_path, labeller(), resolution=4, limit=3, report=lambda *_: None)
    assert found.images.shape == (3, 3, 4, 4) and found.names == ["0.png", "2.png", "4.png"]
    assert isinstance(found, Faces) and set(found.probabilities) == set(CLASSES)
    (tmp_path / "empty").mkdir()
    with pytest.raises(GammaFaceError, match="has no pictures"):
        read_folder(tmp_path / "empty", labeller(), resolution=4, limit=3, report=lambda *_: None)


def test_a_group_that_is_too_rare_is_said():
    face = toy(("side",), [0.999, 0.001])
    found = draw_even(face.generator, face.labeller, ("side",), n=8, seed=0, steps=2, report=lambda *_: None)
    assert len(found.names) < 8 and f"{len(found.names)} of 8 faces were found" in found.note
