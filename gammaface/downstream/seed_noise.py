"""Training's noise in a mean over few seeds: resamples that are as wide as Student's t says.

Drawing S seeds with replacement understates the noise of their mean: at three seeds 95%
intervals would hold 75% of what they should, at two seeds half. Here a resample weights the
seeds instead, in the direction of a normal draw whose length makes the mean of S figures
vary as s t / sqrt(S) does, t being Student's with S - 1 degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gammaface.metrics import counts


class SeedNoise:
    """The same weights of the seeds for every arm and metric, so that differences are paired.

    Parameters
    ----------
    seeds : sequence of int
        Every seed of a study's task.
    resamples, seed : int
        Number of resamples, and what their draws depend on.
    """

    def __init__(self, seeds: Sequence[int], *, resamples: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self._normal = {s: rng.standard_normal(resamples) for s in sorted(seeds)}
        self._squares = rng.standard_normal((max(len(self._normal) - 1, 1), resamples)) ** 2

    def weights(self, seeds: Sequence[int]) -> np.ndarray:
        """Weights (S, resamples) of these seeds, each column adding up to 1; a single seed's are 1."""
        n = len(seeds)
        drawn = np.stack([self._normal[s] for s in seeds])
        if n == 1:
            return np.ones_like(drawn)
        # |a . x| of centred normal weights a is s sqrt(S - 1) times a normal draw; the chi-square
        # of S - 1 degrees turns that into Student's t.
        stretch = np.sqrt(n * self._squares[: n - 1].sum(axis=0))
        return 1 / n + (drawn - drawn.mean(axis=0)) / stretch

    def mean(self, values: np.ndarray, seeds: Sequence[int]) -> np.ndarray:
        """Weighted means over the seeds of values (S, resamples, ...); NaN where none is defined.

        A seed whose figure is undefined in a resample takes the others' mean there.
        """
        weights = self.weights(seeds)
        weights = weights.reshape(*weights.shape, *[1] * (values.ndim - 2))
        return (np.where(np.isnan(values), counts.mean_defined(values, axis=0), values) * weights).sum(0)
