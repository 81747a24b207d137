"""Pictures to take along: what their files say, and the table of them."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gammaface import GammaFaceError
from gammaface.drawing import draw_run
from gammaface.images import to_png, with_text
from gammaface.pictures import downloads
from gammaface.pictures.downloads import as_csv, check_size, drawn_rows, write_zip
from tests.strategies.toy import toy

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def test_text_is_added_and_pixels_are_not_touched():
    png = to_png(PIXELS, metadata={"seed": 1})
    marked = with_text(with_text(png, {"seed": 1, "model": "x"}), {"seed": 2, "note": "ᾱ"})
    picture = Image.open(io.BytesIO(marked))
    assert picture.text["seed"] == "2" and picture.text["model"] == "x"
    assert picture.text["gammaface"] == '{"seed": 1}' and "u1fb1" in picture.text["note"]
    assert np.array_equal(np.asarray(picture), PIXELS)
    assert marked.count(b"seed\0") == 1


@pytest.mark.parametrize("torn", [b"", b"no picture", to_png(PIXELS)[:-5], to_png(PIXELS)[:40]])
def test_what_is_no_whole_png_is_refused(torn):
    with pytest.raises(GammaFaceError, match="no whole PNG"):
        with_text(torn, {"seed": 1})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    face = toy()
    return draw_run(
        face.generator,
        None,
        n=4,
        steps=3,
        out=tmp_path_factory.mktemp("drawn") / "batch",
        strategy="quota",
        target=face.target(),
        labeller=face.labeller,
    )


def part(run):
    return ("drawn", run, drawn_rows(run), "quota")


def test_rows_tell_place_and_cell_in_words(run):
    rows = drawn_rows(run)
    assert sorted(rows["cell"]) == ["left", "left", "right", "right"]
    assert rows["place"].tolist() == [0, 1, 2, 3] and (rows["component"] == -1).all()
    assert all(file.is_file() for file in rows["file"])


def test_the_archive_holds_marked_pictures_and_their_table(run):
    out = io.BytesIO()
    write_zip([part(run)], out)
    again = io.BytesIO()
    write_zip([part(run)], again)
    assert out.getvalue() == again.getvalue()
    with zipfile.ZipFile(out) as archive:
        table = pd.read_csv(archive.open("pictures.csv"))
        assert sorted(archive.namelist()) == sorted([*table["file"], "pictures.csv"])
        row = table.iloc[0]
        text = Image.open(archive.open(row["file"])).text
    assert text["seed"] == str(row["seed"]) and text["model"] == "toy" and text["weights"] == "toy"
    assert (text["sampler"], text["steps"], text["strategy"]) == ("ddim", "3", "quota")
    assert text["cell"] == row["cell"]


def test_the_table_says_who_drew_it(run):
    table = pd.read_csv(io.StringIO(as_csv([part(run)])))
    assert set(table["drawn"]) == {"quota"} and len(table) == 4
    assert table.columns[:3].tolist() == ["file", "drawn", "seed"]


def test_too_much_for_a_browser_is_refused(run, monkeypatch):
    monkeypatch.setattr(downloads, "MOST_BYTES", 100)
    with pytest.raises(GammaFaceError, match="the most for one download"):
        check_size([part(run)])


def test_a_missing_picture_is_named(run):
    rows = drawn_rows(run)
    rows["file"] = rows["file"].map(lambda file: file.with_name("none.png"))
    with pytest.raises(GammaFaceError, match="picture of seed .* is missing"):
        write_zip([("drawn", run, rows, "quota")], io.BytesIO())
