"""What a method is given to train a classifier from, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from gammaface.baselines.mixing import Mix
from gammaface.errors import GammaFaceError


@dataclass(frozen=True)
class Examples:
    """Labelled pictures.

    Attributes
    ----------
    images : uint8 tensor of shape (n, 3, H, H)
    y : integer array of shape (n,)
        Class numbers of the target.
    protected : integer array of shape (n, attributes)
        Class numbers of every protected attribute.
    codes : float array of shape (n, d), optional
        Where the pictures lie in a `CodeSpace`, for those who have asked before.
    """

    images: torch.Tensor
    y: np.ndarray
    protected: np.ndarray
    codes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: np.ndarray) -> Examples:
        """The examples of these row numbers, repeated where a number is."""
        codes = None if self.codes is None else self.codes[rows]
        return Examples(self.images[torch.from_numpy(rows)], self.y[rows], self.protected[rows], codes)

    def cells(self, levels: Sequence[int]) -> np.ndarray:
        """Joint protected group of each row, 0 to prod(levels) - 1."""
        return np.ravel_multi_index(tuple(self.protected.T), tuple(levels))


def join(parts: Sequence[Examples]) -> Examples:
    """Examples one after the other, without their codes."""
    return Examples(
        torch.cat([part.images for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.protected for part in parts]),
    )


@dataclass(frozen=True)
class CodeSpace:
    """Where pictures can be edited along straight lines.

    Attributes
    ----------
    encode : callable
        uint8 images (n, 3, H, H) -> codes (n, d).
    decode : callable
        The way back.
    """

    encode: Callable[[torch.Tensor], np.ndarray]
    decode: Callable[[np.ndarray], torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """How every classifier of a study is trained, whatever the method.

    ``images`` is the budget: pictures shown to the network at most. Training ends before
    that when ``patience`` validations in a row, ``validate_every`` pictures apart, were no
    better than the best one, whose weights are kept.
    """

    backbone: str = "compact"
    resolution: int = 64
    images: int = 100_000
    batch_size: int = 64
    learning_rate: float = 1e-4
    validate_every: int = 5_000
    patience: int = 4
    augmentation: str = "faces"
    device: str = "cpu"


@dataclass(frozen=True)
class Trained:
    """A trained classifier, (n, 3, H, H) in [-1, 1] -> logits, and what went into it."""

    network: torch.nn.Module
    facts: dict


@dataclass(frozen=True)
class Problem:
    """One cell's data: the same for every method of a task and seed.

    Attributes
    ----------
    originals, validation : Examples
        Real faces to train on, and to stop by.
    n_classes : int
    levels : tuple of int
        Number of classes of each protected attribute.
    recipe : Recipe
    seed : int
        Of the network's weights, the batches and every draw.
    generated : Examples, optional
        Generated faces with pseudo-labels, more than a mix needs.
    mix : Mix
        How originals and generated faces go together.
    codes : CodeSpace, optional
        For methods that edit pictures.
    plain : callable, optional
        Gives the baseline trained on this problem, for methods that begin with it; without it
        they train their own.
    """

    originals: Examples
    validation: Examples
    n_classes: int
    levels: tuple[int, ...]
    recipe: Recipe
    seed: int = 0
    generated: Examples | None = None
    mix: Mix = field(default_factory=Mix)
    codes: CodeSpace | None = None
    plain: Callable[[], Trained] | None = None

    @property
    def n_groups(self) -> int:
        return int(np.prod(self.levels))

    def strata(self, examples: Examples) -> np.ndarray:
        """Joint (class, protected group) cell of each row."""
        return examples.y * self.n_groups + examples.cells(self.levels)

    def need(self, part: str):
        """`generated` or `codes`, which a method cannot do without."""
        found = getattr(self, part)
        if found is None or (part == "generated" and not len(found)):
            raise GammaFaceError(
                f"this method needs {_NEEDS[part]}", fix="Give --generated NAME=FOLDER and --model."
            )
        return found


_NEEDS = {
    "generated": "generated pictures with labels",
    "codes": "a space to edit pictures in: a generator with an autoencoder",
}
