"""Critic: who is in a picture, as shares of a target's groups, with a gradient for the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch

from gammaface.attributes import AttributeClassifier, fit_resolution
from gammaface.audit.book import Book, known_recalls, told_classes
from gammaface.datasets.presets import WHITE_BLACK_OTHER
from gammaface.errors import GammaFaceError
from gammaface.strategies import Labeller, Target, as_labeller
from gammaface.strategies.labelling import cell_probabilities

CHUNK = 512
LEAST = 1e-8  # probability below which a logarithm is cut off

Differentiable = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]


@dataclass(frozen=True)
class Critic:
    """A classifier that looks at the groups of a target.

    Attributes
    ----------
    classifier
        Has ``features(images) -> (n, d) array``; where it has ``of_features(features)``, too,
        which gives its probabilities, each image is looked at once.
    labeller : Labeller
    target : Target
        The groups, in even shares.
    differentiable : callable or None
        ``differentiable(images) -> {attribute: probabilities (n, classes)}`` with a gradient.
    confusion : numpy.ndarray or None
        P(answer i | group j), (K, K), where it was measured.
    hash : str
        Of the classifier's weights.
    by_features : Labeller or None
        Names the groups from features, (n, d), instead of images; for a classifier that can.
    """

    classifier: object
    labeller: Labeller
    target: Target
    differentiable: Differentiable | None
    confusion: np.ndarray | None
    hash: str
    by_features: Labeller | None = None

    @property
    def k(self) -> int:
        """Number of groups."""
        return len(self.target.shares)

    @property
    def extractor(self) -> str:
        """Whose features distances are measured in, in words."""
        return f"{type(self.classifier).__name__} ({self.hash[:12]})"

    def cells(self, images: torch.Tensor) -> np.ndarray:
        """Probability of each group, (n, K) float64, for images (n, 3, H, W) in [-1, 1]."""
        return self._cells(self.labeller, images.split(CHUNK))

    def features(self, images: torch.Tensor) -> np.ndarray:
        """(n, d) float32."""
        return np.asarray(self.classifier.features(images), dtype=np.float32)

    def look(self, images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """`cells` and `features`; the classifier sees each image once where it can."""
        features = self.features(images)
        if self.by_features is None:
            return self.cells(images), features
        return self._cells(self.by_features, np.split(features, range(CHUNK, len(features), CHUNK))), features

    def _cells(self, labeller: Labeller, parts) -> np.ndarray:
        return np.concatenate([cell_probabilities(self.target, labeller.probabilities(p)) for p in parts])

    def log_cells(self, images: torch.Tensor) -> torch.Tensor:
        """log of the groups' probabilities, (n, K), with a gradient for the images.

        Raises
        ------
        GammaFaceError
            For a classifier without gradients.
        """
        if self.differentiable is None:
            raise GammaFaceError(
                f"a {type(self.classifier).__name__} gives no gradients, which the bias loss needs",
                fix="Use the bundled classifier, or leave the rows with the bias loss out.",
            )
        read = self.differentiable(images)
        joint = images.new_ones(len(images), 1)
        for name in self.target.attributes:
            joint = (joint[:, :, None] * read[name].float()[:, None, :]).flatten(1)
        return joint.clamp_min(LEAST).log()


def critic_of(classifier, attributes: tuple[str, ...]) -> Critic:
    """A critic of even groups over attributes that a classifier names.

    Parameters
    ----------
    classifier
        An :class:`gammaface.attributes.AttributeClassifier`, a
        :class:`gammaface.rebalance.ClassClassifier`, or any labeller with ``features(images)``;
        for the bias loss also ``differentiable(images)``.

    Raises
    ------
    GammaFaceError
        For an attribute that it does not name, or a classifier without features.
    """
    labeller = as_labeller(classifier)
    classes = told_classes(labeller.classes)
    if not hasattr(classifier, "features"):
        raise GammaFaceError(
            f"a {type(classifier).__name__} has no features to measure distances in",
            fix="Give a classifier with features(images).",
        )
    target = Target.even(attributes, classes)
    book = Book(classes, {}, known_recalls(classifier, classes, getattr(classifier, "recalls", None)))
    faces = isinstance(classifier, AttributeClassifier)
    gradient = _of_faces(classifier) if faces else getattr(classifier, "differentiable", None)
    return Critic(
        classifier,
        labeller,
        target,
        gradient,
        book.confusion(target.attributes),
        getattr(classifier, "hash", ""),
        _by_features(classifier),
    )


def _by_features(classifier) -> Labeller | None:
    if not hasattr(classifier, "of_features"):
        return None
    named = {"classes": classifier.classes} if hasattr(classifier, "classes") else {}
    return as_labeller(SimpleNamespace(probabilities=classifier.of_features, **named))


def _of_faces(classifier: AttributeClassifier) -> Differentiable:
    words = dict.fromkeys(WHITE_BLACK_OTHER.values())
    groups = [[WHITE_BLACK_OTHER[race] == word for word in words] for race in WHITE_BLACK_OTHER]

    def read(images: torch.Tensor) -> dict[str, torch.Tensor]:
        fitted = fit_resolution(images.to(classifier.device), classifier.resolution)
        logits = classifier.network(fitted)
        found = {
            name: (part.float() / classifier.calibration[name].temperature).softmax(1)
            for name, part in logits.items()
        }
        found["race3"] = found["race"] @ found["race"].new_tensor(groups)
        return found

    return read
