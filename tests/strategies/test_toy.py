"""The toy generator draws the shares that it claims; what the other tests rest on."""

import numpy as np
import pytest

from gammaface import balance
from tests.strategies.toy import bound, toy


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "dpm-solver"])
def test_plain_draws_the_known_shares(sampler):
    face = toy(("side",), (0.8, 0.2))
    batch = balance(face.generator, n=1024, strategy="plain", steps=40, sampler=sampler, batch_size=256)
    assert (abs(face.drawn(batch.images) - face.shares) < bound(face.shares, 1024)).all()
    assert face.unet.rows == batch.evaluations == 1024 * 40


def test_joint_cells_have_their_shares():
    shares = np.array([0.3, 0.1, 0.1, 0.2, 0.25, 0.05])
    face = toy(("level", "colour"), shares)
    batch = balance(face.generator, n=1024, strategy="plain", steps=40, batch_size=256)
    assert (abs(face.drawn(batch.images) - shares) < bound(shares, 1024)).all()


def test_the_labeller_is_never_in_doubt():
    face = toy(("side", "colour"), np.full(6, 1 / 6))
    batch = balance(face.generator, n=64, strategy="plain", steps=20)
    probabilities = face.labeller.probabilities(batch.images)
    assert min(probabilities[name].max(1).min() for name in face.attributes) > 0.9
