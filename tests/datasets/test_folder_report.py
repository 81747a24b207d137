"""What is told of a person's folder."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from gammaface import GammaFaceError, local_paths
from gammaface.cli import app
from gammaface.datasets import folder_report
from gammaface.datasets.folder_report import cell_counts, class_counts, in_words, report_folder
from gammaface.local_paths import local_path


def picture(value: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), (value, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


def parquet(folder, n=8):
    file = folder / "faces.parquet"
    cells = [{"bytes": picture(i), "path": None} for i in range(n)]
    pd.DataFrame(
        {"image": cells, "gender": ["male", "female"] * (n // 2), "age": range(30, 30 + n)}
    ).to_parquet(file)
    return file


def test_every_layout_is_recognised(folder):
    made = {}
    (folder / "fairface" / "val").mkdir(parents=True)
    (folder / "fairface" / "val" / "1.jpg").write_bytes(picture())
    pd.DataFrame([{"file": "val/1.jpg", "age": "20-29", "gender": "Male", "race": "Black"}]).to_csv(
        folder / "fairface" / "fairface_label_val.csv", index=False
    )
    made["fairface"] = folder / "fairface"
    (folder / "ffhq").mkdir()
    (folder / "ffhq" / "00000.png").write_bytes(picture())
    features = {"gender": "female", "age": 31, "smile": 0.9, "glasses": "NoGlasses", "hair": {"bald": 0.9}}
    (folder / "ffhq" / "00000.json").write_text(json.dumps([{"faceAttributes": features}]))
    made["ffhq"] = folder / "ffhq"
    (folder / "utkface").mkdir()
    (folder / "utkface" / "26_1_2_20170116174525125.jpg").write_bytes(picture())
    made["utkface"] = folder / "utkface"
    made["parquet"] = parquet(folder)
    (folder / "bare" / "deep").mkdir(parents=True)
    (folder / "bare" / "deep" / "a.png").write_bytes(picture())
    made["pictures"] = folder / "bare"
    for kind, path in made.items():
        found = report_folder(path)
        assert found.kind == kind and found.n >= 1 and found.preview and found.layout
    assert report_folder(made["fairface"]).splits == {"val": 1}
    assert report_folder(made["ffhq"]).labels.iloc[0].to_dict()["glasses"] == "no glasses"


def test_pictures_are_read_through_when_asked_or_few(folder, monkeypatch):
    file = parquet(folder)
    frame = pd.read_parquet(file)
    frame.at[3, "image"] = {"bytes": picture()[:50], "path": None}
    frame.to_parquet(file)
    seen = []
    found = report_folder(file, progress=lambda done, total: seen.append((done, total)))
    assert found.checked and found.n == 7 and seen[-1] == (8, 8)
    assert found.problems["problem"].tolist() == ["unreadable image"]
    monkeypatch.setattr(folder_report, "CHECKED", 2)
    quick = report_folder(file)
    assert not quick.checked and quick.n == 8
    assert "Not every picture has been read" in in_words(quick, quick.labels)[0]
    assert report_folder(file, check=True).n == 7


def test_a_list_that_leads_out_of_the_folder_is_not_followed(folder, tmp_path):
    (tmp_path / "secret.png").write_bytes(picture())
    (folder / "a.png").write_bytes(picture())
    names = ["a.png", "../secret.png", str(tmp_path / "secret.png")]
    pd.DataFrame({"file": names, "gender": "male"}).to_csv(folder / "labels.csv", index=False)
    found = report_folder(folder)
    assert found.n == 1 and [source for source, _ in found.preview] == ["a.png"]
    assert "outside the folder" in set(found.problems["problem"])


def test_cells_count_everyone_once(folder):
    rng = np.random.default_rng(0)
    labels = pd.DataFrame(
        {
            "gender": pd.Categorical(rng.choice(["female", "male"], 200), categories=("female", "male")),
            "race": pd.Categorical(
                rng.choice(["white", "black"], 200), categories=("white", "black", "asian")
            ),
        }
    )
    labels.loc[:9, "race"] = None
    cells = cell_counts(labels, ["gender", "race"])
    assert len(cells) == 6 and cells["count"].sum() == 190
    assert cells.loc[cells["race"] == "asian", "count"].tolist() == [0, 0]
    assert cells.loc[cells["race"] == "asian", "small"].all() and cells["share"].sum() == pytest.approx(1)
    counts = class_counts(labels).set_index(["attribute", "value"])
    assert counts.loc["gender"]["count"].sum() == 200 and counts.loc["race"]["count"].sum() == 190


@pytest.mark.parametrize(
    "text", ["", "  ", "a\0b", "s3://faces", "file:///etc", "/no/such", "~nobody/x", "/dev/zero"]
)
def test_paths_that_cannot_be_read_are_told(text):
    with pytest.raises(GammaFaceError):
        local_path(text)


@given(st.text(max_size=30))
def test_no_path_breaks_it(text):
    try:
        path = local_path(text)
    except GammaFaceError:
        return
    assert path.exists()


def test_damaged_lists_are_one_error(folder):
    (folder / "a.jpg").write_bytes(picture())
    (folder / "list_attr_celeba.csv").write_text('image_id,Male\n"1.jpg\n')
    with pytest.raises(GammaFaceError):
        report_folder(folder)
    (folder / "list_attr_celeba.csv").unlink()
    (folder / "00000.json").write_text("[" * 100_000)
    with pytest.raises(GammaFaceError):
        report_folder(folder)


def test_a_disk_is_not_a_face_set(folder, monkeypatch):
    monkeypatch.setattr(local_paths, "MOST_FILES", 3)
    for i in range(5):
        (folder / f"{i}.png").write_bytes(picture())
    with pytest.raises(GammaFaceError, match="more than 3 files"):
        report_folder(folder)


def test_a_preset_that_fits_nothing_is_told(folder):
    (folder / "a.png").write_bytes(picture())
    pd.DataFrame({"file": ["a.png"], "hair": ["black"]}).to_csv(folder / "x.csv", index=False)
    found = report_folder(folder)
    assert found.grouped("ffhq").columns.tolist() == ["hair"]
    with pytest.raises(GammaFaceError, match="needs gender, race, age"):
        found.grouped("fairface")


def test_the_command(folder):
    def call(*arguments):
        return CliRunner().invoke(app, ["data", *map(str, arguments)])

    file = parquet(folder)
    said = call(file, "--preset", "utkface", "--by", "gender,age").stdout
    assert "8 faces of 20 x 20 pixels" in said and "gender = female: only 4 faces" in said
    result = call(file, "--by", "gender,race")
    assert result.exit_code == 0
    with pytest.raises(GammaFaceError, match="no face is labelled with smile"):
        raise call(file, "--by", "gender,smile").exception
