"""The Data page: nothing named, a folder, a set with gaps, and paths that lead nowhere."""

import pandas as pd
import pytest
from PIL import Image

from tests.app.driving import html_of, open_app, words_of

PAGE = "pages/data/folder.py"


@pytest.fixture
def faces(tmp_path):
    """Forty pictures with a CSV: one missing, one broken, one with an unknown word."""
    folder = tmp_path / "faces"
    folder.mkdir()
    rows = []
    for i in range(40):
        name = f"{i:02}.png"
        Image.new("RGB", (24, 20), (6 * i, 90, 200)).save(folder / name)
        rows.append(
            {"file": name, "gender": "male" if i % 4 else "female", "race": "asian" if i % 2 else "white"}
        )
    rows[3]["gender"] = "unsure"
    (folder / "05.png").unlink()
    (folder / "07.png").write_bytes((folder / "07.png").read_bytes()[:40])
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    return folder


def test_without_a_path_it_teaches_the_layouts():
    app = open_app(PAGE)
    words = words_of(app)
    assert not app.error and "FairFace" in words and "Parquet" in words


def test_a_folder_is_recognised_counted_and_its_gaps_are_named(faces):
    before = sorted(faces.rglob("*"))
    app = open_app(PAGE, path=str(faces))
    assert not app.error
    words = words_of(app)
    assert "Recognised as **pictures and one CSV**" in words and "38 .png" in words or "39 .png" in words
    metrics = {m.label: m.value for m in app.metric}
    assert metrics == {"Faces": "37", "Left out": "3", "Attributes labelled": "2", "Pixels": "24 x 20"}
    assert "1 missing image" in words and "1 unreadable image" in words and "1 unknown label" in words
    assert "gender = female: only 10 faces" in words
    assert html_of(app).count("<img") == 12
    warned = app.warning[0].value
    assert "fewer than 30 faces" in warned and "female, black: 0" in warned
    listed = app.dataframe[-1].value
    assert set(listed["Problem"]) == {"missing image", "unreadable image", "unknown label"}
    assert sorted(faces.rglob("*")) == before


def test_a_preset_groups_as_the_paper_does(faces):
    app = open_app(PAGE, path=str(faces), preset="fairface")
    assert not app.error and "race = other" in words_of(app)
    app.selectbox(key="cell-columns").set_value("race").run()
    assert not app.exception and not app.error


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/no/such/folder", "no such folder"),
        ("https://example.org/faces", "an address, not a path"),
        ("/dev/null", "neither a folder nor a file"),
        ("/etc/hostname", "no layout of a face set"),
        ("x" * 5000, "cannot be read"),
    ],
)
def test_a_path_that_leads_nowhere_is_one_red_box(path, said):
    app = open_app(PAGE, path=path)
    assert len(app.error) == 1 and said in app.error[0].value.lower()


def test_bare_pictures_and_another_layout(faces):
    (faces / "labels.csv").unlink()
    app = open_app(PAGE, path=str(faces))
    assert not app.error and "pictures without labels" in words_of(app)
    assert "gammaface label" in words_of(app)
    app.selectbox(key="layout").set_value("utkface").run()
    assert len(app.error) == 1
