"""How many originals, how many generated faces, and which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gammaface.errors import GammaFaceError

DESIGNS = ("fixed", "additive")


@dataclass(frozen=True)
class Mix:
    """Generated share of the training set, and what makes room for it.

    ``fixed`` replaces originals, so that every method trains on as many faces; ``additive``
    keeps all originals and adds to them.
    """

    share: float = 0.5
    design: str = "fixed"

    def __post_init__(self) -> None:
        if self.design not in DESIGNS:
            raise GammaFaceError(
                f"design '{self.design}' is not known", fix=f"Choose one of {', '.join(DESIGNS)}."
            )
        if not 0 <= self.share <= 1:
            raise GammaFaceError(
                f"a generated share of {100 * self.share:g}% is out of range", fix="Give 0 to 100%."
            )
        if self.design == "additive" and self.share == 1:
            raise GammaFaceError(
                "no number of generated faces beside all originals makes 100%",
                fix="Use design 'fixed' for 100%, or a lower share.",
            )

    def sizes(self, n: int) -> tuple[int, int]:
        """Originals and generated faces to train on, of n originals.

        Examples
        --------
        >>> Mix(0.3).sizes(10), Mix(0.5, "additive").sizes(10)
        ((7, 3), (10, 10))
        """
        if self.design == "additive":
            return n, round(n * self.share / (1 - self.share))
        generated = round(n * self.share)
        return n - generated, generated


def draw_even(labels: np.ndarray, n: int, *, rng: np.random.Generator) -> np.ndarray:
    """Row numbers of n examples, drawn without replacement, as even over the labels as can be.

    Raises
    ------
    GammaFaceError
        For more than there are.
    """
    if n > len(labels):
        raise GammaFaceError(f"{n} of {len(labels)} examples were asked for", fix="Ask for fewer.")
    order = rng.permutation(len(labels))
    rank = np.empty(len(labels), int)
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        rank[rows] = np.arange(len(rows))
    return np.lexsort((labels, rank))[:n]


def draw_spread(available: int, n: int, *, rng: np.random.Generator) -> np.ndarray:
    """n random row numbers of `available`; none comes k + 1 times before all came k times."""
    rounds = -(-n // available)
    return np.concatenate([np.empty(0, int), *(rng.permutation(available) for _ in range(rounds))])[:n]


def fill_gaps(counts: np.ndarray, available: np.ndarray, budget: int) -> np.ndarray:
    """How many to add to each cell so that the smallest cells rise first.

    Parameters
    ----------
    counts : integer array of shape (cells,)
        What each cell holds.
    available : integer array of shape (cells,)
        What there is to add.
    budget : int
        How many to add in all, at most ``available.sum()``.

    Returns
    -------
    integer array of shape (cells,)
        Sums to the budget. No cell that gained ends more than 1 above one that could
        have had more.

    Raises
    ------
    GammaFaceError
        For a budget that exceeds what there is.

    Examples
    --------
    >>> fill_gaps(np.array([10, 2, 6]), np.array([9, 9, 9]), 6).tolist()
    [0, 5, 1]
    """
    if budget > available.sum():
        raise GammaFaceError(
            f"{budget} examples were asked for, {available.sum()} are there", fix="Generate more."
        )

    def gained(level: int) -> np.ndarray:
        return np.clip(level - counts, 0, available)

    low, high = 0, int((counts + available).max())
    while low < high:  # the highest water level that the budget reaches in every open cell
        level = (low + high + 1) // 2
        low, high = (level, high) if gained(level).sum() <= budget else (low, level - 1)
    added = gained(low)
    open_cells = np.flatnonzero((counts + added == low) & (added < available))
    added[open_cells[: budget - added.sum()]] += 1
    return added
