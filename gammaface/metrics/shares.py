"""Shares of classes among samples, and the weights that even them out."""

from __future__ import annotations

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.metrics.counts import check_choice

KINDS = ("hard", "soft")


def class_shares(labels_or_probs, n_classes: int, *, kind: str = "hard") -> np.ndarray:
    r"""Share of each class.

    .. math:: share_d = \frac{1}{n} \sum_i 1[\arg\max_k p_{ik} = d]

    Source: GAN rebalancing, eq. 8; ``soft`` averages p_{id} itself.

    Parameters
    ----------
    labels_or_probs : array
        Integers (n,) are labels 0..K-1; floats (K,) are shares; floats (n, K) are
        probabilities per sample.
    n_classes : int
        K, at least 2; classes that never occur have share 0.
    kind : {"hard", "soft"}
        Shares of the arg max, or the mean probabilities.

    Returns
    -------
    array of shape (K,)
        Shares that add up to 1.

    Raises
    ------
    GammaFaceError
        For empty input, labels outside 0..K-1, rows that are not probabilities, or labels
        with ``kind="soft"``.

    Examples
    --------
    >>> class_shares([0, 0, 1, 0], 3).tolist()
    [0.75, 0.25, 0.0]
    """
    check_choice("kind", kind, KINDS)
    check_classes(n_classes)
    values = np.asarray(labels_or_probs)
    if values.size == 0:
        raise GammaFaceError("there are no samples", fix="Give at least one label.")
    if values.ndim == 1 and values.dtype.kind in "iub":
        if kind == "soft":
            raise GammaFaceError("labels have no soft shares", fix="Give probabilities (n, K).")
        if values.min() < 0 or values.max() >= n_classes:
            raise GammaFaceError(
                f"labels run from {values.min()} to {values.max()}",
                fix=f"Labels of {n_classes} classes are 0..{n_classes - 1}.",
            )
        return np.bincount(values.astype(int), minlength=n_classes) / len(values)
    rows = np.atleast_2d(values)
    if rows.dtype.kind not in "iubf" or rows.ndim != 2 or rows.shape[1] != n_classes:
        raise GammaFaceError(
            f"{values.dtype} values of shape {values.shape} are neither labels nor probabilities",
            fix=f"Give integers (n,), shares ({n_classes},) or probabilities (n, {n_classes}).",
        )
    # Written so that NaN fails, too; 1e-3 lets half-precision softmax rows pass.
    if not ((rows >= 0).all() and (abs(rows.sum(1) - 1) < 1e-3).all()):
        raise GammaFaceError(
            "the rows are not probabilities: 0 or more, adding up to 1", fix="Apply a softmax."
        )
    if kind == "soft" or values.ndim == 1:
        return rows.mean(0)
    return np.bincount(rows.argmax(1), minlength=n_classes) / len(rows)


def importance_weights(shares) -> np.ndarray:
    r"""Weights that make a biased data set count as an even one.

    .. math:: w(x) = \frac{1/K}{p_{bias}(C(x))}

    Source: GAN rebalancing, eq. 5.

    Parameters
    ----------
    shares : array of shape (K,)
        Share of each class in the biased data.

    Returns
    -------
    array of shape (K,)
        Weight per class, above 0, with mean 1 under ``shares``.

    Raises
    ------
    GammaFaceError
        For shares that do not add up to 1, or a class with share 0 (infinite weight).

    Examples
    --------
    >>> importance_weights([.5, .3, .2]).round(6).tolist()
    [0.666667, 1.111111, 1.666667]
    """
    p = np.asarray(shares, dtype=float)
    p = class_shares(p, p.size)
    if (p == 0).any():
        raise GammaFaceError(
            f"class {int(p.argmin())} has share 0, so its weight is infinite",
            fix="Leave the class out, or collect samples of it.",
        )
    return 1 / (len(p) * p)


def check_classes(n_classes: int) -> None:
    if n_classes < 2:
        raise GammaFaceError(f"n_classes={n_classes} is too few", fix="Give 2 or more.")
