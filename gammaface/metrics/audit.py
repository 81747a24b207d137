"""The audit: every metric of every method on one test set, with paired intervals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.metrics import counts, divergence
from gammaface.metrics.bias import (
    NO_BIAS,
    NO_RATE,
    association_note,
    printed_note,
    train_association,
)
from gammaface.metrics.intervals import check_resampling, percentile_interval
from gammaface.metrics.measure import join_notes
from gammaface.metrics.paired import (
    MIN_N,
    Figures,
    Method,
    Variants,
    code_methods,
    paired_figures,
)


def audit_table(
    y,
    p,
    scores,
    groups,
    *,
    baselines: Mapping[str, tuple] | None = None,
    name: str = "method",
    y_train=None,
    groups_train=None,
    tpr: str = "per_class",
    mode: str = "abs",
    weights: str = "share",
    kl_variant: str = "fixed",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Every metric of every method, with paired bootstrap intervals.

    All methods are resampled on the same rows, so the difference to the first baseline has
    an interval, too.

    Source: equations stand with the functions of the metrics' names; the intervals are
    percentiles (Efron and Tibshirani 1993, chapter 13).

    Parameters
    ----------
    y, p : array of shape (n,)
        True labels and this method's predictions.
    scores : array, DataFrame or None
        As in `kl_divergence`; without them there is no row ``kl``.
    groups : array of shape (n,) or DataFrame
        Protected group, or attributes whose joint cells are the groups.
    baselines : mapping of str to (p, scores), optional
        Other methods on the same rows. Differences and BPC refer to the first.
    name : str
        What this method is called in the table.
    y_train, groups_train : arrays, optional
        As in `ba_directional`.
    tpr, mode, weights : str
        As in `bias`.
    kl_variant : {"fixed", "princeton"}
        As in `kl_divergence`; ``princeton`` is not vectorised and takes far longer.
    resamples, confidence, seed : int, float, int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        One row per method and metric: method, metric, value, low, high, n, groups, min_n
        (of the smallest group), variant, baseline, difference, difference_low,
        difference_high, note. ``accuracy`` and ``worst_group`` are in %, ``ba`` is x100.
        An undefined value is NaN and ``note`` says why. See `by_method` for the wide form.

    Raises
    ------
    GammaFaceError
        As the metrics themselves, for a baseline named like the method, and for a bootstrap
        that cannot give an interval.

    Examples
    --------
    >>> y, a = [0, 1] * 40, ["f"] * 40 + ["m"] * 40
    >>> p = [0, 1] * 20 + [0, 0] * 10 + [0, 1] * 10
    >>> table = audit_table(y, p, None, a, resamples=50)
    >>> table.set_index("metric").loc[["accuracy", "bias"], "value"].tolist()
    [87.5, 0.25]
    """
    check_resampling(resamples=resamples, confidence=confidence)
    counts.check_choice("kl_variant", kl_variant, divergence.VARIANTS)
    chosen = Variants(tpr=tpr, mode=mode, weights=weights, kl=kl_variant)
    methods = code_methods(y, {name: (p, scores), **_others(name, baselines)}, groups)
    first = next(iter(baselines)) if baselines else None
    sign = train_association(methods[name].coded, y_train, groups_train)
    point, samples = paired_figures(methods, chosen, sign, first=first, resamples=resamples, seed=seed)
    rows = []
    for m, method in methods.items():
        notes = _notes(method, sign, base=point[first or m])
        sizes = np.bincount(method.coded.g)
        for metric, variant in chosen.names(train=sign is not None).items():
            if metric not in point[m]:
                continue
            value, values = point[m][metric], samples[m][metric]
            interval = _interval(value, values, confidence)
            rows.append(
                {
                    "method": m,
                    "metric": metric,
                    **interval,
                    "n": len(method.coded.y),
                    "groups": len(sizes),
                    "min_n": int(sizes.min()),
                    "variant": variant,
                    "baseline": first or "",
                    **_difference(m, metric, point, samples, first, confidence),
                    "note": join_notes(
                        notes.get(metric, ""),
                        _unstable(value, values, interval["low"]),
                        small_note(sizes.min()),
                    ),
                }
            )
    return pd.DataFrame(rows)


def by_method(table: pd.DataFrame) -> pd.DataFrame:
    """The wide form of an audit: rows are methods, columns are (metric, field).

    Parameters
    ----------
    table : DataFrame
        What `audit_table` returned.

    Returns
    -------
    DataFrame
        Indexed by method; ``wide["bias"]`` holds value, low, high, n, min_n, variant, ...

    Examples
    --------
    >>> table = audit_table([0, 1] * 20, [0, 1] * 20, None, list("aabb") * 10, resamples=20)
    >>> by_method(table).loc["method", ("accuracy", "value")]
    np.float64(100.0)
    """
    wide = table.pivot(index="method", columns="metric").swaplevel(axis=1)
    metrics = table["metric"].unique()
    return wide.loc[table["method"].unique(), metrics].rename_axis(columns=[None, None])


def small_note(n: int) -> str:
    """Words for a group too small to be read on its own."""
    return f"smallest group has {n} samples, under {MIN_N}" if n < MIN_N else ""


def _others(name: str, baselines: Mapping[str, tuple] | None) -> Mapping[str, tuple]:
    if baselines and name in baselines:
        raise GammaFaceError(f"a baseline is named {name!r} like the method", fix="Rename one.")
    return baselines or {}


def _interval(value: np.ndarray, values: np.ndarray, confidence: float) -> dict[str, float]:
    """An undefined value has no interval, even if some resamples happen to be defined."""
    low, high = percentile_interval(values, confidence=confidence)
    if np.isnan(value):
        low = high = float("nan")
    return {"value": float(value), "low": low, "high": high}


def _difference(
    m: str, metric: str, point: Figures, samples: Figures, first: str | None, confidence: float
) -> dict[str, float]:
    fields = ("difference", "difference_low", "difference_high")
    if first is None or m == first or metric not in point[first]:
        return dict.fromkeys(fields, float("nan"))
    found = _interval(
        point[m][metric] - point[first][metric],
        samples[m][metric] - samples[first][metric],
        confidence,
    )
    return dict(zip(fields, found.values(), strict=True))


def _unstable(value: np.ndarray, values: np.ndarray, low: float) -> str:
    if np.isnan(value):
        return ""
    undefined = int(np.isnan(values).sum())
    return join_notes(
        f"undefined in {undefined} of {len(values)} resamples" if undefined else "",
        # Gaps and divergences cannot fall below 0, so resampling noise adds to them.
        "the interval lies above the value: the figure is within its sampling noise" if value < low else "",
    )


def _notes(method: Method, sign: np.ndarray | None, *, base: dict) -> dict[str, str]:
    """Per metric, why it is undefined or what was skipped."""
    coded = method.coded
    grouped = ("bias", "bias_micro", "largest_gap", "deo", "equalised_odds")
    notes = dict.fromkeys((*grouped, "demographic_parity", "worst_group"), coded.skipped())
    notes["ba"] = association_note(coded, sign)
    notes["ba_eq14_printed"] = printed_note(coded)
    notes["kl"] = divergence.small_cells_note(method.valid(), MIN_N)
    if method.own is not None and not method.binnable:
        notes["kl"] = divergence.missing_note(int(np.isnan(method.own).sum()))
    notes["bpc"] = join_notes(NO_BIAS if base["bias"] == 0 else "", NO_RATE if base["accuracy"] == 0 else "")
    return notes
