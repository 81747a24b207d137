"""Degenerate input: a defined value, or NaN with a reason in words."""

import numpy as np
import pandas as pd
import pytest

from gammaface import GammaFaceError, metrics
from gammaface.metrics.bias import NO_BIAS

Y, P, G = [1, 1, 0, 0], [1, 0, 0, 1], list("aabb")


def test_missing_cells_are_skipped_and_counted():
    y, p, g = [1, 1, 0, 0, 1, 1], [1, 1, 0, 1, 1, 0], list("aaaabb")
    value = metrics.bias(y, p, g)
    assert value == pytest.approx(0.5)  # class 1 alone: 1.0 against 0.5
    assert "1 of 4 group-class cells have no samples" in value.note
    assert metrics.deo(y, p, g) == pytest.approx(0.5)
    assert metrics.equalised_odds(y, p, g) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "metric", [metrics.bias, metrics.deo, metrics.demographic_parity, metrics.equalised_odds]
)
def test_one_group_has_no_gap(metric):
    value = metric(Y, P, ["a"] * 4)
    assert np.isnan(value)
    assert "only one group" in value.note


def test_disjoint_classes_have_no_bias():
    value = metrics.bias([1, 1, 0, 0], [1, 1, 0, 0], G)
    assert np.isnan(value)
    assert "2 of 4" in value.note


def test_single_class_test():
    y, p = [0, 0, 0, 0], [0, 0, 0, 1]
    assert metrics.bias(y, p, G) == pytest.approx(0.5)
    positive = metrics.bias(y, p, G, tpr="positive")
    assert np.isnan(positive) and positive.note
    assert np.isnan(metrics.deo(y, p, G))
    ba = metrics.ba_directional(y, p, G)
    assert ba == 0 and "2 of 4 cells skipped" in ba.note


def test_printed_ratio_of_a_class_never_predicted():
    value = metrics.ba_eq14_printed([1, 0, 1, 0], [1, 1, 1, 0], G)
    assert np.isnan(value)
    assert "P_hat = 0 in 1 cells (first: class 0 in a)" in value.note


def test_empty_groups_are_named():
    groups = pd.Categorical(G, categories=["a", "b", "c"])
    assert "empty groups skipped: c" in metrics.bias(Y, P, groups).note
    frame = pd.DataFrame({"age": list("oooy"), "sex": list("ffmm")})
    assert "empty groups skipped: age=y, sex=f" in metrics.bias(Y, P, frame).note


def test_joint_cells_of_a_frame():
    frame = pd.DataFrame({"age": list("ooyy") * 5, "sex": list("fmfm") * 5})
    y, p = [1, 0, 1, 1] * 5, [1, 0, 0, 1] * 5
    joint = [a + b for a, b in frame.to_numpy()]
    assert metrics.bias(y, p, frame) == metrics.bias(y, p, joint)


def test_labels_in_words():
    words = np.array(["no", "yes"])
    for tpr in ("per_class", "positive", "micro"):  # all of a is right, all of b is wrong
        assert metrics.bias(words[Y], words[P], list("abab"), tpr=tpr) == 1, tpr


def test_bpc_without_bias():
    assert metrics.bpc(0, 0.1, 0.9, 0.9).note == NO_BIAS
    assert np.isnan(metrics.bpc(0, 0.1, 0.9, 0.9))
    assert "first rate is 0" in metrics.bpc(0.1, 0.1, 0, 0.9).note
    with pytest.raises(GammaFaceError, match="BPC needs values of 0 or more"):
        metrics.bpc(-0.1, 0.1, 0.9, 0.9)


def test_kl_of_nan_and_small_cells():
    rng = np.random.default_rng(0)
    scores, y, g = rng.random(80), [1] * 80, [0] * 50 + [1] * 30
    assert metrics.kl_divergence(scores, y, g) > 0
    assert "cells have under 31 samples" in metrics.kl_divergence(scores, y, g, min_n=31).note
    scores[3] = np.nan
    value = metrics.kl_divergence(scores, y, g)
    assert np.isnan(value) and "1 scores are NaN" in value.note


def test_kl_of_many_classes_uses_the_own_column():
    rng = np.random.default_rng(0)
    y, g = rng.integers(0, 3, 400), rng.integers(0, 2, 400)
    scores = rng.dirichlet(np.ones(3), 400)
    per_class = [metrics.kl_divergence(scores[y == c, c], [1] * (y == c).sum(), g[y == c]) for c in range(3)]
    assert metrics.kl_divergence(scores, y, g) == pytest.approx(np.mean(per_class))
    named = pd.DataFrame(scores[:, ::-1], columns=["2", "1", "0"])
    assert metrics.kl_divergence(named, y, g) == pytest.approx(np.mean(per_class))
    # A class that the test set lacks leaves the other columns where they are.
    two = y < 2
    assert metrics.kl_divergence(scores[two], y[two], g[two]) == pytest.approx(np.mean(per_class[:2]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.bias([], [], []), "y is empty"),
        (lambda: metrics.bias(Y, P[:3], G), "p has 3 rows where y has 4"),
        (lambda: metrics.bias(Y, P, G[:3]), "groups has 3 rows where y has 4"),
        (lambda: metrics.bias([1, np.nan, 0, 0], P, G), "y has 1 missing values"),
        (lambda: metrics.bias(Y, P, ["a", None, "b", "b"]), "groups has 1 missing values"),
        (lambda: metrics.bias(Y, list("abcd"), G), "different kinds of labels"),
        (lambda: metrics.bias([Y], P, G), "y must have one dimension"),
        (lambda: metrics.bias(Y, P, pd.DataFrame(index=range(4))), "groups has no columns"),
        (lambda: metrics.bias(Y, P, G, tpr="max"), "tpr='max' is not known"),
        (lambda: metrics.bias(Y, P, G, mode="max"), "mode='max' is not known"),
        (lambda: metrics.bias(Y, P, G, weights="max"), "weights='max' is not known"),
        (lambda: metrics.bias([1, 2, 3, 3], P, G, tpr="positive"), "needs two classes"),
        (lambda: metrics.bias_from_rates([0.1, 0.2], [1]), "do not match"),
        (lambda: metrics.ba_directional(Y, P, G, y_train=Y), "go together"),
        (lambda: metrics.ba_eq14_printed(Y, P, G, target=7), "target 7 is not a class"),
        (lambda: metrics.kl_divergence([0, 0.5, 1, 1.2], Y, G), "must lie in"),
        (lambda: metrics.kl_divergence([0.5] * 3, Y, G), "scores has 3 rows"),
        (lambda: metrics.kl_divergence([0.5] * 4, [1, 2, 3, 1], G), "one column per class"),
        (
            lambda: metrics.kl_divergence(pd.DataFrame({"x": [0.5] * 4}), Y, G),
            "no column for class 0, 1",
        ),
        (lambda: metrics.kl_divergence([0.5] * 4, Y, G, bins=0), "bins=0"),
        (lambda: metrics.kl_divergence([0.5] * 4, Y, G, variant="x"), "variant='x' is not known"),
    ],
)
def test_refused(call, message):
    with pytest.raises(GammaFaceError, match=message):
        call()
