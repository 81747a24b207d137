"""Bias, its change, and bias amplification (GAMMA-FACE, eq. 12-14)."""

from __future__ import annotations

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.metrics import counts
from gammaface.metrics.encode import Coded, encode
from gammaface.metrics.measure import Measure, join_notes

NO_BIAS = "the first Bias is 0, so no relative change is defined"
NO_RATE = "the first rate is 0, so no relative change is defined"


def bias(y, p, groups, *, tpr: str = "per_class", mode: str = "abs", weights: str = "share") -> Measure:
    r"""Bias: how far the groups' true-positive rates lie apart.

    .. math:: \frac{\sum_{i<j} d(TPR_i, TPR_j)\, w_i w_j}{\sum_{i<j} w_i w_j}

    Source: GAMMA-FACE, eq. 12. The paper leaves the three options open. A pair with a group
    that has no sample of the class is left out of both sums.

    Parameters
    ----------
    y, p : array of shape (n,)
        True and predicted labels, numbers or words.
    groups : array of shape (n,) or DataFrame
        Protected group, or a frame of attributes whose joint cells are the groups.
    tpr : {"per_class", "micro", "macro", "positive"}
        ``per_class`` takes Bias per class, then the mean over the classes; ``micro`` is the
        group's accuracy; ``macro`` its mean recall; ``positive`` the recall of the second
        of two classes.
    mode : {"abs", "signed"}
        ``abs`` is \|TPR_i - TPR_j\|; ``signed`` is the printed difference, which depends on
        the (sorted) order of the groups and can cancel.
    weights : {"share", "uniform"}
        The group's share of the rows, or the same for all.

    Returns
    -------
    Measure
        A rate difference without unit in [0, 1] ([-1, 1] if signed); NaN with a note where
        no pair of groups is defined.

    Raises
    ------
    GammaFaceError
        For missing values, unequal lengths, empty input, an unknown variant, or
        ``tpr="positive"`` with more than two classes.

    Examples
    --------
    >>> y = [1, 1, 0, 0, 1, 1, 0, 0]
    >>> p = [1, 1, 0, 0, 1, 0, 0, 0]
    >>> bias(y, p, list("aaaabbbb"))
    0.25
    >>> bias(y, p, list("aaaabbbb"), tpr="positive")
    0.5
    """
    coded = encode(y, p, groups)
    value = counts.bias(coded.counts(), tpr=tpr, mode=mode, weights=weights)
    return Measure(value, coded.skipped())


def bias_from_rates(rates, weights=None, *, mode: str = "abs") -> Measure:
    """Bias, eq. 12, of rates that are already at hand.

    Parameters
    ----------
    rates : array of shape (groups,)
        One rate per group; NaN leaves the group out.
    weights : array of shape (groups,), optional
        Weights w_i; the same for all unless given.
    mode : {"abs", "signed"}
        As in `bias`.

    Returns
    -------
    Measure
        In the unit of ``rates``; NaN with a note where fewer than two rates are defined.

    Raises
    ------
    GammaFaceError
        For an unknown mode, unequal lengths or negative weights. Source: GAMMA-FACE, eq. 12.

    Examples
    --------
    >>> round(bias_from_rates([.9, .8, .95, .85], [.4, .3, .2, .1]), 7)
    0.0871429
    """
    rates = np.asarray(rates, dtype=float)
    weights = np.ones_like(rates) if weights is None else np.asarray(weights, dtype=float)
    if rates.ndim != 1 or weights.shape != rates.shape or not (weights >= 0).all():
        raise GammaFaceError(
            f"rates {rates.shape} and weights {weights.shape} do not match",
            fix="Give one rate and one weight of 0 or more per group.",
        )
    value = counts.pairwise_gap(rates, weights, mode)
    return Measure(value, "fewer than two groups are defined" if np.isnan(value) else "")


def bpc(bias: float, bias_debiased: float, tpr: float, tpr_debiased: float) -> Measure:
    r"""Bias-performance coefficient: relative fall of Bias less relative fall of TPR.

    .. math:: \frac{B - B_{deb}}{B} - \frac{T - T_{deb}}{T}

    Source: GAMMA-FACE, eq. 13; T is the overall TPR, which is the accuracy.

    Parameters
    ----------
    bias, bias_debiased : float
        Bias of the baseline and of the method.
    tpr, tpr_debiased : float
        Overall TPR of the baseline and of the method, both as fractions or both in %.

    Returns
    -------
    Measure
        Without unit, unbounded; above 0 is a good trade. NaN with a note where the
        baseline's Bias or TPR is 0, or a value is NaN.

    Raises
    ------
    GammaFaceError
        For a negative Bias or rate: a signed Bias has no relative change.

    Examples
    --------
    >>> round(bpc(.10, .04, .90, .92), 7)
    0.6222222
    >>> bpc(0, .1, .9, .9).note
    'the first Bias is 0, so no relative change is defined'
    """
    values = np.array([bias, bias_debiased, tpr, tpr_debiased], dtype=float)
    if (values < 0).any():
        raise GammaFaceError(f"BPC needs values of 0 or more, not {values.min():.6g}", fix="Use mode='abs'.")
    note = join_notes(
        "a value is NaN" if np.isnan(values).any() else "",
        NO_BIAS if bias == 0 else "",
        NO_RATE if tpr == 0 else "",
    )
    return Measure(counts.bpc(*values), note)


def ba_directional(y, p, groups, *, y_train=None, groups_train=None) -> Measure:
    r"""Directional bias amplification, attribute to task.

    .. math:: \frac{1}{|A||T|} \sum_{a,t} sign(P(a,t) - P(a)P(t))\,(P(\hat t|a) - P(t|a))

    Source: GAMMA-FACE, eq. 14, in the direction of the work that it cites (Wang and
    Russakovsky 2021). Ties, decided on integer counts, add 0.

    Parameters
    ----------
    y, p, groups
        As in `bias`.
    y_train, groups_train : arrays, optional
        Training labels from which the sign is taken; both or neither.

    Returns
    -------
    Measure
        A fraction in [-1, 1], above 0 where predictions exaggerate the association; the
        tables show it x100. Cells whose group or class is absent are skipped and noted.

    Raises
    ------
    GammaFaceError
        As `bias`, and for one of ``y_train`` and ``groups_train`` without the other.

    Examples
    --------
    >>> a = [0] * 10 + [1] * 10
    >>> t = [1] * 4 + [0] * 6 + [1] * 8 + [0] * 2
    >>> p = [1] * 3 + [0] * 7 + [1] * 9 + [0]
    >>> round(ba_directional(t, p, a), 6)
    0.1
    """
    coded = encode(y, p, groups)
    sign = train_association(coded, y_train, groups_train)
    return Measure(counts.ba_directional(coded.counts(), sign), association_note(coded, sign))


def ba_eq14_printed(y, p, groups, *, target=None) -> Measure:
    r"""Bias amplification with the ratio that GAMMA-FACE prints.

    .. math:: \frac{1}{|A||T|} \sum_{a,t} \pm \frac{P(t|a) - P(\hat t|a)}{P(\hat t|a)}

    Source: GAMMA-FACE, eq. 14, to the letter. Its sign is opposite to the cited work, so
    amplification is below 0; see `ba_directional` for the headline.

    Parameters
    ----------
    y, p, groups
        As in `bias`.
    target : label, optional
        Take the mean over the groups of this class alone.

    Returns
    -------
    Measure
        A ratio, unbounded; NaN with a note where a class is never predicted in a group.

    Raises
    ------
    GammaFaceError
        As `bias`, and for a ``target`` that is not among the labels.

    Examples
    --------
    >>> a = [0] * 10 + [1] * 10
    >>> t = [1] * 4 + [0] * 6 + [1] * 8 + [0] * 2
    >>> p = [1] * 3 + [0] * 7 + [1] * 9 + [0]
    >>> round(ba_eq14_printed(t, p, a), 6), round(ba_eq14_printed(t, p, a, target=1), 6)
    (-0.396825, -0.222222)
    """
    coded = encode(y, p, groups)
    if target is not None and target not in coded.classes:
        raise GammaFaceError(f"target {target!r} is not a class", fix=f"Choose one of {coded.classes}.")
    at = slice(None)
    if target is not None:
        index = coded.classes.index(target)
        at = slice(index, index + 1)
    table = coded.counts()
    return Measure(counts.ba_eq14_printed(table, at), printed_note(coded, at))


def train_association(coded: Coded, y_train, groups_train) -> np.ndarray | None:
    """Signs from the training labels, laid out like the test table; None without them."""
    if (y_train is None) != (groups_train is None):
        raise GammaFaceError("y_train and groups_train go together", fix="Give both of them, or neither.")
    if y_train is None:
        return None
    train = encode(y_train, y_train, groups_train)
    signs = counts.association(train.counts().sum(-1))
    aligned = np.full(coded.shape[:2], np.nan)
    for i, group in enumerate(coded.groups):
        for j, label in enumerate(coded.classes):
            if group in train.groups and label in train.classes:
                aligned[i, j] = signs[train.groups.index(group), train.classes.index(label)]
    return aligned


def association_note(coded: Coded, sign: np.ndarray | None) -> str:
    """Words for the cells that directional amplification leaves out."""
    sign = counts.association(coded.counts().sum(-1)) if sign is None else sign
    lacking = int(np.isnan(sign).sum())
    return join_notes(
        f"{lacking} of {sign.size} cells skipped: their group or class has no true labels" if lacking else "",
        "only one group" if len(coded.groups) < 2 else "",
    )


def printed_note(coded: Coded, at: slice = slice(None)) -> str:
    """Words for the cells where the printed ratio divides by 0."""
    cells = np.argwhere(counts.never_predicted(coded.counts())[:, at])
    if not len(cells):
        return association_note(coded, None)
    classes = coded.classes[at]
    first = f"{classes[cells[0][1]]} in {coded.groups[cells[0][0]]}"
    return f"P_hat = 0 in {len(cells)} cells (first: class {first}), so the ratio is undefined"
