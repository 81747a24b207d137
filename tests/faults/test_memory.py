"""Batches that the device does not hold, and memory that does not grow with n."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, harvest
from gammaface.attributes import load_attributes
from gammaface.balancing import draw_seeds
from gammaface.models.room import Room
from gammaface.parallel import blocks
from gammaface.training.loop import Schedule, train
from tests.strategies.toy import toy
from tests.tiny_attributes import write_classifier


class Small(torch.nn.Module):
    """A network on a device with room for so many rows."""

    def __init__(self, inner: torch.nn.Module, rows: int, error: Exception) -> None:
        super().__init__()
        self.inner, self.rows, self.error, self.seen = inner, rows, error, []

    @property
    def config(self):
        return self.inner.config

    @property
    def mid_block(self):
        return self.inner.mid_block

    def forward(self, x, t, return_dict=False):
        self.seen.append(len(x))
        if len(x) > self.rows:
            raise self.error
        return self.inner(x, t, return_dict=return_dict)


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


def crowded(rows: int, error: Exception = ERRORS[0]):
    """A generator, the same with little room, and what the second one says."""
    face, told = toy(("side",), (0.8, 0.2)), []
    small = Small(face.unet, rows, error)
    return face.generator, replace(face.generator, unet=small, room=Room(told.append)), told


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_a_batch_too_large_is_halved_once_and_said(error):
    roomy, tight, told = crowded(5, error)
    seeds = np.arange(20)
    expected = draw_seeds(roomy, seeds, steps=4, batch_size=16).images
    found = draw_seeds(tight, seeds, steps=4, batch_size=16).images
    assert torch.allclose(found, expected, atol=1e-3)
    assert len(told) == 2 and "16" in told[0] and "halved to 8" in told[0] and "halved to 4" in told[1]
    assert tight.unet.seen.count(16) == tight.unet.seen.count(8) == 1, "it is learned once"


@pytest.mark.parametrize("space", ["x_t", "x0", "h"])
def test_codes_are_the_same_in_halves(space):
    roomy, tight, told = crowded(5)
    asked = {"n": 20, "steps": 4, "space": space, "batch_size": 16}
    assert np.allclose(harvest(tight, **asked).array, harvest(roomy, **asked).array, atol=1e-3)
    assert told


def test_labelling_is_halved_too(tmp_path):
    images, told = torch.rand(20, 3, 16, 16) * 2 - 1, []
    classifier = load_attributes(write_classifier(tmp_path / "tiny", images))
    expected = classifier.probabilities(images)
    network, features = classifier.network, classifier.network.features

    def crowded_features(rows: torch.Tensor) -> torch.Tensor:
        if len(rows) > 6:
            raise ERRORS[0]
        return features(rows)

    network.features = crowded_features
    found = replace(classifier, room=Room(told.append)).probabilities(images)
    assert all(np.allclose(found[name], expected[name], atol=1e-3) for name in expected)
    assert len(told) == 2 and "hold labelling of 20 at once: halved to 10" in told[0]


def test_a_training_batch_that_does_not_fit_is_said(tmp_path):
    def loss_of(model, step, accelerator):
        raise ERRORS[0]

    with pytest.raises(GammaFaceError, match="does not hold a training batch of 8.*smaller --batch-size"):
        train(
            torch.nn.Linear(2, 2),
            loss_of,
            schedule=Schedule(images=16, batch_size=8),
            out=tmp_path,
            config={"schedule": {}},
            quiet=True,
        )


def test_one_row_too_many_is_refused_in_words():
    _, tight, _ = crowded(0)
    with pytest.raises(GammaFaceError, match="memory does not hold a denoising step of 1 at once"):
        draw_seeds(tight, np.arange(4), steps=2, batch_size=4)


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    _, tight, told = crowded(2, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        draw_seeds(tight, np.arange(4), steps=2, batch_size=4)
    assert not told


def test_the_peak_of_a_harvest_does_not_depend_on_n(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "WORTH", 2**14)
    generator = toy(("side",), (0.8, 0.2)).generator

    def peak(n: int) -> int:
        tracemalloc.start()
        harvest(generator, n=n, steps=2, batch_size=64, out=tmp_path / str(n))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(64)  # what is imported on the way
    few, many = peak(512), peak(4096)
    whole = 4096 * generator.dimensions * 4
    assert many - few < whole / 2, (few, many, whole)
