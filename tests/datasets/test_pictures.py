"""Pictures drawn at random from several sources, and what is not opened at all."""

import io

import pytest
import torch
from PIL import Image

from gammaface import GammaFaceError
from gammaface.datasets import load_all, load_random, open_picture, random_rows
from gammaface.parallel.workers import Workers
from tests.datasets.test_datasets import jpeg


@pytest.fixture
def sources(tmp_path):
    """Two folders of plain pictures, each of a brightness of its own."""
    for name, numbers in (("a", range(6)), ("b", range(6, 10))):
        (tmp_path / name).mkdir()
        for i in numbers:
            (tmp_path / name / f"{i}.jpg").write_bytes(jpeg(colour=(20 * i, 20 * i, 20 * i)))
    return [str(tmp_path / "a"), str(tmp_path / "b")]


def test_a_random_part_is_of_all_sources_and_keeps_their_order(sources):
    every = load_all(sources, resolution=8)
    rows = random_rows(10, 6, seed=3)
    found = load_random(sources, most=6, seed=3, resolution=8)
    assert torch.equal(found, every[rows]) and max(rows) > 5 > min(rows)
    assert torch.equal(load_random(sources, most=99, seed=3, resolution=8), every)
    assert not torch.equal(load_random(sources, most=6, seed=4, resolution=8), found)


def test_workers_share_a_random_part(sources):
    how = {"most": 6, "seed": 3, "resolution": 8}
    parts = [load_random(sources, workers=Workers(rank, 7), **how) for rank in range(7)]
    assert min(map(len, parts)) == 0 and torch.equal(torch.cat(parts), load_random(sources, **how))


def test_only_what_is_drawn_is_decoded(sources, tmp_path):
    rows = set(random_rows(10, 6, seed=3).tolist())
    left = next(i for i in range(6) if i not in rows)
    (tmp_path / "a" / f"{left}.jpg").write_bytes(b"no picture")
    assert len(load_random(sources, most=6, seed=3, resolution=8)) == 6
    with pytest.raises(GammaFaceError, match="cannot be read"):
        load_random(sources, most=10, seed=3, resolution=8)


@pytest.mark.parametrize("format", ["GIF", "TIFF", "BMP", "PPM"])
def test_other_formats_are_not_opened(format):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, format)
    with pytest.raises(OSError), open_picture(buffer.getvalue()):
        pass


def test_an_animation_is_refused():
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="animated"), open_picture(buffer.getvalue()):
        pass
