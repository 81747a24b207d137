"""A classifier of toy images with features, and audits of a toy that take seconds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gammaface import balance
from gammaface.audit import Aim, AuditOptions, Method, Real, Second, run_audit
from gammaface.audit.cells import Cell, read_cell, write_cell
from gammaface.audit.reading import label_table
from tests.strategies.toy import CLASSES, toy

SIDE, BOTH = Aim(("side",)), Aim(("side", "level"))
METHODS = (
    Method("plain", "plain", n=80),
    Method("quota", "quota", n=80),
    Method("even", "component-uniform", n=80),
)


class ToyClassifier:
    """The toy's labeller; its features are the pixels."""

    hash = "toy-classifier"
    classes = CLASSES

    def __init__(self, face):
        self.labeller = face.labeller

    def probabilities(self, images):
        return self.labeller.probabilities(images)

    def features(self, images):
        return images.flatten(1).numpy()


def options(**changes) -> AuditOptions:
    asked = {"methods": METHODS, "aims": (SIDE, BOTH), "seeds": (0, 1), "n": 80, "steps": 6, "k": 2}
    small = {"harvest": 40, "model": "toy", "second_n": 30, "resamples": 4}
    return AuditOptions(**(asked | small | changes))


def real_faces(face, classifier) -> Real:
    """Draws of a seed that no method has stand in for real faces, 80 of them for training ones."""
    images = balance(face.generator, n=240, strategy="plain", steps=6, seed=7).images
    features = classifier.features(images)
    return Real(label_table(classifier, images[:160]), features[:160], features[160:])


def contrary() -> Second:
    """A second opinion that sees `side` only, and calls everybody left."""
    words = lambda images: pd.DataFrame({"side": ["left"] * len(images)})  # noqa: E731
    return Second("contrary", words, {"side": "contrary"})


def audit(out, face=None, **changes):
    """A whole audit of a toy that draws four in five to the left."""
    face = face or toy(("side", "level"), (0.4, 0.4, 0.1, 0.1))
    classifier = ToyClassifier(face)
    beside = ("real", "second", "recalls", "workers", "report")
    given = {name: changes.pop(name) for name in beside if name in changes}
    if given.get("real"):
        given["real"] = real_faces(face, classifier)
    run = run_audit(face.generator, classifier, options(**changes), out=out, **given)
    return run, face, classifier


def labels_with(counts: dict[str, list[int]], *, sure: float = 1.0) -> pd.DataFrame:
    """A label table with this many faces of each class, and probability `sure` for it."""
    columns = {}
    for name, of_class in counts.items():
        codes, k = np.repeat(np.arange(len(of_class)), of_class), len(of_class)
        for i, word in enumerate(CLASSES[name]):
            columns[f"{name}={word}"] = np.where(codes == i, sure, (1 - sure) / (k - 1))
    return pd.DataFrame(columns).assign(ita=np.nan)


def written_cell(run, method, seed, labels, features):
    """A cell of a run with these faces, written and read back."""
    facts = {"delivered": len(labels), "evaluations": 60, "pilot_evaluations": 0, "seconds": 1.0}
    facts |= {"kept_share": 1.0, "refused": "", "incomplete": ""}
    config = {"strategy": method, "options": {}, "n": len(labels), "pilot": 0}
    place = Cell(method, "", seed)
    write_cell(run, place, config=config, facts=facts, labels=labels, features=features)
    return read_cell(run / "cells" / place.name)
