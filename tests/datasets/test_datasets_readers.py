import json

import numpy as np
import pandas as pd
import pytest

from gammaface import GammaFaceError
from gammaface.datasets import grouping, read_faces
from tests.datasets.test_datasets import jpeg


def picture(folder, name, shade=0):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(jpeg(16, 16, (shade, 40, 200)))


def labels(faces, *columns):
    frame = faces.frame[list(columns)].astype(object)
    return frame.where(frame.notna(), None).values.tolist()


def test_utkface_names(tmp_path):
    picture(tmp_path, "59_0_1_20170109150557335.jpg", 1)
    picture(tmp_path, "60_1_4_20170109150557335.jpg.chip.jpg", 2)
    picture(tmp_path, "61_1_20170109142408075.jpg", 3)
    faces = read_faces(tmp_path)
    assert labels(faces, "age", "gender", "race", "young40", "young60") == [
        [59.0, "male", "black", "old", "young"],
        [60.0, "female", "other", "old", "old"],
    ]
    assert faces.problems["problem"].tolist() == ["unknown label"]
    assert faces.summary() == "2 faces; left out: 1 unknown label"
    assert faces.images(resolution=8).shape == (2, 3, 8, 8)
    with pytest.raises(GammaFaceError, match="1 rows have problems; the first: unknown label"):
        read_faces(tmp_path, on_problem="refuse")


def test_fairface_ranges(tmp_path):
    for i in range(3):
        picture(tmp_path, f"val/{i}.jpg", i)
    (tmp_path / "fairface_label_val.csv").write_text(
        "file,age,gender,race,service_test\n"
        "val/0.jpg,50-59,Male,East Asian,True\n"
        "val/1.jpg,more than 70,Female,Latino_Hispanic,False\n"
        "val/2.jpg,unsure,Female,White,False\n"
        "val/9.jpg,3-9,Male,Black,False\n"
    )
    faces = read_faces(tmp_path)
    assert labels(faces, "gender", "race", "young40", "young60", "age", "split") == [
        ["male", "asian", "old", "young", None, "val"],
        ["female", "other", "old", "old", None, "val"],
    ]
    assert faces.problems[["problem", "detail"]].values.tolist() == [
        ["unknown label", "age=unsure"],
        ["missing image", "there is no such picture"],
    ]
    assert grouping(faces.frame, "fairface")["race"].tolist() == ["other", "other"]


def test_ffhq_features(tmp_path):
    def features(**changes):
        hair = {
            "bald": 0.1,
            "invisible": False,
            "hairColor": [{"color": "black", "confidence": 0.3}, {"color": "blond", "confidence": 0.9}],
        }
        base = {"gender": "female", "age": 39.0, "smile": 0.51, "glasses": "NoGlasses", "hair": hair}
        return [{"faceAttributes": base | changes}]

    (tmp_path / "json").mkdir()
    bald = {"bald": 0.9, "invisible": False, "hairColor": []}
    hidden = {"bald": 0.0, "invisible": True, "hairColor": []}
    for i, content in enumerate(
        [
            features(),
            features(smile=0.5, age=40.0, glasses="Sunglasses", hair=bald),
            features(hair=hidden),
            [],
        ]
    ):
        (tmp_path / "json" / f"{i:05d}.json").write_text(json.dumps(content))
        picture(tmp_path, f"thumbnails128x128/00000/{i:05d}.png", i)
    faces = read_faces(tmp_path)
    assert labels(faces, "smile", "glasses", "hair", "young40") == [
        ["smiling", "no glasses", "brown/blond", "young"],
        ["not smiling", "glasses", "other", "old"],
        ["smiling", "no glasses", None, "young"],
    ]
    assert faces.problems["source"].tolist() == ["00003"]
    assert list(grouping(faces.frame, "ffhq")) == ["smile", "glasses", "hair", "age", "gender"]


@pytest.mark.parametrize("form", ["txt", "csv"])
def test_celeba_lists(tmp_path, form):
    names = [
        "Bald",
        "Black_Hair",
        "Blond_Hair",
        "Brown_Hair",
        "Eyeglasses",
        "Gray_Hair",
        "Male",
        "Smiling",
        "Young",
    ]
    values = {
        "000001.jpg": [-1, 1, -1, -1, 1, -1, 1, 1, -1],
        "000002.jpg": [-1] * 9,
        "000003.jpg": [-1, 1, 1, -1, -1, -1, -1, -1, 1],
    }
    comma = ","
    if form == "txt":
        lines = [
            str(len(values)),
            " ".join(names),
            *(f"{k}  {' '.join(map(str, v))}" for k, v in values.items()),
        ]
        parts = {
            "list_eval_partition": "000001.jpg 0\n000002.jpg 2\n000003.jpg 1\n",
            "identity_CelebA": "000001.jpg 7\n000002.jpg 8\n000003.jpg 7\n",
        }
    else:
        lines = [
            comma.join(["image_id", *names]),
            *(comma.join([k, *map(str, v)]) for k, v in values.items()),
        ]
        parts = {
            "list_eval_partition": "image_id,partition\n000001.jpg,0\n000002.jpg,2\n000003.jpg,1\n",
            "identity_CelebA": "image_id,identity\n000001.jpg,7\n000002.jpg,8\n000003.jpg,7\n",
        }
    for stem, text in {"list_attr_celeba": "\n".join(lines), **parts}.items():
        (tmp_path / f"{stem}.{form}").write_text(text)
    for i, name in enumerate(values):
        picture(tmp_path, f"img_align_celeba/{name}", i)
    faces = read_faces(tmp_path)
    assert labels(faces, "gender", "young", "smile", "glasses", "hair", "split", "identity") == [
        ["male", "old", "smiling", "glasses", "black", "train", "7"],
        ["female", "old", "not smiling", "no glasses", None, "test", "8"],
        ["female", "young", "not smiling", "no glasses", None, "valid", "7"],  # two colours: no label
    ]
    assert len(read_faces(tmp_path, split="test")) == 1
    assert grouping(faces.frame, "celeba")["age"].tolist() == ["old", "old", "young"]


def test_a_folder_with_a_csv_lists_every_problem(tmp_path):
    for i, name in enumerate(["a.png", "b.png", "half.jpg"]):
        picture(tmp_path, name, i)
    whole = (tmp_path / "half.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / "labels.csv").write_text(
        "file,gender,age,smile\na.png,male,30,smiling\nb.png,unsure,30,\na.png,male,30,smiling\n"
        "half.jpg,male,20,\nnone.png,male,20,\nb.png,female,130,\n"
    )
    faces = read_faces(tmp_path)
    assert labels(faces, "source", "gender", "age", "smile", "hair") == [
        ["a.png", "male", 30.0, "smiling", None]
    ]
    assert faces.problems.values.tolist() == [
        ["b.png", "unknown label", "gender=unsure"],
        ["a.png", "duplicate row", "the picture of a.png again"],
        ["half.jpg", "unreadable image", "broken or half-written"],
        ["none.png", "missing image", "there is no such picture"],
        ["b.png", "unknown label", "age=130"],
    ]


def test_half_written_jpegs_are_found(tmp_path):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, format="JPEG")
    data = buffer.getvalue()
    for name, content in {"20_0_0_20170101.jpg": data, "21_0_0_20170101.jpg": data[: len(data) // 2]}.items():
        (tmp_path / name).write_bytes(content)
    faces = read_faces(tmp_path)
    assert len(faces) == 1 and faces.problems["problem"].tolist() == ["unreadable image"]


def test_parquet_with_schema_and_celeba_names(tmp_path):
    cells = [{"bytes": jpeg(16, 16, (i, 0, 0)), "path": f"{i}.png"} for i in (0, 1, 1)]
    cells.append({"bytes": None, "path": "nowhere.png"})
    frame = pd.DataFrame(
        {"image": cells, "age": [10, 50, 50, 1], "race": ["indian"] * 4, "split": ["train"] * 4}
    )
    frame.to_parquet(tmp_path / "a.parquet")
    faces = read_faces(tmp_path / "a.parquet")
    assert labels(faces, "age", "race", "young40") == [[10.0, "indian", "young"], [50.0, "indian", "old"]]
    assert faces.problems["problem"].tolist() == ["duplicate row", "missing image"]
    flags = pd.DataFrame({"image": cells[:2], "Male": [True, False], "Gray_Hair": [True, False]})
    flags.to_parquet(tmp_path / "b.parquet")
    assert labels(read_faces(tmp_path / "b.parquet"), "gender", "hair") == [
        ["male", "other"],
        ["female", None],
    ]


def test_refusals(tmp_path):
    with pytest.raises(GammaFaceError, match="does not exist"):
        read_faces(tmp_path / "none")
    with pytest.raises(GammaFaceError, match="layout is not recognised"):
        read_faces(tmp_path)
    with pytest.raises(GammaFaceError, match="no labelled face"):
        read_faces(tmp_path, kind="utkface")
    with pytest.raises(GammaFaceError, match="on_problem"):
        read_faces(tmp_path, on_problem="ignore")
    with pytest.raises(GammaFaceError, match="kind='lfw' is not known"):
        read_faces(tmp_path, kind="lfw")
    with pytest.raises(GammaFaceError, match="preset 'x' is not known"):
        grouping(pd.DataFrame(), "x")
