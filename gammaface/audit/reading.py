"""Pictures as a table of numbers: what the audit keeps of a draw."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch

from gammaface.attributes import age_estimate
from gammaface.audit.book import told_classes
from gammaface.audit.second import Second
from gammaface.classifiers.attribute_network import AGE_CENTRES
from gammaface.labelling.skin import typology_angle
from gammaface.strategies import Target, as_labeller
from gammaface.strategies.labelling import cell_probabilities

SECOND = "second:"
LEAST_SIDE = 16  # pixels; the cheeks of smaller pictures are less than one
CHUNK = 512


def read_faces(classifier, images: torch.Tensor) -> tuple[pd.DataFrame, np.ndarray | None]:
    """`label_table` of images and the classifier's features (n, d), None where it has none."""
    features = classifier.features(images) if hasattr(classifier, "features") else None
    return label_table(classifier, images, features), features


def label_table(classifier, images: torch.Tensor, features: np.ndarray | None = None) -> pd.DataFrame:
    """Probability of every class of every attribute, and skin tone.

    Parameters
    ----------
    classifier
        As :func:`gammaface.strategies.as_labeller` takes it.
    images : float tensor of shape (n, 3, H, W)
        In [-1, 1].
    features : array of shape (n, d), optional
        The classifier's own of these images, which it need not compute again.

    Returns
    -------
    DataFrame
        ``<attribute>=<class>`` float32; ``age`` in years where the classifier estimates it;
        ``ita`` in degrees and ``tone`` in words, missing for pictures under 16 pixels.
    """
    if features is not None and hasattr(classifier, "of_features"):
        labeller = as_labeller(SimpleNamespace(probabilities=classifier.of_features))
        chunks = np.split(features, range(CHUNK, len(features), CHUNK))
        parts = [labeller.probabilities(part) for part in chunks]
    else:
        labeller = as_labeller(classifier)
        parts = [labeller.probabilities(part) for part in images.split(CHUNK)]
    found = {name: np.concatenate([part[name] for part in parts]) for name in labeller.classes}
    columns: dict[str, np.ndarray] = {}
    for name, words in told_classes(labeller.classes).items():
        columns |= {
            f"{name}={word}": p.astype(np.float32) for word, p in zip(words, found[name].T, strict=True)
        }
    table = pd.DataFrame(columns)
    if "age" in found and found["age"].shape[1] == len(AGE_CENTRES):
        table["age"] = age_estimate(found["age"])[0].astype(np.float32)
    table["ita"], table["tone"] = np.float32("nan"), None
    if min(images.shape[2:]) >= LEAST_SIDE:
        tones = typology_angle(images)
        table["ita"], table["tone"] = tones["ita"].astype(np.float32), tones["tone"].astype(object)
    return table


def second_table(
    second: Second | None, images: torch.Tensor, classes: Mapping[str, tuple[str, ...]], *, n: int
) -> pd.DataFrame:
    """The second opinion's class numbers of the first n images, -1 for the others.

    Places wait for their cells in an even order, so the first n stand for all.
    """
    if second is None:
        return pd.DataFrame(index=range(len(images)))
    shown = images[:n]
    answers = second.read(shown) if len(shown) else None
    columns = {}
    for name, words in classes.items():
        if name in second.by:
            codes = np.full(len(images), -1, dtype=np.int8)
            if answers is not None:
                codes[: len(shown)] = pd.Categorical(answers[name].astype(object), categories=words).codes
            columns[SECOND + name] = codes
    return pd.DataFrame(columns, index=range(len(images)))


def joint(labels: pd.DataFrame, target: Target) -> np.ndarray:
    """Probability of each of a target's joint cells, (n, K)."""
    read = {
        name: labels[[f"{name}={word}" for word in words]].to_numpy()
        for name, words in zip(target.attributes, target.classes, strict=True)
    }
    return cell_probabilities(target, read)


def second_cells(labels: pd.DataFrame, target: Target) -> np.ndarray:
    """The second opinion's cell of each image that it knows, (m,) int; m is 0 without one."""
    columns = [SECOND + name for name in target.attributes]
    if any(column not in labels for column in columns):
        return np.empty(0, dtype=np.int64)
    codes = labels[columns].fillna(-1)  # not a number: of a seed that was drawn without it
    known = codes[(codes >= 0).all(axis=1)].to_numpy(dtype=np.int64)
    return np.ravel_multi_index(known.T, target.shape)
