"""Labellers: what names the attributes of drawn images, and the cells of a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.strategies.target import Target

Probabilities = Mapping[str, np.ndarray]
"""(n, classes) float, rows adding up to 1, by attribute."""


class Labeller(Protocol):
    """Names attributes of images; what it names is how a face looks, not who it is."""

    classes: Mapping[str, tuple[str, ...]]
    """The classes of each attribute, in words."""

    def probabilities(self, images: torch.Tensor) -> Probabilities:
        """Probabilities of every attribute for images (n, 3, H, W) in [-1, 1]."""
        ...


@dataclass(frozen=True)
class Reader:
    """A labeller made of a table of classes and a function.

    Examples
    --------
    >>> light = lambda images: {"light": (images.mean((1, 2, 3)) > 0).numpy()[:, None] == [0, 1]}
    >>> Reader({"light": ("dark", "bright")}, light).probabilities(torch.ones(1, 3, 2, 2))["light"] * 1.0
    array([[0., 1.]])
    """

    classes: Mapping[str, tuple[str, ...]]
    read: Callable[[torch.Tensor], Probabilities]

    def probabilities(self, images: torch.Tensor) -> Probabilities:
        return self.read(images)


def as_labeller(source) -> Labeller:
    """A labeller as it is, or one that asks a :class:`gammaface.attributes.AttributeClassifier`.

    The classifier's heads are the attributes; ``race3`` (white, black, other: the paper's
    grouping) joins the classes of ``race``.

    Raises
    ------
    GammaFaceError
        For what is neither.
    """
    if not callable(getattr(source, "probabilities", None)):
        raise GammaFaceError(
            f"a {type(source).__name__} names no attributes",
            fix="Give load_attributes(), or an object with `classes` and `probabilities(images)`.",
        )
    if hasattr(source, "classes"):
        return source
    from gammaface.classifiers.attribute_network import HEADS
    from gammaface.datasets.presets import WHITE_BLACK_OTHER

    return coarsened(Reader(HEADS, source.probabilities), "race3", "race", WHITE_BLACK_OTHER)


def coarsened(labeller: Labeller, name: str, attribute: str, groups: Mapping[str, str]) -> Labeller:
    """A labeller with one more attribute, `name`, that joins classes of another.

    Parameters
    ----------
    groups : mapping
        The group that each class of `attribute` belongs to.

    Raises
    ------
    GammaFaceError
        When a class of `attribute` is in no group.
    """
    words = labeller.classes[attribute]
    if set(words) - set(groups):
        missing = ", ".join(sorted(set(words) - set(groups)))
        raise GammaFaceError(f"no group was given for {missing}", fix=f"Group every class of {attribute}.")
    joined = tuple(dict.fromkeys(groups[word] for word in words))
    membership = np.array([[groups[word] == group for group in joined] for word in words], dtype=float)

    def read(images: torch.Tensor) -> Probabilities:
        found = labeller.probabilities(images)
        return {**found, name: found[attribute] @ membership}

    return Reader({**labeller.classes, name: joined}, read)


def check_target(target: Target, labeller: Labeller) -> None:
    """Refuse a target over attributes or classes that the labeller does not name."""
    for attribute, words in zip(target.attributes, target.classes, strict=True):
        known = labeller.classes.get(attribute)
        if known is None:
            raise GammaFaceError(
                f"the labeller does not name the attribute '{attribute}'",
                fix=f"Choose from {', '.join(labeller.classes)}.",
            )
        if tuple(known) != words:
            raise GammaFaceError(
                f"the target's {attribute} is {', '.join(words)}, the labeller's {', '.join(known)}",
                fix="Build the target from the labeller's classes.",
            )


def cell_probabilities(target: Target, probabilities: Probabilities) -> np.ndarray:
    """Probability of each joint cell, (n, cells): the product over the attributes.

    Attributes are read by separate heads; given the image they count as independent.
    """
    joint = np.ones((len(probabilities[target.attributes[0]]), 1))
    for attribute in target.attributes:
        part = np.asarray(probabilities[attribute], dtype=np.float64)
        joint = (joint[:, :, None] * part[:, None, :]).reshape(len(part), -1)
    return joint


def cells_of(target: Target, probabilities: Probabilities) -> np.ndarray:
    """The likeliest joint cell of each image, (n,) int."""
    return cell_probabilities(target, probabilities).argmax(axis=1)
