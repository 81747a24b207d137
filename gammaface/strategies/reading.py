"""Linear readers of codes: calibrated probabilities of an attribute, learned from a pilot."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from gammaface.errors import GammaFaceError

FOLDS = 4
STRENGTHS = (1e-4, 1e-2, 1.0)  # inverse regularisation; codes have more dimensions than a pilot rows


@dataclass(frozen=True)
class LinearReader:
    """Reads one attribute from codes.

    ``accuracy`` is that of the predictions out of fold, in [0, 1]; ``probabilities`` are
    calibrated on them, so that they mean what they say on draws not seen before.
    """

    probe: Pipeline
    calibration: LogisticRegression
    kept: np.ndarray  # class numbers that the pilot had
    classes: int
    accuracy: float

    def probabilities(self, codes: np.ndarray) -> np.ndarray:
        """(n, classes), rows adding up to 1; 0 for a class that the pilot did not have."""
        found = np.zeros((len(codes), self.classes))
        found[:, self.kept] = self.calibration.predict_proba(_log(self.probe.predict_proba(codes)))
        return found


def fit_reader(
    codes: np.ndarray, labels: np.ndarray, words: Sequence[str], wanted: np.ndarray, *, attribute: str
) -> LinearReader:
    """Logistic regression on standardised codes, regularised and calibrated out of fold.

    Parameters
    ----------
    codes : array of shape (p, d)
    labels : array of shape (p,)
        Class numbers.
    words : sequence of str
        The classes.
    wanted : bool array of shape (classes,)
        Classes that must be readable; others are left out when they are rare.

    Raises
    ------
    GammaFaceError
        When a wanted class has fewer than `FOLDS` images.
    """
    counts = np.bincount(labels, minlength=len(words))
    kept = np.flatnonzero(counts >= FOLDS)
    for number in np.flatnonzero(wanted):
        if number not in kept:
            raise GammaFaceError(
                f"the pilot of {len(labels)} images has {counts[number]} of {attribute}:"
                f" {words[number]}, {FOLDS} are needed",
                fix="Draw a larger pilot, or use the strategy quota.",
            )
    if len(kept) < 2:
        raise GammaFaceError(
            f"every image of the pilot is {attribute}: {words[kept[0]]}",
            fix="Draw a larger pilot, or choose another attribute.",
        )
    rows = np.isin(labels, kept)
    codes, labels = codes[rows], np.searchsorted(kept, labels[rows])
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    best, outside = None, None
    with warnings.catch_warnings():
        # A fit cut short is judged like any other: by its predictions out of fold.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for strength in STRENGTHS:
            probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300))
            found = cross_val_predict(probe, codes, labels, cv=folds, method="predict_proba")
            if outside is None or log_loss(labels, found) < log_loss(labels, outside):
                best, outside = probe, found
        best.fit(codes, labels)
        calibration = LogisticRegression(C=10.0, max_iter=1000).fit(_log(outside), labels)
    accuracy = float((outside.argmax(axis=1) == labels).mean())
    return LinearReader(best, calibration, kept, len(words), accuracy)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probabilities, 1e-6, 1))
