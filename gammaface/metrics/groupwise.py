"""Accuracy and the common group-fairness figures, computed by scikit-learn and fairlearn.

Both are imported when first used: fairlearn takes seconds to load.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gammaface.metrics.encode import Coded, encode
from gammaface.metrics.measure import Measure


def accuracy(y, p) -> Measure:
    """Top-1 accuracy: the share of rows with p = y.

    Source: GAMMA-FACE, table 1, measured there on the original (real) test set.

    Parameters
    ----------
    y, p : array of shape (n,)
        True and predicted labels.

    Returns
    -------
    Measure
        A fraction in [0, 1]; the tables show percent.

    Raises
    ------
    GammaFaceError
        For missing values, unequal lengths or empty input.

    Examples
    --------
    >>> accuracy([1, 0, 1, 1], [1, 0, 0, 1])
    0.75
    """
    from sklearn.metrics import accuracy_score

    coded = encode(y, p, np.zeros(len(y), dtype=int))
    return Measure(accuracy_score(coded.y, coded.p))


def worst_group(y, p, groups) -> Measure:
    """Worst-group accuracy: min over groups of P(p = y | a).

    Source: Sagawa et al. 2020 (group DRO), with the 0-1 loss; by fairlearn's
    ``MetricFrame``.

    Parameters
    ----------
    y, p, groups
        As in `gammaface.metrics.bias`.

    Returns
    -------
    Measure
        A fraction in [0, 1].

    Raises
    ------
    GammaFaceError
        As `gammaface.metrics.bias`.

    Examples
    --------
    >>> worst_group([1, 0, 1, 0], [1, 0, 1, 1], list("aabb"))
    0.5
    """
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import accuracy_score

    coded = encode(y, p, groups)
    # As a Series, because fairlearn squeezes an array of one row to no dimension at all.
    frame = MetricFrame(
        metrics=accuracy_score,
        y_true=coded.y,
        y_pred=coded.p,
        sensitive_features=pd.Series(coded.g),
    )
    return Measure(frame.group_min(), coded.skipped())


def demographic_parity(y, p, groups) -> Measure:
    r"""Demographic-parity difference: how unequally often a class is predicted.

    .. math:: \max_t (\max_a P(\hat t|a) - \min_a P(\hat t|a))

    Source: fairlearn's ``demographic_parity_difference`` (Dwork et al. 2012), one class
    against the rest, the worst class. With two classes both give the same.

    Parameters
    ----------
    y, p, groups
        As in `gammaface.metrics.bias`.

    Returns
    -------
    Measure
        A rate difference in [0, 1]; NaN with a note for a single group.

    Raises
    ------
    GammaFaceError
        As `gammaface.metrics.bias`.

    Examples
    --------
    >>> demographic_parity([1, 0, 1, 0], [1, 1, 1, 0], list("aabb"))
    0.5
    """
    coded = encode(y, p, groups)
    every = np.ones(len(coded.y), dtype=bool)
    return Measure(_largest_difference(coded, [every]), coded.skipped())


def deo(y, p, groups) -> Measure:
    r"""Difference in equality of opportunity: \|TPR_0 - TPR_1\|, or max - min over groups.

    Source: Hardt et al. 2016, definition 2.2, as in Ramaswamy et al. 2021. The class is the
    second of two; with more classes the worst one counts. Groups without it are skipped.

    Parameters
    ----------
    y, p, groups
        As in `gammaface.metrics.bias`.

    Returns
    -------
    Measure
        A rate difference in [0, 1]; NaN with a note where fewer than two groups have
        samples of the class.

    Raises
    ------
    GammaFaceError
        As `gammaface.metrics.bias`.

    Examples
    --------
    >>> deo([1, 1, 0, 1, 1, 0], [1, 1, 0, 1, 0, 0], list("aaabbb"))
    0.5
    """
    coded = encode(y, p, groups)
    classes = [1] if len(coded.classes) == 2 else range(len(coded.classes))
    gaps = [_largest_difference(coded, [coded.y == c], predicted=[c]) for c in classes]
    return Measure(_worst(gaps), coded.skipped())


def equalised_odds(y, p, groups) -> Measure:
    r"""Equalised-odds difference: how far predictions depend on the group given the truth.

    .. math:: \max_{t, \hat t} (\max_a P(\hat t|t, a) - \min_a P(\hat t|t, a))

    Source: Hardt et al. 2016, definition 2.1; with two classes this is fairlearn's
    ``equalized_odds_difference``, save that groups without a class are skipped where
    fairlearn counts their rate as 0.

    Parameters
    ----------
    y, p, groups
        As in `gammaface.metrics.bias`.

    Returns
    -------
    Measure
        A rate difference in [0, 1]; NaN with a note where no class has two groups.

    Raises
    ------
    GammaFaceError
        As `gammaface.metrics.bias`.

    Examples
    --------
    >>> equalised_odds([1, 1, 0, 1, 1, 0], [1, 1, 0, 1, 0, 1], list("aaabbb"))
    1.0
    """
    coded = encode(y, p, groups)
    given = [coded.y == c for c in range(len(coded.classes))]
    return Measure(_largest_difference(coded, given), coded.skipped())


def _largest_difference(coded: Coded, given: list[np.ndarray], predicted=None) -> float:
    """Fairlearn's parity difference within each subset of rows, the largest one."""
    from fairlearn.metrics import demographic_parity_difference

    predicted = range(len(coded.classes)) if predicted is None else predicted
    gaps = []
    for rows in given:
        y, p, g = coded.y[rows], coded.p[rows], coded.g[rows]
        if len(np.unique(g)) > 1:
            gaps += [demographic_parity_difference(y == c, p == c, sensitive_features=g) for c in predicted]
    return _worst(gaps)


def _worst(gaps: list[float]) -> float:
    defined = [gap for gap in gaps if not np.isnan(gap)]
    return max(defined, default=float("nan"))
