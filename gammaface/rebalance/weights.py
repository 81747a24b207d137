"""A weight for each training example, so that a biased set counts as an even one."""

from __future__ import annotations

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.metrics import class_shares, importance_weights
from gammaface.strategies import Target

FOLDS = 5
LARGEST = 50.0  # of a density ratio; larger ones are cut, or one example would lead all others


def class_weights(labels: np.ndarray, target: Target) -> np.ndarray:
    """w(x) = (1/K) / p_bias(C(x)) of each example, (n,). Source: GAN rebalancing, eq. 5.

    Parameters
    ----------
    labels : integer array of shape (n,)
        Group of each example.

    Raises
    ------
    GammaFaceError
        For a group without examples, whose weight would be infinite.
    """
    shares = class_shares(labels, len(target.shares))
    check_groups(np.bincount(labels, minlength=len(shares)), target)
    return importance_weights(shares)[labels]


def density_ratio(biased: np.ndarray, reference: np.ndarray, *, seed: int = 0) -> np.ndarray:
    r"""Weights from a classifier that tells a reference set from the biased one, (n,).

    .. math:: w(x) = c(x) / (1 - c(x))

    c is a logistic regression on features, both sets counting alike; each example is judged
    by one that was trained without it (5 folds). Cut at 50, mean 1. Source: Choi et al. 2020,
    eq. 4.

    Parameters
    ----------
    biased, reference : arrays of shape (n, d) and (m, d)
        Features.

    Raises
    ------
    GammaFaceError
        For fewer than 10 examples in either.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if min(len(biased), len(reference)) < 2 * FOLDS:
        raise GammaFaceError(
            f"{len(biased)} biased and {len(reference)} reference images are too few to tell apart",
            fix=f"Give {2 * FOLDS} or more of each.",
        )
    x = np.concatenate([biased, reference]).astype(np.float64)
    y = np.repeat([0, 1], [len(biased), len(reference)])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    c = cross_val_predict(model, x, y, cv=folds, method="predict_proba")[: len(biased), 1]
    ratio = np.minimum(c / np.maximum(1 - c, 1e-12), LARGEST)
    return ratio / ratio.mean()


def check_groups(counts: np.ndarray, target: Target) -> None:
    """Refuse data in which a group of the target is empty, in words."""
    empty = [name for name, n in zip(target.names, counts, strict=True) if not n]
    if empty:
        raise GammaFaceError(
            f"the training data have nobody in the group {'; '.join(empty)}",
            fix="Give data that have some, or a coarser attribute.",
        )
