import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gammaface import GammaFaceError, LatentMixture, harvest
from gammaface.strategies.component_balanced import component_weights
from tests.strategies.checks import (
    check_batch_size_does_not_matter,
    check_every_evaluation_is_counted,
    draw,
)
from tests.strategies.toy import bound, toy


def fitted(face, k=2):
    """A mixture in h-space, where the toy's cells are clusters."""
    return LatentMixture(k, seed=0, restarts=2).fit(harvest(face.generator, n=200, space="h", steps=12))


def test_components_that_follow_the_groups_even_them_out():
    face = toy(shares=(0.8, 0.2))
    batch = draw(face, "component-balanced", mixture=fitted(face), n=300, pilot=400)
    assert (abs(face.drawn(batch.images) - 0.5) < bound(0.5, 300)).all()
    assert abs(batch.notes["predicted_shares"]["left"] - 0.5) < 0.02
    weights = np.array(batch.notes["component_weights"])
    assert np.bincount(batch.components, minlength=2).tolist() == (weights * 300).round().tolist()


def test_components_that_do_not_follow_them_are_reported_as_such():
    """One component cannot even out anything, and the notes say so before the draw does."""
    face = toy(shares=(0.8, 0.2))
    batch = draw(face, "component-balanced", mixture=fitted(face, k=1), n=300, pilot=400)
    assert abs(batch.notes["predicted_shares"]["left"] - 0.8) < bound(0.8, 400)
    assert (abs(face.drawn(batch.images) - face.shares) < bound(face.shares, 300)).all()


def test_invariance_and_count():
    face = toy()
    mixture = fitted(face)
    check_batch_size_does_not_matter(face, "component-balanced", mixture=mixture, n=20, pilot=60)
    batch = check_every_evaluation_is_counted(face, "component-balanced", mixture=mixture, n=10, pilot=20)
    again = draw(face, "component-balanced", mixture=mixture, n=10, learned=batch.learned, batch_size=1)
    assert batch.evaluations - again.evaluations == batch.learned.evaluations == 20 * 12
    assert again.seeds.tolist() == batch.seeds.tolist()


def test_known_weights():
    """p = (.9, .3): w_0 solves .9 w + .3 (1 - w) = .5."""
    shares = np.array([[0.9, 0.1], [0.3, 0.7]])
    found = component_weights(shares, np.full(2, 0.5), np.array([0.7, 0.3]), pull=0.0)
    assert np.allclose(found, [1 / 3, 2 / 3], atol=1e-5)
    out_of_reach = component_weights(shares, np.array([0.0, 1.0]), np.array([0.7, 0.3]), pull=0.0)
    assert np.allclose(out_of_reach, [0, 1], atol=1e-5)


def test_a_component_never_drawn_gets_no_weight():
    shares = np.array([[0.9, 0.1], [0.4, 0.6], [0.0, 0.0]])
    found = component_weights(shares, np.full(2, 0.5), np.array([0.6, 0.4, 0.0]))
    assert found[2] == 0 and abs(found.sum() - 1) < 1e-9


def test_among_equals_the_cheapest_weights_win():
    """Two identical components share as the model draws them."""
    shares = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    found = component_weights(shares, np.full(2, 0.5), np.array([0.5, 0.4, 0.1]))
    assert np.allclose(found, [0.5, 0.4, 0.1], atol=1e-4)


@given(arrays(float, (3, 2), elements=st.floats(0.01, 1)), st.floats(0.05, 0.95))
def test_no_other_weights_are_nearer(rows, first):
    shares = rows / rows.sum(1, keepdims=True)
    target = np.array([first, 1 - first])
    found = component_weights(shares, target, np.full(3, 1 / 3), pull=0.0)
    grid = np.random.default_rng(0).dirichlet(np.ones(3), 300)
    best = np.linalg.norm(grid @ shares - target, axis=1).min()
    assert np.linalg.norm(found @ shares - target) <= best + 1e-4


def test_what_it_needs():
    face = toy()
    bare = LatentMixture(2).fit(np.random.default_rng(0).normal(size=(20, 48)))
    with pytest.raises(GammaFaceError, match="needs a mixture that knows the harvest"):
        draw(face, "component-balanced", mixture=bare)
