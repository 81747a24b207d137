"""Linear probes: how much of an attribute a space holds, whatever a mixture makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gammaface.errors import GammaFaceError
from gammaface.studies.components import as_classes, check_beside


def linear_probe(
    codes: np.ndarray, attributes: pd.DataFrame, *, folds: int = 5, seed: int = 0, max_iter: int = 1000
) -> pd.DataFrame:
    """How well a straight boundary reads each attribute from the codes.

    Logistic regression on standardised codes (scikit-learn), predicted out of fold.

    Parameters
    ----------
    codes : numpy.ndarray
        (n, d).
    attributes : pandas.DataFrame
        As :func:`association`; values with fewer than `folds` rows are left out.

    Returns
    -------
    pandas.DataFrame
        ``attribute, classes, n, accuracy, low, high, balanced_accuracy, majority``:
        Wilson's 95% interval of the accuracy; ``majority`` is what always naming the
        commonest value scores. NaN where fewer than two values are left.

    Raises
    ------
    GammaFaceError
        Lengths that differ, no attribute, fewer than 2 folds.
    """
    check_beside(codes, attributes)
    if folds < 2:
        raise GammaFaceError(f"{folds} folds", fix="Give 2 or more.")
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    table = []
    for name in attributes:
        kept, labels, _ = as_classes(attributes[name])
        common = np.bincount(labels, minlength=1)[labels] >= folds
        z, labels = codes[kept[common]], labels[common]
        row = {"attribute": name, "classes": len(np.unique(labels)), "n": len(labels)}
        row |= dict.fromkeys(("accuracy", "low", "high", "balanced_accuracy", "majority"), np.nan)
        if row["classes"] > 1:
            probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=max_iter))
            predicted = cross_val_predict(probe, z, labels, cv=splitter)
            right = int((predicted == labels).sum())
            interval = binomtest(right, len(labels)).proportion_ci(method="wilson")
            row |= {"accuracy": right / len(labels), "low": interval.low, "high": interval.high}
            row["balanced_accuracy"] = float(balanced_accuracy_score(labels, predicted))
            row["majority"] = float(np.bincount(labels).max() / len(labels))
        table.append(row)
    return pd.DataFrame(table)
