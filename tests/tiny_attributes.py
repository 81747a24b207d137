"""A tiny random attribute classifier whose answers differ between random pictures."""

from __future__ import annotations

from pathlib import Path

import torch

from gammaface.attributes import Calibration, fit_resolution, save_attributes
from gammaface.classifiers.attribute_network import HEADS, Architecture, AttributeNetwork

TINY = Architecture((8, 8), (1, 1), 8, pool=False)


def write_classifier(folder: Path, images: torch.Tensor, *, seed: int = 0, resolution: int = 32) -> Path:
    """Save a classifier whose heads are centred on `images`, so that no class takes them all."""
    torch.manual_seed(seed)
    network = AttributeNetwork(TINY).eval().half().float()  # as it will be stored
    with torch.no_grad():
        features = network.features(fit_resolution(images, resolution))
        weight = (network.head.weight / (features.std(0) + 1e-4)).half().float()
        network.head.weight.copy_(weight)
        network.head.bias.copy_(-weight @ features.mean(0))
    calibration = {name: Calibration(1.0, 0.5, matrix(len(words)), n(words)) for name, words in HEADS.items()}
    save_attributes(folder, network, architecture=TINY, resolution=resolution, calibration=calibration)
    return folder


def matrix(k: int) -> tuple[tuple[float, ...], ...]:
    """P(answer | class): right nine times in ten."""
    wrong = 0.1 / (k - 1)
    return tuple(tuple(0.9 if i == j else wrong for j in range(k)) for i in range(k))


def n(words: tuple[str, ...]) -> tuple[int, ...]:
    return (50,) * len(words)
