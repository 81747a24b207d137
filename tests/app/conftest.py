"""A study of the tiny model, recorded once, and workspaces that hold it, nothing, or ruins."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gammaface import study, workspace
from gammaface.generators import load_generator
from pages.parts import state


@pytest.fixture(scope="session")
def recorded(tiny_folder, tmp_path_factory) -> Path:
    """A finished study of 60 latents; its map is two coordinates, for UMAP takes a minute to load."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "project", lambda array, seed: array[:, :2])
        options = study.StudyOptions(model=str(tiny_folder), n=60, images=8, steps=3, k_max=3)
        out = tmp_path_factory.mktemp("recorded") / "first"
        study.run_study(load_generator(tiny_folder, device="cpu"), options, out=out)
    return out


@pytest.fixture(autouse=True)
def nothing_shipped(tmp_path, monkeypatch):
    """What ships with the project must not decide these tests."""
    monkeypatch.setattr(workspace, "EXAMPLES", tmp_path / "examples")
    monkeypatch.setattr(state, "EXAMPLES", tmp_path / "examples")
    monkeypatch.setattr(workspace, "MODELS", tmp_path / "models")


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def with_study(home, recorded) -> Path:
    """The user's folder with the recorded study in it."""
    shutil.copytree(recorded, home / "first")
    return home
