"""Other people's implementations as oracles: fairlearn, scipy.stats.bootstrap."""

import numpy as np
import pytest
from fairlearn import metrics as fairlearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score

from gammaface import metrics
from gammaface.metrics import counts
from gammaface.metrics.encode import encode

GROUPWISE = ("worst_group", "demographic_parity", "deo", "equalised_odds")


def test_two_classes_are_fairlearns(people):
    y, p, g = people["y"], people["p"], people["groups"]
    expected = {
        "worst_group": fairlearn.MetricFrame(
            metrics=accuracy_score, y_true=y, y_pred=p, sensitive_features=g
        ).group_min(),
        "demographic_parity": fairlearn.demographic_parity_difference(y, p, sensitive_features=g),
        "deo": fairlearn.equal_opportunity_difference(y, p, sensitive_features=g),
        "equalised_odds": fairlearn.equalized_odds_difference(y, p, sensitive_features=g),
    }
    for name, value in expected.items():
        assert getattr(metrics, name)(y, p, g) == pytest.approx(value), name


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 4), groups=st.integers(1, 4))
def test_tables_agree_with_fairlearn(seed, classes, groups):
    rng = np.random.default_rng(seed)
    y, p, g = (rng.integers(0, k, 40) for k in (classes, classes, groups))
    table = encode(y, p, g).counts()
    for name in GROUPWISE:
        expected = pytest.approx(getattr(metrics, name)(y, p, g), nan_ok=True)
        assert float(getattr(counts, name)(table)) == expected, name
    assert float(counts.accuracy(table)) == pytest.approx(metrics.accuracy(y, p))


def _at(name):
    return {
        "accuracy": lambda y, p, g: 100 * metrics.accuracy(y, p),
        "bias": metrics.bias,
        "ba": lambda y, p, g: 100 * metrics.ba_directional(y, p, g),
    }[name]


@pytest.mark.parametrize("name", ["accuracy", "bias", "ba"])
def test_intervals_are_scipys(people, name):
    y, p, worse, g = (people[k] for k in ("y", "p", "worse", "groups"))
    table = metrics.audit_table(y, p, None, g, baselines={"worse": (worse, None)}, resamples=2000)
    row = table[(table.method == "method") & (table.metric == name)].iloc[0]
    measure = _at(name)
    assert row.value == pytest.approx(measure(y, p, g))
    for ends, statistic in (
        ((row.low, row.high), lambda y, p, q, g: measure(y, p, g)),
        (
            (row.difference_low, row.difference_high),
            lambda y, p, q, g: measure(y, p, g) - measure(y, q, g),
        ),
    ):
        oracle = stats.bootstrap(
            (y, p, worse, g),
            statistic,
            paired=True,
            vectorized=False,
            n_resamples=300,
            method="percentile",
            rng=np.random.default_rng(1),
        ).confidence_interval
        width = oracle.high - oracle.low
        assert ends == pytest.approx((oracle.low, oracle.high), abs=0.2 * width)


def test_resamples_are_evaluated_as_single_test_sets(people):
    """One resample through the tables is the metric of the resampled rows."""
    from gammaface.metrics.intervals import draws

    y, p, g, s = (people[k] for k in ("y", "p", "groups", "scores"))
    table = metrics.audit_table(y, p, s, g, resamples=2, seed=3).set_index("metric")
    rows = list(draws(600, resamples=2, seed=3))
    for name, measure in {
        "bias": lambda i: metrics.bias(y[i], p[i], g[i]),
        "ba_eq14_printed": lambda i: metrics.ba_eq14_printed(y[i], p[i], g[i]),
        "deo": lambda i: metrics.deo(y[i], p[i], g[i]),
        "kl": lambda i: metrics.kl_divergence(s[i], y[i], g[i]),
    }.items():
        ends = np.quantile([measure(i) for i in rows], [0.025, 0.975])
        assert table.loc[name, ["low", "high"]].tolist() == pytest.approx(ends), name


def test_princeton_resamples(people):
    y, p, g, s = (people[k] for k in ("y", "p", "groups", "scores"))
    table = metrics.audit_table(y, p, s, g, resamples=5, kl_variant="princeton")
    row = table.set_index("metric").loc["kl"]
    assert row.value == pytest.approx(metrics.kl_divergence(s, y, g, variant="princeton"))
    assert row.low < row.high
    assert row.variant.startswith("princeton")
