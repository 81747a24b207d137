"""What must hold for any test set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammaface import metrics

few = settings(max_examples=30, deadline=None)
fewer = settings(few, max_examples=10)  # fairlearn takes some 10 ms a call

GROUPWISE = {
    "bias": metrics.bias,
    "micro": lambda y, p, g: metrics.bias(y, p, g, tpr="micro", weights="uniform"),
    "macro": lambda y, p, g: metrics.bias(y, p, g, tpr="macro"),
    "ba": metrics.ba_directional,
    "printed": metrics.ba_eq14_printed,
    "worst": metrics.worst_group,
    "parity": metrics.demographic_parity,
    "odds": metrics.equalised_odds,
    "deo": metrics.deo,
}


@st.composite
def predictions(draw):
    n = draw(st.integers(1, 40))
    classes, groups = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(0, classes, n), rng.integers(0, classes, n), rng.integers(0, groups, n)


def same(a, b):
    assert a == pytest.approx(b, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", GROUPWISE)
@fewer
@given(data=predictions(), seed=st.integers(0, 100))
def test_invariances(name, data, seed):
    y, p, g = data
    value = GROUPWISE[name](y, p, g)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(y))
    same(GROUPWISE[name](y[rows], p[rows], g[rows]), value)
    relabelled = rng.permutation(4)[g]
    same(GROUPWISE[name](y, p, relabelled), value)
    same(GROUPWISE[name](*(np.tile(column, 2) for column in data)), value)


@fewer
@given(data=predictions())
def test_bounds_and_reasons(data):
    y, p, g = data
    for name, metric in GROUPWISE.items():
        value = metric(y, p, g)
        assert not np.isnan(value) or value.note, name
        if name != "printed" and not np.isnan(value):
            assert (-1 if name == "ba" else 0) <= value <= 1 + 1e-12, name
    assert -1 <= np.nan_to_num(metrics.bias(y, p, g, mode="signed")) <= 1
    assert 0 <= metrics.worst_group(y, p, g) <= metrics.accuracy(y, p) + 1e-12


@few
@given(data=predictions())
def test_all_correct_is_no_bias(data):
    y, _, g = data
    assert np.nan_to_num(metrics.bias(y, y, g)) == 0
    assert np.nan_to_num(metrics.ba_directional(y, y, g)) == 0
    assert np.nan_to_num(metrics.ba_eq14_printed(y, y, g)) == 0


@few
@given(
    cells=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    shares=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    seed=st.integers(0, 100),
)
def test_ba_is_0_under_independence(cells, shares, seed):
    table = np.outer(cells, shares)
    g, y = (np.repeat(i.ravel(), table.ravel()) for i in np.indices(table.shape))
    p = np.random.default_rng(seed).integers(0, len(shares), len(y))
    assert metrics.ba_directional(y, p, g) == 0


@few
@given(counted=st.lists(st.integers(0, 20), min_size=2, max_size=6).filter(any))
def test_discrepancy_is_0_iff_even(counted):
    labels, k = np.repeat(np.arange(len(counted)), counted), len(counted)
    value = metrics.fairness_discrepancy(labels, k)
    assert (value < 1e-12) == (len(set(counted)) == 1)
    assert value <= np.sqrt(1 - 1 / k) + 1e-12
    same(metrics.fairness_discrepancy(np.eye(k)[labels], k, kind="soft"), value)


@few
@given(seed=st.integers(0, 2**32 - 1), variant=st.sampled_from(["fixed", "princeton"]))
def test_kl_is_symmetric_and_not_negative(seed, variant):
    rng = np.random.default_rng(seed)
    scores, y, g = rng.beta(2, 3, 80), rng.integers(0, 2, 80), rng.integers(0, 2, 80)

    def kl(s, t, a):
        return metrics.kl_divergence(s, t, a, min_n=1, variant=variant)

    value = kl(scores, y, g)
    assert np.isnan(value) or value >= 0
    same(kl(scores, y, 1 - g), value)
    rows = rng.permutation(80)
    same(kl(scores[rows], y[rows], g[rows]), value)
    if variant == "fixed":  # integer filtering is not proportional to the counts
        same(kl(np.tile(scores, 2), np.tile(y, 2), np.tile(g, 2)), value)


@few
@given(shares=st.lists(st.floats(0.01, 1), min_size=2, max_size=6))
def test_weights_have_mean_1(shares):
    p = np.array(shares) / sum(shares)
    assert metrics.importance_weights(p) @ p == pytest.approx(1)


@few
@given(shares=st.lists(st.floats(0.01, 1), min_size=3, max_size=3), seed=st.integers(0, 100))
def test_cleam_undoes_the_classifier(shares, seed):
    p = np.array(shares) / sum(shares)
    confusion = 0.7 * np.eye(3) + 0.3 * np.random.default_rng(seed).dirichlet(np.ones(3), 3).T
    assert metrics.cleam(confusion @ p, confusion).shares == pytest.approx(p)
