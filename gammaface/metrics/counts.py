"""Every label-based metric as a function of contingency tables.

A table has the axes (..., group, true class, predicted class). The leading axes are free:
one test set has none, a bootstrap has one entry per resample, and both go through the same
lines. Cells without samples are NaN, left out of means, and never silently 0.
"""

from __future__ import annotations

import numpy as np

from gammaface.errors import GammaFaceError

TPR_VARIANTS = ("per_class", "micro", "macro", "positive")
MODES = ("abs", "signed")
WEIGHTS = ("share", "uniform")


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse an unknown variant, naming the known ones."""
    if value not in allowed:
        raise GammaFaceError(f"{name}={value!r} is not known", fix=f"Choose one of {', '.join(allowed)}.")


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where the whole is empty."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def mean_defined(values: np.ndarray, axis=-1) -> np.ndarray:
    """Mean of the entries that are not NaN; NaN where none is."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis), defined.sum(axis))


def largest_spread(rates: np.ndarray) -> np.ndarray:
    """Range of (..., group, view) over the groups, largest over the views.

    A view in which fewer than two groups are defined has no range.
    """
    defined = ~np.isnan(rates)
    high = np.where(defined, rates, -np.inf).max(-2)
    low = np.where(defined, rates, np.inf).min(-2)
    spread = np.where(defined.sum(-2) > 1, high - low, -np.inf).max(-1)
    return np.where(np.isneginf(spread), np.nan, spread)


def class_recalls(n: np.ndarray) -> np.ndarray:
    """TPR per (..., group, class)."""
    return ratio(np.diagonal(n, axis1=-2, axis2=-1), n.sum(-1))


def group_accuracy(n: np.ndarray) -> np.ndarray:
    """Share of right predictions per (..., group)."""
    return ratio(np.trace(n, axis1=-2, axis2=-1), n.sum((-1, -2)))


def accuracy(n: np.ndarray) -> np.ndarray:
    """Share of right predictions over all groups."""
    return ratio(np.trace(n, axis1=-2, axis2=-1).sum(-1), n.sum((-1, -2, -3)))


def worst_group(n: np.ndarray) -> np.ndarray:
    """Lowest group accuracy."""
    rates = group_accuracy(n)
    return np.where(np.isnan(rates), np.inf, rates).min(-1)


def group_rates(n: np.ndarray, tpr: str) -> np.ndarray:
    """The rates that Bias compares, (..., group, view)."""
    check_choice("tpr", tpr, TPR_VARIANTS)
    if tpr == "micro":
        return group_accuracy(n)[..., None]
    recalls = class_recalls(n)
    if tpr == "macro":
        return mean_defined(recalls)[..., None]
    if tpr == "positive":
        if n.shape[-1] != 2:
            raise GammaFaceError(
                f"tpr='positive' needs two classes; there are {n.shape[-1]}",
                fix="Use tpr='per_class'.",
            )
        return recalls[..., 1:]
    return recalls


def pairwise_gap(rates: np.ndarray, weights: np.ndarray, mode: str) -> np.ndarray:
    """Eq. 12 over the last axis: weighted mean gap of all pairs that are defined."""
    check_choice("mode", mode, MODES)
    i, j = np.triu_indices(rates.shape[-1], k=1)
    gap = rates[..., i] - rates[..., j]
    if mode == "abs":
        gap = np.abs(gap)
    pair = np.where(np.isnan(gap), 0.0, weights[..., i] * weights[..., j])
    return ratio((np.nan_to_num(gap) * pair).sum(-1), pair.sum(-1))


def bias(n: np.ndarray, *, tpr: str, mode: str, weights: str) -> np.ndarray:
    """Bias, eq. 12: the mean over the views of the pairwise gap."""
    check_choice("weights", weights, WEIGHTS)
    sizes = n.sum((-1, -2)).astype(float)
    shares = sizes if weights == "share" else np.ones_like(sizes)
    rates = np.moveaxis(group_rates(n, tpr), -1, -2)  # (..., view, group)
    return mean_defined(pairwise_gap(rates, shares[..., None, :], mode))


def bpc(bias: np.ndarray, bias_debiased: np.ndarray, tpr: np.ndarray, tpr_debiased: np.ndarray) -> np.ndarray:
    """BPC, eq. 13; NaN where the first bias or the first rate is 0."""
    return ratio(bias - bias_debiased, bias) - ratio(tpr - tpr_debiased, tpr)


def association(labels: np.ndarray) -> np.ndarray:
    """Sign of P(a,t) - P(a)P(t) per (..., group, class), on integers; NaN where undefined."""
    group, target = labels.sum(-1, keepdims=True), labels.sum(-2, keepdims=True)
    total = group.sum(-2, keepdims=True)
    sign = np.sign(labels * total - group * target).astype(float)
    return np.where((group > 0) & (target > 0), sign, np.nan)


def _target_rates(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(t|a) and P(t_hat|a) per (..., group, class)."""
    size = n.sum((-1, -2))[..., None]
    return ratio(n.sum(-1), size), ratio(n.sum(-2), size)


def ba_directional(n: np.ndarray, sign: np.ndarray | None = None) -> np.ndarray:
    """Directional amplification as a fraction; the sign is the table's own unless given."""
    true, predicted = _target_rates(n)
    sign = association(n.sum(-1)) if sign is None else sign
    return mean_defined(sign * (predicted - true), axis=(-1, -2))


def ba_eq14_printed(n: np.ndarray, target: slice = slice(None)) -> np.ndarray:
    """Eq. 14 as printed; NaN as soon as a cell that counts has P_hat = 0."""
    true, predicted = (rates[..., target] for rates in _target_rates(n))
    sign = association(n.sum(-1))[..., target]
    value = mean_defined(sign * ratio(true - predicted, predicted), axis=(-1, -2))
    return np.where(never_predicted(n)[..., target].any((-1, -2)), np.nan, value)


def never_predicted(n: np.ndarray) -> np.ndarray:
    """The (..., group, class) cells where eq. 14 divides by P_hat = 0."""
    return ~np.isnan(association(n.sum(-1))) & (n.sum(-2) == 0)


def demographic_parity(n: np.ndarray) -> np.ndarray:
    """Largest gap between groups in how often a class is predicted."""
    return largest_spread(_target_rates(n)[1])


def deo(n: np.ndarray) -> np.ndarray:
    """Largest TPR gap between groups: of class 1 of two, else of the worst class."""
    recalls = class_recalls(n)
    return largest_spread(recalls[..., 1:] if n.shape[-1] == 2 else recalls)


def equalised_odds(n: np.ndarray) -> np.ndarray:
    """Largest gap between groups in P(predicted class | true class)."""
    rates = ratio(n, n.sum(-1, keepdims=True))
    return largest_spread(rates.reshape(*n.shape[:-2], -1))
