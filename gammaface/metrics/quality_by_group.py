"""Distances to real images within each group: shares that differ cannot move them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from gammaface.errors import GammaFaceError
from gammaface.metrics.intervals import check_resampling
from gammaface.metrics.paired import MIN_N
from gammaface.metrics.quality import (
    SINGULAR,
    check_pair,
    cubic_kernels,
    gaussian_distance,
    project,
    thin,
    weighted_mmd,
)

DIMENSIONS = 64
KINDS = ("kernel", "frechet")
MEAN = "mean over groups"
FEW = "{n} images, under {least}"


def quality_by_group(
    generated,
    generated_groups,
    real,
    real_groups,
    *,
    kind: str = "kernel",
    dimensions: int = DIMENSIONS,
    resamples: int = 200,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Distance within each group at one n, and its mean: shares that differ cannot move it.

    Source: `kernel_distance` or `frechet_distance` on ``dimensions`` principal components of
    the real features; the interval is the value -+ z times the bootstrap standard error.

    Parameters
    ----------
    generated, real : arrays of shape (n, d) and (m, d)
        Features.
    generated_groups, real_groups : arrays of shape (n,) and (m,)
        Group of each row.
    kind : str
        "kernel" or "frechet".
    dimensions : int
        For "frechet".
    resamples, confidence, seed : int, float, int
        Of the bootstrap and of the thinning to equal n.

    Returns
    -------
    DataFrame
        group, value, low, high, n (images on each side), note. All groups use the smallest
        usable n; a group under 30 images on a side is NaN. The last row is the mean.

    Raises
    ------
    GammaFaceError
        As `frechet_distance`, for an unknown kind, and for a bootstrap without interval.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, g = rng.normal(size=(200, 3)), np.arange(200) % 2
    >>> table = quality_by_group(x, g, rng.normal(size=(200, 3)), g, resamples=20)
    >>> table["group"].tolist(), table["n"].tolist()
    ([0, 1, 'mean over groups'], [100, 100, 200])
    """
    if kind not in KINDS:
        raise GammaFaceError(f"kind={kind!r} is not known", fix=f"Choose one of {', '.join(KINDS)}.")
    check_resampling(resamples=resamples, confidence=confidence)
    a, b = check_pair(generated, real)
    groups_a, groups_b = np.asarray(generated_groups), np.asarray(real_groups)
    if len(groups_a) != len(a) or len(groups_b) != len(b):
        raise GammaFaceError("groups and features differ in length", fix="Give one group per row.")
    if kind == "frechet":
        a, b = project(a, b, dimensions)
    sizes = {g: min((groups_a == g).sum(), (groups_b == g).sum()) for g in np.unique(groups_b).tolist()}
    usable = [n for n in sizes.values() if n >= MIN_N]
    common = int(min(usable, default=0))
    rng = np.random.default_rng(seed)
    z = norm.ppf((1 + confidence) / 2)
    rows, values, errors = [], [], []
    for group, n in sizes.items():
        row = {"group": group, "value": np.nan, "low": np.nan, "high": np.nan, "n": int(n)}
        if n < MIN_N:
            rows.append(row | {"note": FEW.format(n=n, least=MIN_N)})
            continue
        pair = (thin(a[groups_a == group], common, rng), thin(b[groups_b == group], common, rng))
        value, error = _with_error(*pair, kind=kind, resamples=resamples, rng=rng)
        values.append(value)
        errors.append(error)
        note = SINGULAR.format(n=common, d=a.shape[1]) if kind == "frechet" and common <= a.shape[1] else ""
        reach = {"value": value, "low": value - z * error, "high": value + z * error, "n": common}
        rows.append(row | reach | {"note": note})
    mean = float(np.mean(values)) if values else np.nan
    error = float(np.sqrt(np.square(errors).sum()) / len(errors)) if values else np.nan
    left_out = len(sizes) - len(values)
    rows.append(
        {"group": MEAN, "value": mean, "low": mean - z * error, "high": mean + z * error}
        | {"n": common * len(values), "note": f"{left_out} groups left out" if left_out else ""}
    )
    return pd.DataFrame(rows)


def _with_error(a, b, *, kind: str, resamples: int, rng) -> tuple[float, float]:
    """The distance and its bootstrap standard error."""
    n = len(a)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=(2, resamples)).astype(float)
    if kind == "kernel":
        kernels, ones = cubic_kernels(a, b), np.ones((n, 1))
        again = weighted_mmd(kernels, drawn[0].T, drawn[1].T)
        return float(weighted_mmd(kernels, ones, ones)[0]), float(again.std(ddof=1))
    rows = np.arange(n)
    again = [
        gaussian_distance(a[rows.repeat(u.astype(int))], b[rows.repeat(v.astype(int))])
        for u, v in zip(*drawn, strict=True)
    ]
    return gaussian_distance(a, b), float(np.std(again, ddof=1))
