"""The golden vectors of the metric definitions, each with its inputs and outputs."""

import numpy as np
import pytest

from gammaface import metrics
from gammaface.metrics import counts, divergence
from gammaface.metrics.encode import encode

RATES, SHARES = [0.9, 0.8, 0.95, 0.85], [0.4, 0.3, 0.2, 0.1]
Y = [1, 1, 1, 1, 0, 0, 0, 0] * 2
A = [0] * 8 + [1] * 8
P = [1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
BA_A = [0] * 10 + [1] * 10
BA_Y = [1] * 4 + [0] * 6 + [1] * 8 + [0] * 2
BA_P = [1] * 3 + [0] * 7 + [1] * 9 + [0]
FLAT_P = ([1] * 6 + [0] * 4) * 2


@pytest.mark.parametrize(
    ("rates", "weights", "mode", "expected"),
    [
        (RATES, SHARES, "signed", 0.0042857),
        (RATES, SHARES, "abs", 0.0871429),
        (RATES, None, "signed", 0),
        (RATES, None, "abs", 0.0833333),
        ([0.8, 0.9, 0.95, 0.85], [0.3, 0.4, 0.2, 0.1], "signed", -0.0642857),
        ([0.8, 0.9, 0.95, 0.85], [0.3, 0.4, 0.2, 0.1], "abs", 0.0871429),
    ],
)
def test_bias_of_rates(rates, weights, mode, expected):
    assert metrics.bias_from_rates(rates, weights, mode=mode) == pytest.approx(expected, abs=5e-8)


def test_largest_gap_of_rates():
    assert counts.largest_spread(np.array(RATES)[:, None]) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("tpr", "expected"), [("micro", 0), ("macro", 0), ("positive", 0.25), ("per_class", 0.25)]
)
def test_bias_of_predictions(tpr, expected):
    assert metrics.bias(Y, P, A, tpr=tpr) == pytest.approx(expected)


def test_recalls_behind_bias():
    recalls = counts.class_recalls(encode(Y, P, A).counts())
    assert recalls[:, 1].tolist() == [0.75, 0.50]
    assert recalls[:, 0].tolist() == [0.75, 1.0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.10, 0.04, 0.90, 0.92), 0.6222222),
        ((0.1, 0.12, 0.9, 0.88), -0.2222222),
        ((0.1, 0.1, 0.9, 0.9), 0),
    ],
)
def test_bpc(values, expected):
    assert metrics.bpc(*values) == pytest.approx(expected, abs=5e-8)


def test_bias_amplification():
    assert metrics.ba_directional(BA_Y, BA_P, BA_A) == pytest.approx(0.1)
    assert metrics.ba_eq14_printed(BA_Y, BA_P, BA_A) == pytest.approx(-0.396825, abs=5e-7)
    positive = metrics.ba_eq14_printed(BA_Y, BA_P, BA_A, target=1)
    assert positive == pytest.approx(-0.222222, abs=5e-7)


def test_bias_amplification_of_even_predictions():
    assert metrics.ba_directional(BA_Y, FLAT_P, BA_A) == pytest.approx(-0.2)
    assert metrics.ba_eq14_printed(BA_Y, FLAT_P, BA_A) == pytest.approx(0.416667, abs=5e-7)


def test_bias_amplification_is_exactly_0_under_independence():
    assert metrics.ba_directional([1, 0, 0] * 20, [1] * 60, [0] * 30 + [1] * 30) == 0


def _kl(a, b, **options):
    scores, groups = np.concatenate([a, b]), [0] * len(a) + [1] * len(b)
    return metrics.kl_divergence(scores, [1] * len(scores), groups, **options)


def test_kl_by_hand():
    value = _kl([0.1, 0.2, 0.3, 0.9], [0.1, 0.7, 0.8, 0.9], bins=2, sigma=0, eps=0, min_n=1)
    assert value == pytest.approx(1.098612, abs=5e-7)
    # The two histograms mirror each other, so each way is half.
    assert value / 2 == pytest.approx(0.549306, abs=5e-7)


def test_kl_defaults():
    x = (np.arange(1000) + 0.5) / 1000
    assert _kl(x**2, np.sqrt(x)) == pytest.approx(1.870382, abs=5e-7)


def test_kl_one_way_each():
    from scipy.ndimage import gaussian_filter
    from scipy.special import rel_entr

    x = (np.arange(1000) + 0.5) / 1000
    smooth = [gaussian_filter(np.histogram(s, 50, (0, 1))[0] / 1000, 1) + 1e-6 for s in (x**2, np.sqrt(x))]
    a, b = (h / h.sum() for h in smooth)
    assert rel_entr(a, b).sum() == pytest.approx(1.238925, abs=5e-7)
    assert rel_entr(b, a).sum() == pytest.approx(0.631457, abs=5e-7)


def test_kl_variants_on_halves():
    low = (np.arange(500) + 0.5) / 1000
    assert _kl(low, low + 0.5, variant="princeton") == 0.0
    assert _kl(low, low + 0.5) == pytest.approx(2 * 9.5753, abs=1e-4)


def test_histograms_are_numpys():
    scores = np.r_[np.linspace(0, 1, 51), np.random.default_rng(0).random(1000)]
    cells = divergence.histogram_cells(scores, encode([1] * 1051, [1] * 1051, [0] * 1051), bins=50)
    expected = np.histogram(scores, 50, (0, 1))[0]
    assert (np.bincount(cells, minlength=100)[50:] == expected).all()


@pytest.mark.parametrize(
    ("values", "k", "kind", "expected"),
    [
        ([0.7, 0.3], 2, "hard", 0.2828427),
        ([1.0, 0.0, 0.0, 0.0], 4, "hard", 0.8660254),
        ([0] * 6 + [1] * 4, 4, "hard", 0.519615),
        ([[0.9, 0.1], [0.6, 0.4], [0.55, 0.45], [0.2, 0.8]], 2, "soft", 0.0883883),
        ([[0.9, 0.1], [0.6, 0.4], [0.55, 0.45], [0.2, 0.8]], 2, "hard", 0.3535534),
    ],
)
def test_fairness_discrepancy(values, k, kind, expected):
    assert metrics.fairness_discrepancy(values, k, kind=kind) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(("k", "expected"), [(2, 0.0071), (6, 0.0091), (10, 0.0095)])
def test_noise_floor(k, expected):
    assert metrics.noise_floor(k, 10_000) == pytest.approx(expected, abs=5e-5)


def test_cleam_two_classes():
    corrected = metrics.cleam(0.55, (0.9, 0.8), sd=0.02, n_sets=30)
    assert corrected.shares == pytest.approx([0.5, 0.5])
    assert (corrected.low, corrected.high) == pytest.approx((0.489776, 0.510224), abs=5e-7)


def test_cleam_three_classes():
    confusion = [[0.9, 0.05, 0.1], [0.05, 0.9, 0.1], [0.05, 0.05, 0.8]]
    shares = metrics.cleam([0.5, 0.3, 0.2], confusion).shares
    assert shares == pytest.approx([0.517647, 0.282353, 0.2], abs=5e-7)


def test_importance_weights():
    weights = metrics.importance_weights([0.5, 0.3, 0.2])
    assert weights == pytest.approx([0.666667, 1.111111, 1.666667], abs=5e-7)
    assert weights @ [0.5, 0.3, 0.2] == pytest.approx(1)


def test_bias_loss():
    predicted = [0] * 5 + [1] * 2 + [2]
    assert metrics.class_shares(predicted, 3).tolist() == [0.625, 0.25, 0.125]
    assert metrics.bias_loss(predicted, 3) == pytest.approx(0.122396, abs=5e-7)
    lambdas = [0.1875, 0.375, 0.4375]
    assert metrics.bias_loss(predicted, 3, lambdas=lambdas) == pytest.approx(0.122396, abs=5e-7)
    assert metrics.bias_loss(predicted, 3, lambdas=[1] * 3) == pytest.approx(0.291667, abs=5e-7)
