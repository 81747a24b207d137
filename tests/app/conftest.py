"""A study of the tiny model, recorded once, and workspaces that hold it, nothing, or ruins."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gammaface import attributes, workspace
from gammaface.applications.classifier import ClassifierOptions, audit_classifier
from gammaface.applications.faces import draw_even
from gammaface.applications.super_resolution import UpscalingOptions, audit_upscaling, bicubic
from gammaface.attributes import load_attributes
from gammaface.balancing import draw_seeds
from gammaface.generators import load_generator
from gammaface.studies import stages, study
from gammaface.studies.exploration import ExploreOptions, run_exploration
from gammaface.studies.survey import SurveyOptions, run_survey
from pages.parts import red_box, state
from tests.studies.test_survey import real_faces
from tests.tiny_attributes import write_classifier
from tests.training.test_card import tiny_classifier


def record_study(tiny_folder: Path, out: Path, models: Path) -> Path:
    """A finished study of 60 latents; its map is two coordinates, for UMAP takes a minute to load."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "project", lambda array, **_: array[:, :2])
        patch.setattr(attributes, "MODELS", models)
        options = study.StudyOptions(model=str(tiny_folder), n=60, images=8, steps=3, k_max=3, labelled=40)
        study.run_study(load_generator(tiny_folder, device="cpu"), options, out=out)
    return out


@pytest.fixture(scope="session")
def recorded(tiny_folder, tmp_path_factory) -> Path:
    """A study from a machine without an attribute classifier."""
    folder = tmp_path_factory.mktemp("recorded")
    return record_study(tiny_folder, folder / "first", folder)


@pytest.fixture(scope="session")
def models(tiny, tmp_path_factory) -> Path:
    """A models folder with a tiny attribute classifier in it."""
    folder = tmp_path_factory.mktemp("shipped")
    write_classifier(folder / "attributes", draw_seeds(tiny, range(8), steps=3).images)
    return folder


@pytest.fixture(scope="session")
def labelled(tiny_folder, models, tmp_path_factory) -> Path:
    """The same study with its faces labelled."""
    return record_study(tiny_folder, tmp_path_factory.mktemp("labelled") / "first", models)


@pytest.fixture(autouse=True)
def nothing_shipped(tmp_path, monkeypatch):
    """What ships with the project must not decide these tests."""
    monkeypatch.setattr(workspace, "EXAMPLES", tmp_path / "examples")
    monkeypatch.setattr(state, "EXAMPLES", tmp_path / "examples")
    for module in (workspace, attributes):
        monkeypatch.setattr(module, "MODELS", tmp_path / "models")


@pytest.fixture
def unforeseen() -> None:
    """For tests of damage that no page foresees; in others it is a mistake of ours."""


@pytest.fixture(autouse=True)
def nothing_unforeseen(request, caplog):
    """A page says in a red box what went wrong, whatever it is: that must not hide mistakes."""
    yield
    if "unforeseen" not in request.fixturenames:
        assert not [r.exc_text for r in caplog.get_records("call") if r.name == red_box.__name__]


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def with_study(home, recorded) -> Path:
    """The user's folder with the recorded study in it."""
    shutil.copytree(recorded, home / "first")
    return home


@pytest.fixture
def with_people(home, labelled) -> Path:
    """The user's folder with the labelled study in it."""
    shutil.copytree(labelled, home / "first")
    return home


@pytest.fixture
def with_classifier(models, tmp_path) -> None:
    """The tiny attribute classifier ships with the project."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "attributes").symlink_to(models / "attributes")


@pytest.fixture(scope="session")
def explored(tiny_folder, models, tmp_path_factory):
    """An exploration of 30 latents, 20 of them finished and labelled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "project", lambda array, **_: array[:, :2])
        patch.setattr(attributes, "MODELS", models)
        options = ExploreOptions(model=str(tiny_folder), n=30, steps=3, k=2, k_max=3, labelled=20)
        generator = load_generator(tiny_folder, device="cpu")
        return run_exploration(generator, options, out=tmp_path_factory.mktemp("explored") / "halfway").path


@pytest.fixture
def with_explored(with_people, explored):
    shutil.copytree(explored, with_people / "halfway")
    return with_people


@pytest.fixture(scope="session")
def surveyed(tiny, tiny_folder, tmp_path_factory):
    options = SurveyOptions(
        model=str(tiny_folder), n=48, sqrt_abars=(0.44,), k_max=3, told=(2, 3), steps=2, permutations=19
    )
    out = tmp_path_factory.mktemp("surveyed") / "survey"
    return run_survey(tiny, tiny_classifier(), options, out=out, real=real_faces(48)).path


@pytest.fixture(scope="session")
def tried(tiny, models, tmp_path_factory):
    """Both kinds of run of the tiny model."""
    labeller, place = load_attributes(models / "attributes"), tmp_path_factory.mktemp("tried")
    asked = {"steps": 2, "n": 40, "moved": 8, "pilot": 48, "groups": ("gender",), "attribute": "smile"}
    options = ClassifierOptions(along="young40:old", **asked)
    audit_classifier(tiny, labeller, labeller, options, out=place / "trial", name="mine.onnx")
    faces = draw_even(tiny, labeller, ("gender",), n=40, seed=0, steps=2, report=lambda *_: None)
    audit_upscaling(
        faces,
        labeller,
        {"mine.onnx": bicubic(4), "bicubic": bicubic(4)},
        UpscalingOptions(4, ("gender", "smile"), ("gender",)),
        out=place / "large",
        model=tiny.name,
        weights={tiny.name: tiny.weights_hash},
    )
    return place


@pytest.fixture
def with_tried(with_people, tried):
    for name in ("trial", "large"):
        shutil.copytree(tried / name, with_people / name)
    return with_people
