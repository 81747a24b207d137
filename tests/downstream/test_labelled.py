import pytest

from gammaface import GammaFaceError
from gammaface.downstream.labelled import read_labelled
from gammaface.downstream.tasks import get_task
from gammaface.workspace import writing
from tests.downstream.conftest import people, png, save_labelled

GENDER = get_task("utkface", "gender")


def test_a_folder_comes_back(sets):
    found = read_labelled(sets["plain"])
    images, labels = people(260, agree=0.6, seed=1)
    assert (found.images.numpy() == images).all()
    faces = found.examples(GENDER, resolution=16)
    assert (faces.y == (labels["gender"] == "male")).all()
    assert (faces.protected[:, 0] == (labels["young60"] == "old")).all()
    assert set(faces.protected[:, 1]) == {0, 1, 2}
    assert found.examples(GENDER, resolution=8).images.shape == (260, 3, 8, 8)


def test_the_confidence_filter(sets):
    found = read_labelled(sets["plain"])
    kept = found.examples(GENDER, resolution=16, min_p=0.8)
    assert len(kept) == (found.labels["gender_p"] >= 0.8).sum() < len(found)
    with pytest.raises(GammaFaceError, match="confidence of 1"):
        found.examples(GENDER, resolution=16, min_p=1.0)


def test_a_drawn_and_labelled_run(tmp_path):
    images, labels = people(6, agree=1, seed=0)
    with writing(tmp_path / "drawn", kind="sample", config={}) as run:
        for i, image in enumerate(images):
            run.write_file(f"images/{i:08d}.png", png(image))
        names = [f"{i:08d}.png" for i in range(6)]
        run.write_table("labels-0123", labels.assign(image=names))
    found = read_labelled(tmp_path / "drawn")
    assert (found.images.numpy() == images).all()
    with writing(tmp_path / "drawn", kind="sample", config={}) as run:
        run.write_table("labels-4567", labels)
    with pytest.raises(GammaFaceError, match="2 tables of labels"):
        read_labelled(tmp_path / "drawn")


def test_the_hash_sees_pictures_and_labels(tmp_path):
    images, labels = people(6, agree=1, seed=0)
    hashes = set()
    for i, change in enumerate(("none", "pixel", "label")):
        if change == "pixel":
            images[0, 0, 0, 0] ^= 1
        if change == "label":
            labels.loc[0, "gender"] = "male"
        save_labelled(tmp_path / str(i), images, labels)
        hashes.add(read_labelled(tmp_path / str(i)).hash)
    assert len(hashes) == 3


def test_bad_sets_are_refused(tmp_path):
    images, labels = people(6, agree=1, seed=0)
    with pytest.raises(GammaFaceError, match="no labelled set here"):
        read_labelled(tmp_path)
    save_labelled(tmp_path / "short", images, labels[:4])
    with pytest.raises(GammaFaceError, match="6 images stand beside 4 labels"):
        read_labelled(tmp_path / "short")
    save_labelled(tmp_path / "float", images / 255, labels)
    with pytest.raises(GammaFaceError, match="float64"):
        read_labelled(tmp_path / "float")
    save_labelled(tmp_path / "bare", images, labels[["gender", "race"]])
    with pytest.raises(GammaFaceError, match="no column 'young60'"):
        read_labelled(tmp_path / "bare").examples(GENDER, resolution=16)
    with pytest.raises(GammaFaceError, match="no column 'gender_p' to filter by"):
        save_labelled(tmp_path / "unsure", images, labels)
        read_labelled(tmp_path / "unsure").examples(GENDER, resolution=16, min_p=0.5)
    (tmp_path / "float" / "images.npy").write_bytes(b"no")
    with pytest.raises(GammaFaceError, match="damaged"):
        read_labelled(tmp_path / "float")
    with writing(tmp_path / "blank", kind="sample", config={}):
        pass
    with pytest.raises(GammaFaceError, match="0 tables of labels"):
        read_labelled(tmp_path / "blank")
    with writing(tmp_path / "gone", kind="sample", config={}) as run:
        run.write_table("labels", labels.assign(image="x.png"))
    with pytest.raises(GammaFaceError, match="cannot be read"):
        read_labelled(tmp_path / "gone")
