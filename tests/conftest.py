"""A tiny random-weight generator in the bundled model's layout, made once per session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from gammaface.generators import load_generator
from gammaface.training.autoencoder import AutoencoderWidths, build_autoencoder
from gammaface.training.bundle import write_bundle
from gammaface.training.diffusion import UNetWidths, build_unet

# Tolerances are float32's on every machine. Set here: fixtures of a module compute before a
# test's own environment is.
os.environ.setdefault("GAMMAFACE_PRECISION", "float32")

TINY = AutoencoderWidths((8, 8, 16, 16), (8, 8, 16, 16), (0, 1, 1, 1), (0, 1, 1, 1))


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(0)
    write_bundle(
        folder,
        unet=build_unet(UNetWidths((32, 32), 1, 16), channels=16, side=8),
        autoencoder=build_autoencoder(TINY),
        progress={"seen": 0, "step": 0, "seconds": 0.0, "history": []},
    )
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    return load_generator(tiny_folder, device="cpu")


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch):
    """Every test writes its runs into its own folder."""
    monkeypatch.setenv("GAMMAFACE_HOME", str(tmp_path / "home"))
