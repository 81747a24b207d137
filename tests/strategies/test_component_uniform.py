"""Sampling evenly over components where they are the groups: two Gaussians, two components."""

import numpy as np
import pytest
import torch

from gammaface import LatentMixture, harvest
from tests.strategies.checks import draw
from tests.strategies.toy import bound, toy

SHARES = (0.8, 0.2)


@pytest.fixture(scope="module")
def fitted():
    """Two components at sqrt(abar) = .8, where the toy's two groups lie apart."""
    face = toy(shares=SHARES)
    t = face.generator.timestep_at(0.8)
    return LatentMixture(2, seed=0, restarts=3).fit(harvest(face.generator, n=400, t=t, steps=12))


def group_of(face, mixture) -> np.ndarray:
    """The group that each component's mean is a picture of, (2,)."""
    return face.cells(torch.from_numpy(mixture.means_).float().view(-1, *face.generator.shape))


def test_the_components_are_the_groups(fitted):
    face = toy(shares=SHARES)
    order = group_of(face, fitted)
    assert sorted(order) == [0, 1]
    assert (abs(fitted.weights_[np.argsort(order)] - SHARES) < bound(SHARES, 400)).all()


@pytest.mark.parametrize("injection", ["resume", "responsibility"])
def test_even_components_are_even_groups(fitted, injection):
    face = toy(shares=SHARES)
    ask = {"mixture": fitted, "n": 200, "target": None}
    batch = draw(face, "component-uniform", injection=injection, **ask)
    assert np.bincount(batch.components).tolist() == [100, 100]
    assert (abs(face.drawn(batch.images) - 0.5) < bound(0.5, 200)).all()
    assert (face.cells(batch.images) == group_of(face, fitted)[batch.components]).mean() > 0.95
    plain = draw(face, "plain", n=200, target=None)
    assert (abs(face.drawn(plain.images) - SHARES) < bound(SHARES, 200)).all()


def test_one_component_evens_out_nothing():
    face = toy(shares=SHARES)
    mixture = LatentMixture(1, seed=0).fit(harvest(face.generator, n=400, t=999, steps=12))
    batch = draw(face, "component-uniform", mixture=mixture, n=200, target=None, injection="resume")
    assert (abs(face.drawn(batch.images) - SHARES) < bound(SHARES, 200)).all()
