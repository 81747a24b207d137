"""Intervals over few seeds hold what they should."""

import numpy as np
import pytest

from gammaface.downstream.seed_noise import SeedNoise


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_seeds_have_the_coverage_of_students_t(n):
    rng, held = np.random.default_rng(0), 0
    for trial in range(400):
        figures = rng.normal(size=n)  # of the seeds; their true mean is 0, the test set has no noise
        drawn = SeedNoise(range(n), resamples=500, seed=trial).mean(
            np.repeat(figures[:, None], 500, 1), list(range(n))
        )
        low, high = np.quantile(drawn, [0.025, 0.975])
        held += low <= 0 <= high
    assert 0.91 <= held / 400 <= 0.98


def test_weights_are_those_of_a_mean_and_pair_the_arms():
    noise = SeedNoise({4, 0, 7}, resamples=200, seed=1)
    assert noise.weights([0, 4, 7]).sum(axis=0) == pytest.approx(1)
    assert (noise.weights([4]) == 1).all()
    values = np.random.default_rng(0).normal(size=(3, 200))
    apart = noise.mean(values + 1, [0, 4, 7]) - noise.mean(values, [0, 4, 7])
    assert apart == pytest.approx(1), "training's noise cancels where it is the same"


def test_an_undefined_figure_takes_the_others_mean():
    noise = SeedNoise(range(3), resamples=4, seed=0)
    values = np.array([[1.0, np.nan, np.nan, 2.0], [1.0, 3.0, np.nan, 2.0], [1.0, 3.0, np.nan, 2.0]])
    found = noise.mean(values, [0, 1, 2])
    assert found[[0, 1, 3]] == pytest.approx([1, 3, 2]) and np.isnan(found[2])
