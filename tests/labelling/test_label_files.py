import pandas as pd
import pytest
from PIL import Image

from gammaface import GammaFaceError
from gammaface.labelling.label_files import read_label_file


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "faces"
    (place / "sub").mkdir(parents=True)
    for name in ("a.png", "b.png", "sub/c.png"):
        Image.new("RGB", (8, 8)).save(place / name)
    return place


def csv(tmp_path, rows):
    file = tmp_path / "labels.csv"
    pd.DataFrame(rows).to_csv(file, index=False)
    return file


def test_fairfaces_script_writes_names_and_ranges(folder, tmp_path):
    rows = {
        "face_name_align": ["detected_faces/a_face0.jpg", "detected_faces/b_face0.jpg"],
        "race": ["East Asian", "Latino_Hispanic"],
        "race_scores_fair": ["[0.1]", "[0.9]"],
        "gender": ["Male", "Female"],
        "age": ["30-39", "70+"],
    }
    found = read_label_file(folder, csv(tmp_path, rows))
    assert found.preset == "fairface" and (found.unlabelled, found.missing) == (1, 0)
    assert found.frame[["source", "gender", "race", "young40", "young60"]].values.tolist() == [
        ["a.png", "male", "asian", "young", "young"],
        ["b.png", "female", "other", "old", "old"],
    ]
    assert found.attributes == ["gender", "race", "young40", "young60"]


def test_fairfaces_own_list(folder, tmp_path):
    rows = {"file": ["a.png"], "age": ["more than 70"], "gender": ["Female"], "race": ["White"]}
    found = read_label_file(folder, csv(tmp_path, rows | {"service_test": ["True"]}))
    assert found.preset == "fairface" and found.frame["young60"][0] == "old"


def test_deepface_writes_dominant_words_and_years(folder, tmp_path):
    rows = {
        "img_path": ["x/y/a.png", "sub/c.png", "gone.png"],
        "age": [31, 62, 5],
        "dominant_gender": ["Man", "Woman", "Man"],
        "dominant_race": ["latino hispanic", "indian", "white"],
        "dominant_emotion": ["happy", "sad", "sad"],
    }
    found = read_label_file(folder, csv(tmp_path, rows))
    assert found.preset == "deepface" and (found.unlabelled, found.missing) == (1, 1)
    assert found.frame[["source", "gender", "race", "young40", "young60"]].values.tolist() == [
        ["a.png", "male", "other", "young", "young"],
        ["sub/c.png", "female", "indian", "old", "old"],
    ]


def test_our_own_words(folder, tmp_path):
    rows = {
        "image": ["a.png", "b.png"],
        "gender": ["male", None],
        "smile": ["smiling"] * 2,
        "gender_p": [1, 1],
    }
    found = read_label_file(folder, csv(tmp_path, rows))
    assert found.preset == "own" and found.attributes == ["gender", "smile"]
    assert found.frame["gender"].isna().tolist() == [False, True]


def test_names_written_from_elsewhere_fit_by_their_longest_ending(folder, tmp_path):
    Image.new("RGB", (8, 8)).save(folder / "sub" / "a.png")
    rows = {"image": ["runs/x/sub/a.png", "runs/x/sub/c.png"], "gender": ["male", "female"]}
    found = read_label_file(folder, csv(tmp_path, rows))
    assert found.frame["source"].tolist() == ["sub/a.png", "sub/c.png"]
    with pytest.raises(GammaFaceError, match="none of 1 rows"):
        read_label_file(folder, csv(tmp_path, {"image": ["a_face0.png"], "gender": ["male"]}))


@pytest.mark.parametrize(
    "rows, words",
    [
        ({"who": ["a.png"], "gender": ["male"]}, "no column names the pictures"),
        ({"file": ["z.png"], "gender": ["male"]}, "none of 1 rows names one of the folder's 3"),
        ({"file": ["a.png"], "gender": ["man"]}, "labels that are not known; the first: gender=man"),
        ({"file": ["a.png", "a.png"], "gender": ["male"] * 2}, "1 rows name a picture again"),
    ],
)
def test_slips_are_refused(folder, tmp_path, rows, words):
    with pytest.raises(GammaFaceError, match=words):
        read_label_file(folder, csv(tmp_path, rows))


def test_what_is_not_there_is_refused(folder, tmp_path):
    file = csv(tmp_path, {"file": ["a.png"], "gender": ["male"]})
    with pytest.raises(GammaFaceError, match="no such folder"):
        read_label_file(tmp_path / "nowhere", file)
    with pytest.raises(GammaFaceError, match="no preset 'x'"):
        read_label_file(folder, file, preset="x")
    with pytest.raises(GammaFaceError, match="not written as preset 'fairface'"):
        read_label_file(folder, file, preset="fairface")
    with pytest.raises(GammaFaceError, match="CSV cannot be read"):
        read_label_file(folder, tmp_path / "none.csv")
