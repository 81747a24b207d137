"""Original data only: as it is, drawn evenly, or weighted evenly."""

from __future__ import annotations

import numpy as np

from gammaface.baselines.problem import Problem, Trained
from gammaface.baselines.trainer import train_on


def baseline(problem: Problem) -> Trained:
    """Train on the originals."""
    return train_on(problem, problem.originals)


def oversample(problem: Problem) -> Trained:
    """Draw batches so that every (class, protected group) cell comes equally often."""
    return train_on(problem, problem.originals, sampling=even_weights(problem.strata(problem.originals)))


def group_reweigh(problem: Problem) -> Trained:
    """Weigh each loss so that every (class, protected group) cell counts alike.

    Source: importance weights, GAN rebalancing, eq. 5, over joint cells.
    """
    return train_on(problem, problem.originals, weights=even_weights(problem.strata(problem.originals)))


def even_weights(cells: np.ndarray) -> np.ndarray:
    """A weight per row, mean 1, under which every cell that occurs has the same sum.

    Examples
    --------
    >>> even_weights(np.array([0, 0, 0, 2])).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    _, place, counts = np.unique(cells, return_inverse=True, return_counts=True)
    return len(cells) / (len(counts) * counts[place])
