"""Target: what shares of which groups a batch should have."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gammaface.errors import GammaFaceError


@dataclass(frozen=True, eq=False)
class Target:
    """Shares over the joint cells of one or more attributes.

    Cells are the row-major product of the attributes' classes: the last attribute's class
    changes fastest.

    Attributes
    ----------
    attributes : tuple of str
        Names, as the labeller knows them.
    classes : tuple of tuple of str
        The classes of each attribute, in words.
    shares : numpy.ndarray
        (cells,) float64, 0 or more, adding up to 1.

    Raises
    ------
    GammaFaceError
        No or repeated attributes, fewer than two classes, shares of another number or that
        are no shares.

    Examples
    --------
    >>> target = Target.even(("gender", "age"), {"gender": ("f", "m"), "age": ("young", "old")})
    >>> target.names
    ('f, young', 'f, old', 'm, young', 'm, old')
    >>> target.quota(6).tolist(), target.cells(6).tolist()
    ([2, 2, 1, 1], [0, 1, 2, 3, 0, 1])
    """

    attributes: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]
    shares: np.ndarray

    def __post_init__(self) -> None:
        if not self.attributes or len(set(self.attributes)) != len(self.attributes):
            raise GammaFaceError(
                f"a target over the attributes {', '.join(self.attributes) or '(none)'}",
                fix="Name one attribute or more, each once.",
            )
        if len(self.classes) != len(self.attributes) or any(len(c) < 2 for c in self.classes):
            raise GammaFaceError(
                "a target needs two classes or more for each attribute",
                fix="Give the classes of each attribute, in words.",
            )
        shares = np.asarray(self.shares, dtype=np.float64)
        cells = int(np.prod([len(c) for c in self.classes]))
        # Written so that NaN fails, too.
        if shares.shape != (cells,) or not ((shares >= 0).all() and abs(shares.sum() - 1) < 1e-6):
            raise GammaFaceError(
                f"the target's shares are not {cells} shares: {np.array2string(shares, precision=4)}",
                fix=f"Give {cells} numbers of 0 or more that add up to 1, for {'; '.join(self.names)}.",
            )
        object.__setattr__(self, "shares", shares / shares.sum())

    @classmethod
    def even(cls, attributes: Sequence[str], classes: Mapping[str, tuple[str, ...]]) -> Target:
        """The same share for every joint cell; `classes` by attribute, e.g. a labeller's."""
        chosen = chosen_classes(attributes, classes)
        cells = int(np.prod([len(c) for c in chosen]))
        return cls(tuple(attributes), chosen, np.full(cells, 1 / cells))

    @classmethod
    def of(
        cls,
        attributes: Sequence[str],
        classes: Mapping[str, tuple[str, ...]],
        shares: Mapping[str, float] | Sequence[float],
    ) -> Target:
        """Shares given in the cells' order, or by cell name (cells left out get 0)."""
        chosen = chosen_classes(attributes, classes)
        if isinstance(shares, Mapping):
            names = _names(chosen)
            unknown = [name for name in shares if name not in names]
            if unknown:
                raise GammaFaceError(
                    f"the target has no cell '{unknown[0]}'", fix=f"Choose from: {'; '.join(names)}."
                )
            shares = [shares.get(name, 0.0) for name in names]
        return cls(tuple(attributes), chosen, np.asarray(shares, dtype=np.float64))

    @property
    def names(self) -> tuple[str, ...]:
        """Each cell in words."""
        return _names(self.classes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of classes of each attribute."""
        return tuple(len(c) for c in self.classes)

    def class_of(self, cells: np.ndarray, attribute: str) -> np.ndarray:
        """The attribute's class number of each cell number."""
        return np.unravel_index(cells, self.shape)[self.attributes.index(attribute)]

    def quota(self, n: int) -> np.ndarray:
        """Images per cell among n, (cells,) int: largest remainders."""
        return largest_remainder(self.shares, n)

    def cells(self, n: int) -> np.ndarray:
        """The cell each of a run's n places waits for, (n,) int.

        Every cell has its quota, spread evenly over the places, so that any stretch of
        them has about the target's shares. It depends on n alone.
        """
        return spread(self.quota(n))


def chosen_classes(
    attributes: Sequence[str], classes: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], ...]:
    """The classes of each attribute; refuses attributes that are not known."""
    for name in attributes:
        if name not in classes:
            raise GammaFaceError(
                f"the attribute '{name}' is not known", fix=f"Choose from {', '.join(classes)}."
            )
    return tuple(tuple(classes[name]) for name in attributes)


def _names(classes: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return tuple(", ".join(words) for words in itertools.product(*classes))


def largest_remainder(shares: np.ndarray, n: int) -> np.ndarray:
    """Whole numbers that add up to n and are nearest to n * shares (Hamilton's method).

    Ties go to the first.

    Examples
    --------
    >>> largest_remainder(np.array([.5, .3, .2]), 7).tolist()
    [4, 2, 1]
    """
    # Rounded, so that 0.1 + 0.2 does not decide a tie.
    exact = np.round(np.asarray(shares, dtype=np.float64) * n, 9)
    counts = np.floor(exact).astype(int)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: n - counts.sum()]] += 1
    return counts


def spread(counts: np.ndarray) -> np.ndarray:
    """Each number k ``counts[k]`` times, evenly spread: (sum of counts,) int.

    Examples
    --------
    >>> spread(np.array([4, 2])).tolist()
    [0, 1, 0, 0, 1, 0]
    """
    numbers = np.repeat(np.arange(len(counts)), counts)
    moments = np.concatenate([(np.arange(c) + 0.5) / c for c in counts if c] or [np.empty(0)])
    return numbers[np.argsort(np.round(moments, 9), kind="stable")]
