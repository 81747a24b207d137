import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gammaface import GammaFaceError
from gammaface.datasets import DataSource, decode_image, load_images


def jpeg(width=40, height=30, colour=(200, 10, 10)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def parquet(tmp_path):
    frame = pd.DataFrame(
        {
            "image": [{"bytes": jpeg(colour=(i, i, i)), "path": f"{i}.png"} for i in range(4)],
            "split": ["train", "train", "test", "train"],
        }
    )
    frame.to_parquet(tmp_path / "faces.parquet")
    return tmp_path / "faces.parquet"


def test_parquet_rows_of_a_split(parquet):
    images = load_images(DataSource(parquet), resolution=16)
    assert images.shape == (3, 3, 16, 16) and images[:, 0, 0, 0].tolist() == [0, 1, 3]
    assert len(load_images(DataSource(parquet), resolution=16, split=None)) == 4
    assert len(load_images(DataSource(parquet), resolution=16, limit=2)) == 2


def test_a_limit_takes_of_the_whole_file_and_the_same_again(tmp_path):
    """Face sets lie in order of age or name: their first rows are not like them."""
    shades = [{"bytes": jpeg(colour=(i, i, i)), "path": f"{i}.png"} for i in range(0, 200, 4)]
    pd.DataFrame({"image": shades}).to_parquet(tmp_path / "sorted.parquet")
    some = load_images(DataSource(tmp_path / "sorted.parquet"), resolution=8, limit=10)
    assert len(some) == 10 and some.max() > 100
    assert some.equal(load_images(DataSource(tmp_path / "sorted.parquet"), resolution=8, limit=10))


def test_a_folder_of_pictures(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.PNG").write_bytes(jpeg())
    (tmp_path / "notes.txt").write_text("no picture")
    assert load_images(DataSource(tmp_path), resolution=8).shape == (1, 3, 8, 8)


def test_crops_are_parsed():
    assert DataSource.parse("a/b.parquet@1,2,3,4").crop == (1, 2, 3, 4)
    assert DataSource.parse("a/b.parquet").crop is None
    for bad in ("f@1,2,3", "f@a,b,c,d", "f@5,5,5,9"):
        with pytest.raises(GammaFaceError, match="crop"):
            DataSource.parse(bad)


def test_a_crop_is_applied():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[2:4, 4:6] = 255
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    assert (decode_image(buffer.getvalue(), name="x", resolution=2, crop=(4, 2, 6, 4)) == 255).all()


def test_refusals(tmp_path):
    with pytest.raises(GammaFaceError, match="does not exist"):
        load_images(DataSource(tmp_path / "none"), resolution=8)
    with pytest.raises(GammaFaceError, match="no images were found"):
        load_images(DataSource(tmp_path), resolution=8)
    (tmp_path / "bad.parquet").write_text("not parquet")
    with pytest.raises(GammaFaceError, match="not a readable Parquet file"):
        load_images(DataSource(tmp_path / "bad.parquet"), resolution=8)
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(GammaFaceError, match="no image column; it has x"):
        load_images(DataSource(tmp_path / "other.parquet"), resolution=8)
    for broken in (b"", b"no picture", jpeg()[:60]):
        with pytest.raises(GammaFaceError, match="image cannot be read"):
            decode_image(broken, name="x.png", resolution=8)
