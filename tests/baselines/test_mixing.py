import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammaface import GammaFaceError
from gammaface.baselines.mixing import Mix, draw_even, draw_spread, share_out

few = settings(max_examples=50, deadline=None)


@few
@given(st.integers(0, 20000), st.integers(0, 100))
def test_a_fixed_total_stays_fixed(n, percent):
    originals, generated = Mix(percent / 100).sizes(n)
    assert originals >= 0 and generated >= 0 and originals + generated == n
    assert abs(generated - n * percent / 100) <= 0.5


@few
@given(st.integers(1, 20000), st.integers(0, 99))
def test_an_additive_mix_keeps_all_originals_and_the_share(n, percent):
    originals, generated = Mix(percent / 100, "additive").sizes(n)
    assert originals == n
    assert abs(generated - percent / 100 * (n + generated)) <= 0.5


@pytest.mark.parametrize("bad", [(-0.1, "fixed"), (1.01, "fixed"), (1.0, "additive"), (0.5, "both")])
def test_bad_mixes_are_refused(bad):
    with pytest.raises(GammaFaceError):
        Mix(*bad)


@few
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.data())
def test_even_draws(labels, data):
    labels = np.array(labels)
    n = data.draw(st.integers(0, len(labels)))
    rows = draw_even(labels, n, rng=np.random.default_rng(0))
    assert len(rows) == n == len(set(rows.tolist()))
    there, got = np.bincount(labels, minlength=5), np.bincount(labels[rows], minlength=5)
    for c in range(5):  # a class below another one has given all it has
        assert (got[c] >= got - 1).all() or got[c] == there[c]


def test_more_than_there_are_cannot_be_drawn():
    with pytest.raises(GammaFaceError, match="5 of 3"):
        draw_even(np.zeros(3, int), 5, rng=np.random.default_rng(0))


@few
@given(st.integers(1, 50), st.integers(0, 200))
def test_spread_draws_repeat_as_little_as_can_be(available, n):
    rows = draw_spread(available, n, rng=np.random.default_rng(0))
    counts = np.bincount(rows, minlength=available)
    assert len(rows) == n and counts.max() - counts.min() <= 1


@few
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30)), min_size=1, max_size=8),
    st.floats(0, 1),
)
def test_the_budget_goes_where_the_gaps_are(cells, part):
    gaps, available = np.array([g for g, _ in cells]), np.array([a for _, a in cells])
    budget = int(part * available.sum())
    given_ = share_out(gaps, available, budget)
    assert given_.sum() == budget and (given_ >= 0).all() and (given_ <= available).all()
    for could in np.flatnonzero(given_ < available):  # a larger gap with room has not got less
        assert (given_[gaps < gaps[could]] <= given_[could] + 1).all()
    if (given_[(gaps > 0)] < available[gaps > 0]).any():
        assert not given_[gaps == 0].any()


def test_more_than_the_pool_is_refused():
    with pytest.raises(GammaFaceError, match="7 examples were asked for, 4 are there"):
        share_out(np.array([1, 1]), np.array([2, 2]), 7)
