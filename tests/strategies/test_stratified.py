import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammaface import GammaFaceError
from gammaface.strategies.reading import fit_reader
from gammaface.strategies.stratified import select
from tests.strategies.checks import (
    check_batch_size_does_not_matter,
    check_every_evaluation_is_counted,
    check_seeds_are_the_models_own,
    draw,
)
from tests.strategies.toy import bound, toy


@pytest.mark.parametrize("space", ["h", "x0", "x_t"])
def test_shares_reach_the_target(space):
    face = toy(shares=(0.8, 0.2))
    batch = draw(face, "stratified", n=300, pilot=300, options={"pool": 3.0, "space": space})
    assert (abs(face.drawn(batch.images) - 0.5) < bound(0.5, 300)).all()
    assert batch.notes["reader_accuracy"]["side"] > 0.95
    assert batch.notes["kept_share"] == 1 / 3
    check_seeds_are_the_models_own(face, batch)


def test_a_reader_that_errs_does_not_bias_the_shares():
    """Early in a stochastic path nobody can know the end; calibrated, shares still come out even."""
    face = toy(shares=(0.7, 0.3))
    batch = draw(
        face,
        "stratified",
        n=400,
        pilot=600,
        sampler="ddpm",
        options={"pool": 5.0, "sqrt_abar": 0.3},
    )
    assert 0.6 < batch.notes["reader_accuracy"]["side"] < 0.95
    assert (abs(face.drawn(batch.images) - 0.5) < bound(0.5, 400)).all()


def test_joint_cells_and_shares_of_ones_own():
    face = toy(("side", "level"), (0.5, 0.2, 0.2, 0.1))
    wanted = np.array([0.1, 0.2, 0.3, 0.4])
    batch = draw(face, "stratified", n=200, target=face.target(wanted), pilot=300, options={"pool": 6.0})
    assert (abs(face.drawn(batch.images) - wanted) < bound(wanted, 200)).all()


def test_a_pool_too_small_says_so():
    """Without a pool there is nothing to choose from: plain shares, predicted as such."""
    face = toy(shares=(0.8, 0.2))
    batch = draw(face, "stratified", n=300, pilot=300, options={"pool": 1.0})
    assert (abs(face.drawn(batch.images) - face.shares) < bound(face.shares, 300)).all()
    assert abs(batch.notes["predicted_shares"]["left"] - 0.8) < bound(0.8, 300)


def test_invariance_and_count():
    face = toy()
    check_batch_size_does_not_matter(face, "stratified", n=20, pilot=60)
    batch = check_every_evaluation_is_counted(face, "stratified", n=10, pilot=30, options={"pool": 2.5})
    cut = batch.evaluations - 30 * 12 - 10 * 12  # what the 15 draws that were left out cost
    assert batch.notes["draws"] == 25 and cut % 15 == 0 and 0 < cut // 15 < 12


def test_a_rare_group_is_named():
    face = toy(("colour",), (0.6, 0.3999, 0.0001))
    with pytest.raises(GammaFaceError, match="pilot of 60 images has 0 of colour: blue, 4 are needed"):
        draw(face, "stratified", pilot=60)
    two = face.target({"red": 0.5, "green": 0.5})
    batch = draw(face, "stratified", n=100, target=two, pilot=60)
    assert abs(face.drawn(batch.images)[0] - 0.5) < bound(0.5, 100)


def test_one_class_alone_cannot_be_read():
    codes, labels = np.zeros((20, 3)), np.zeros(20, int)
    with pytest.raises(GammaFaceError, match="every image of the pilot is side: left"):
        fit_reader(codes, labels, ("left", "right"), np.array([True, False]), attribute="side")


def test_readers_are_calibrated():
    """Log-odds of two Gaussians are known: the reader's must be near them, on new codes."""
    rng = np.random.default_rng(0)
    labels = (rng.random(1200) < 0.3).astype(int)
    codes = rng.normal(size=(1200, 60))
    codes[:, 0] += 1.5 * labels
    reader = fit_reader(codes[:600], labels[:600], ("a", "b"), np.ones(2, bool), attribute="x")
    found = reader.probabilities(codes[600:])[:, 1]
    true = 1 / (1 + np.exp(-(1.5 * codes[600:, 0] - 1.5**2 / 2 + np.log(0.3 / 0.7))))
    assert abs(found.mean() - true.mean()) < 0.04
    for low, high in [(0.0, 0.2), (0.2, 0.6), (0.6, 1.0)]:
        inside = (found >= low) & (found < high)
        rate = labels[600:][inside].mean()
        assert abs(found[inside].mean() - rate) < 3 * np.sqrt(0.25 / inside.sum()) + 0.03


@given(st.integers(0, 10_000), st.integers(2, 4))
def test_the_subset_meets_the_quota_when_it_can(seed, cells):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(cells, 0.5), 120)
    quota = np.full(cells, 6)
    rows = select(probabilities, quota, rng.random(120))
    assert len(rows) == len(set(rows.tolist())) == quota.sum()
    assert abs(probabilities[rows].sum(0) - quota).max() < 1.5


def test_sure_draws_are_not_preferred_among_equals():
    """Where the quota is met anyhow, tickets decide, so that a group keeps its variety."""
    probabilities = np.array([[0.9, 0.1], [0.1, 0.9]] * 40 + [[0.6, 0.4], [0.4, 0.6]] * 40)
    kept = select(probabilities, np.array([40, 40]), np.random.default_rng(0).random(160))
    assert abs((kept >= 80).mean() - 0.5) < bound(0.5, 80)
