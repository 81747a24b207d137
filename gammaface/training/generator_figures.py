"""What a classifier says of a generator: how close its faces are to real ones, and who it draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from gammaface.attributes import AttributeClassifier
from gammaface.classifiers.attribute_network import HEADS
from gammaface.images import to_unit
from gammaface.metrics.measure import Measure
from gammaface.metrics.quality import frechet_distance, kernel_distance, nearest, precision_recall
from gammaface.metrics.quality_by_group import DIMENSIONS, quality_by_group
from gammaface.metrics.representation import fairness_discrepancy, noise_floor
from gammaface.tables import Format, render
from gammaface.training.attribute_card import rate

NEIGHBOURS = 3
MATCHED = ("gender", "race")
LEFT_OUT = ("age",)  # years, not classes: young40 and young60 tell of it


def compare(
    classifier: AttributeClassifier,
    generated: torch.Tensor,
    train: torch.Tensor,
    test: torch.Tensor,
    *,
    named: str = "attributes",
    seed: int = 0,
) -> dict:
    """Generated faces against unseen real ones, and training faces against the same.

    The second comparison is what a perfect model would reach. All sets have the same n.

    Parameters
    ----------
    generated : float tensor of shape (n, 3, H, H)
        In [-1, 1].
    train, test : uint8 tensors of shape (., 3, H, H)
        Of which as many are drawn at random as the smallest set holds.
    named : str
        What the classifier is called; by default as the bundled one is.

    Returns
    -------
    dict
        ``extractor``, ``n``, ``closeness`` (a row per side), ``group_matched`` (rows by
        attribute and group) and ``people`` (a row per attribute and class: the share among
        generated and among training faces, as the classifier sees both).
    """
    n = min(len(generated), len(train), len(test))
    rng = np.random.default_rng(seed)
    sides = {
        "generated": generated[:n],
        "train": to_unit(train[np.sort(rng.permutation(len(train))[:n])]),
        "test": to_unit(test[np.sort(rng.permutation(len(test))[:n])]),
    }
    features = {side: classifier.features(images) for side, images in sides.items()}
    labels = {side: classifier.label(images) for side, images in sides.items()}
    return {
        "extractor": f"{named} ({classifier.hash[:12]})",
        "dimensions": DIMENSIONS,
        "n": n,
        "closeness": [
            {"side": side} | closeness(features[side], features["test"], seed=seed)
            for side in ("generated", "train")
        ],
        "group_matched": _matched(features, labels, seed=seed),
        "people": people(labels["generated"], labels["train"]).to_dict(orient="records"),
        "evenness": evenness(labels["generated"]).to_dict(orient="records"),
    }


def closeness(features: np.ndarray, real: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """Distances, precision and recall (k = 3) of features (n, d) to real ones (n, d)."""
    precision, recall = precision_recall(features, real, k=NEIGHBOURS)
    return {
        "precision": float(precision),
        "recall": float(recall),
        "frechet": float(frechet_distance(features, real, dimensions=min(DIMENSIONS, real.shape[1]))),
        "kernel": float(kernel_distance(features, real, seed=seed)),
        "nearest": float(np.median(nearest(features, real)[0])),
    }


def _matched(features: dict, labels: dict[str, pd.DataFrame], *, seed: int) -> list[dict]:
    rows = []
    for side in ("generated", "train"):
        for attribute in MATCHED:
            table = quality_by_group(
                features[side],
                labels[side][attribute].astype(str),
                features["test"],
                labels["test"][attribute].astype(str),
                kind="kernel",
                seed=seed,
            )
            table = table.replace({np.nan: None})
            rows += [{"side": side, "attribute": attribute} | row for row in table.to_dict(orient="records")]
    return rows


def people(generated: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Share of every class among generated faces, with its interval, and among training faces."""
    rows = []
    for name, classes in HEADS.items():
        if name in LEFT_OUT:
            continue
        doubt = float(generated[f"{name}_uncertain"].mean())
        for word in classes:
            rows.append(
                {"attribute": name, "class": word}
                | rate((generated[name] == word).to_numpy())
                | {"train": float((train[name] == word).mean()), "uncertain": doubt}
            )
    return pd.DataFrame(rows)


def evenness(labels: pd.DataFrame) -> pd.DataFrame:
    """Fairness discrepancy of every attribute beside the noise floor of an even sampler."""
    rows = []
    for name, classes in HEADS.items():
        if name in LEFT_OUT:
            continue
        codes = pd.Categorical(labels[name], categories=classes).codes
        value: Measure = fairness_discrepancy(codes, len(classes))
        floor = noise_floor(len(classes), len(codes))
        rows.append({"attribute": name, "fd": float(value), "noise_floor": float(floor), "n": len(codes)})
    return pd.DataFrame(rows)


def as_markdown(numbers: dict) -> str:
    """The figures of `compare` as sections of a model card."""
    sides = pd.DataFrame(numbers["closeness"])
    sides["side"] = sides["side"].map(
        {"generated": "generated against test", "train": "train against test (what to reach)"}
    )
    matched = pd.DataFrame(numbers["group_matched"])
    matched = matched[matched["group"] == "mean over groups"].drop(columns="group")
    drawn = pd.DataFrame(numbers["people"])
    parts = [
        "## How close to real faces?",
        f"Features of the classifier {numbers['extractor']}; n = {numbers['n']:,} on each side;"
        f" Fréchet distance on {numbers['dimensions']} principal components; k = {NEIGHBOURS}. It is no FID:"
        " only Inception's own weights make one. Where the classifier was trained on the training faces,"
        " as the bundled one was, it may flatter the second row.",
        render(sides, Format.md),
        "Kernel distance within each perceived group, mean over groups, with 95% intervals (shares"
        " that differ cannot move it):",
        render(matched, Format.md),
        "## Who it draws",
        f"Perceived attributes as that classifier names them, with 95% Wilson intervals, n ="
        f" {numbers['n']:,} unselected images; `train` is the same classifier's answer on training"
        " faces. They are no identities, and the classifier errs more often for some groups.",
        render(drawn, Format.md),
        "Fairness discrepancy (distance of the shares from even ones) beside the noise floor of a"
        " perfectly even sampler at this n:",
        render(pd.DataFrame(numbers["evenness"]), Format.md),
    ]
    return "\n\n".join(parts) + "\n"
