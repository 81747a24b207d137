"""How far shares are from even, and whether sampling evenly moved them, in numbers and words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gammaface.metrics import noise_floor
from gammaface.shares.people import attributes_of, name_of

RESAMPLES = 2000
EVENLY = "Sampling evenly over components"
LOOKS = ("brightness", "contrast", "background", "light_from_left", "pose")


def evenness(shares: pd.DataFrame) -> pd.DataFrame:
    """How far the shares are from even, by three readings, beside a fair sampler's.

    Parameters
    ----------
    shares : DataFrame
        As :func:`gammaface.shares.people.shares` makes it, and ``corrected``.

    Returns
    -------
    DataFrame
        ``attribute, n, classes``; the fairness discrepancy || 1/K - share || (GAN
        rebalancing, eq. 8) of the named classes ``fd``, of the mean probabilities
        ``fd_soft``, and of the shares without the classifier's errors ``fd_corrected``
        (CLEAM); ``noise_floor``, what a fair sampler of n faces shows.
    """
    rows = []
    for attribute, part in shares.groupby("attribute", sort=False):
        n, classes = int(part["n"].iloc[0]), len(part)
        readings = {"fd": "share", "fd_soft": "probability", "fd_corrected": "corrected"}
        row = {name: _discrepancy(part[column].to_numpy()) for name, column in readings.items()}
        floor = noise_floor(classes, n) if n else np.nan
        rows.append({"attribute": attribute, "n": n, "classes": classes} | row | {"noise_floor": floor})
    return pd.DataFrame(rows)


def _discrepancy(shares: np.ndarray, target: np.ndarray | None = None) -> np.ndarray:
    """Distance of shares (..., K) from the target's, by default from even ones."""
    wanted = 1 / shares.shape[-1] if target is None else target
    return np.linalg.norm(wanted - shares, axis=-1)


def moves(
    plain: pd.DataFrame, balanced: pd.DataFrame, census: pd.DataFrame | None = None, *, by: str = EVENLY
) -> pd.DataFrame:
    """What drawing otherwise than plainly does to each attribute, in numbers and words.

    Parameters
    ----------
    plain, balanced : DataFrame
        Labels of faces drawn plainly and evenly.
    census : DataFrame, optional
        Labels and ``component`` of many plainly drawn faces.
    by : str
        What was done, to begin the sentences with.

    Returns
    -------
    DataFrame
        ``attribute, how`` ("drawn": as measured on the two; "reweighted": as the census
        expects), the columns of `moved`, and ``sentence``.
    """
    rows = []
    for attribute in attributes_of(plain):
        k = len(plain[attribute].cat.categories)
        counts = [np.bincount(part[attribute].cat.codes, minlength=k) for part in (plain, balanced)]
        rows.append({"attribute": attribute, "how": "drawn"} | moved(*counts))
        if census is not None:
            table = pd.crosstab(census["component"], census[attribute].cat.codes)
            counts = table.reindex(columns=range(k), fill_value=0).to_numpy()
            rows.append({"attribute": attribute, "how": "reweighted"} | reweighted(counts))
    return pd.DataFrame(row | {"sentence": move_sentence(row, by=by)} for row in rows)


def moved(
    before: np.ndarray,
    after: np.ndarray,
    *,
    target: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict:
    """Fairness discrepancy of two sets of faces, and whether they differ.

    Parameters
    ----------
    before, after : arrays of shape (K,)
        Faces of each class in either.
    target : array of shape (K,), optional
        Shares that distances are measured from; by default even ones.

    Returns
    -------
    dict
        ``before, after, difference, low, high`` (95%, percentile bootstrap of both sets),
        ``n`` and ``noise_floor`` of the smaller set: what n independent faces drawn with the
        target's shares show, sqrt((1 - sum of squares) / n).

    Examples
    --------
    >>> moved(np.array([90, 10]), np.array([50, 50]))["high"] < 0
    True
    """
    rng = np.random.default_rng(seed)
    point, drawn = [], []
    for counts in (before, after):
        n = counts.sum()
        point.append(float(_discrepancy(counts / n, target)))
        drawn.append(_discrepancy(rng.multinomial(n, counts / n, size=resamples) / n, target))
    smaller = int(min(before.sum(), after.sum()))
    wanted = np.full(len(before), 1 / len(before)) if target is None else np.asarray(target)
    floor = float(np.sqrt((1 - (wanted**2).sum()) / smaller))
    return _move(point, drawn[1] - drawn[0]) | {"n": smaller, "noise_floor": floor}


def reweighted(counts: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> dict:
    """Discrepancy if every component were drawn equally often, against as it is drawn.

    It asks what the components could do at best: the faces of each stay as plain sampling
    draws them, only their weights change. As many faces as the census has tell of it.

    Parameters
    ----------
    counts : array of shape (components, K)
        Faces of each class in each component.

    Returns
    -------
    dict
        As `moved`.
    """
    counts = counts[counts.sum(1) > 0]
    n = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(n, counts.ravel() / n, size=resamples)
    ends = [_both_ways(c) for c in (counts, drawn.reshape(resamples, *counts.shape))]
    point, (before, after) = [float(v) for v in ends[0]], ends[1]
    return _move(point, after - before) | {"n": n, "noise_floor": noise_floor(counts.shape[1], n)}


def _both_ways(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Discrepancy (...) of tables (..., components, K), as drawn and with equal weights."""
    sizes = counts.sum(-1, keepdims=True)
    inside = np.divide(counts, sizes, out=np.full(counts.shape, np.nan), where=sizes > 0)
    return _discrepancy(counts.sum(-2) / sizes.sum(-2)), _discrepancy(np.nanmean(inside, axis=-2))


def _move(point: list[float], differences: np.ndarray) -> dict:
    low, high = np.quantile(differences, [0.025, 0.975])
    before, after = point
    return {
        "before": before,
        "after": after,
        "difference": after - before,
        "low": float(low),
        "high": float(high),
    }


def move_sentence(row: Mapping, *, by: str = EVENLY) -> str:
    """One row of the moves in words.

    Examples
    --------
    >>> row = {"attribute": "gender", "how": "drawn", "n": 100, "noise_floor": 0.071}
    >>> row |= {"before": 0.141, "after": 0.071, "difference": -0.07, "low": -0.22, "high": 0.12}
    >>> move_sentence(row).split("; ")[-1]
    'the difference, -0.070 [-0.220, 0.120], is within the noise.'
    """
    within = row["low"] <= 0 <= row["high"]
    verdict = "is within the noise" if within else "is more than noise"
    how, n = (
        (f"{by} moved", f"n = {row['n']} each")
        if row["how"] == "drawn"
        else ("Weighing the components equally would move", f"n = {row['n']}")
    )
    return (
        f"{how} the FD of {name_of(row['attribute'])} from {row['before']:.3f} to"
        f" {row['after']:.3f} ({n}; noise floor {row['noise_floor']:.3f}); the difference,"
        f" {row['difference']:+.3f} [{row['low']:.3f}, {row['high']:.3f}], {verdict}."
    )


def follow_sentence(follows: pd.DataFrame, *, level: float = 0.05) -> str:
    """What the components follow, from the table of `gammaface.studies.components.association`.

    Examples
    --------
    >>> ami = {"attribute": ["gender", "contrast"], "ami": [0.001, 0.2], "p_holm": [0.9, 0.01]}
    >>> follow_sentence(pd.DataFrame(ami)).split("; ")[0]
    'The components follow contrast (AMI 0.200) beyond chance'
    """
    known = follows[follows["ami"].notna()].sort_values("ami", ascending=False)
    if known.empty:
        return "Whether the components follow anything cannot be told: there is only one, or one value."
    perceived = known[~known["attribute"].isin(LOOKS)]
    beyond = known[known["p_holm"] <= level]

    def named(rows: pd.DataFrame) -> str:
        return ", ".join(f"{name_of(r.attribute)} (AMI {r.ami:.3f})" for r in rows.itertuples())

    if beyond.empty:
        best = known.iloc[0]
        return (
            "The components follow none of the measured attributes beyond chance (largest AMI"
            f" {best['ami']:.3f}, {name_of(best['attribute'])})."
        )
    words = f"The components follow {named(beyond)} beyond chance"
    if not beyond["attribute"].isin(perceived["attribute"]).any() and len(perceived):
        best = perceived.iloc[0]
        words += f"; no perceived attribute (largest AMI {best['ami']:.3f}, {name_of(best['attribute'])})"
    return words + "."
