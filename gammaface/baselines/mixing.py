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


def share_out(weights: np.ndarray, available: np.ndarray, budget: int) -> np.ndarray:
    """How many of each cell, in proportion to its weight, as far as there are so many.

    Parameters
    ----------
    weights : array of shape (cells,)
        Not negative; what a full cell cannot take goes to the others in their proportion,
        to cells of weight 0 only when all others are full.
    available : integer array of shape (cells,)
        What there is of each.
    budget : int
        How many in all, at most ``available.sum()``.

    Returns
    -------
    integer array of shape (cells,)
        Sums to the budget.

    Raises
    ------
    GammaFaceError
        For a budget that exceeds what there is.

    Examples
    --------
    >>> share_out(np.array([0.2, 0.1, 0.0]), np.array([9, 9, 9]), 6).tolist()
    [4, 2, 0]
    >>> share_out(np.array([0.2, 0.1, 0.0]), np.array([3, 9, 9]), 6).tolist()
    [3, 3, 0]
    """
    if budget > available.sum():
        raise GammaFaceError(
            f"{budget} examples were asked for, {available.sum()} are there", fix="Generate more."
        )
    given = np.zeros(len(weights), dtype=np.int64)
    while (left := budget - given.sum()) > 0:
        odds = np.where(given < available, weights, 0.0)
        if not odds.any():
            odds = (given < available).astype(float)
        wanted = left * odds / odds.sum()
        more = np.floor(wanted).astype(np.int64)
        rest = np.argsort(more - wanted, kind="stable")[: left - more.sum()]  # largest remainders first
        more[rest] += 1
        given = np.minimum(given + more, available)
    return given
