"""Which groups a method and plain sampling are compared on: seed by seed, or seeds put together.

A rare group may hold too few faces in each seed and enough in all of them; and over two or three
seeds Student's interval is too long to tell anything. Where either is so the seeds of an arm are
put together, and its intervals are over faces instead of over seeds: what a method would learn
from another pilot is not in them. One seed alone is left without an interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from gammaface.audit.arms import Arm
from gammaface.audit.cells import Stored
from gammaface.audit.options import PLAIN
from gammaface.audit.quality import MEASURED, Faces, distances, matched
from gammaface.audit.reading import joint
from gammaface.audit.reference import Real
from gammaface.audit.terms import REFERENCES
from gammaface.metrics.paired import MIN_N
from gammaface.metrics.quality import cubic_kernels, gaussian_distance, weighted_mmd
from gammaface.strategies import Target

COMPARED = ["method", "target", "reference", "groups", "groups_all", "left_out", "pooled"]
REACH = norm.ppf(0.975)
FEW_SEEDS = (2, 3)  # Student's t reaches 12.7 and 4.3 standard errors there, 3.2 over four


def compared_table(
    arms: Sequence[Arm], targets: Mapping[str, Target], base: Stored | None, real: Real | None
) -> pd.DataFrame:
    """On how many of a target's groups each arm is compared with plain sampling.

    Returns
    -------
    DataFrame
        ``method, target, reference`` (real or base), ``groups`` (with 30 faces or more on every
        side), ``groups_all`` (those that the target asks for), ``left_out`` (the others of them by
        name, with semicolons between) and ``pooled``: whether the seeds are put together, because
        more groups can be compared then or they are few. Empty for a classifier without features.
    """
    rows = []
    if base is None or base.features is None:
        return pd.DataFrame(columns=COMPARED)
    plain = {arm.target: arm for arm in arms if arm.method == PLAIN}
    for arm in (arm for arm in arms if arm.draws):
        target = targets[arm.target]
        own, free = (_counts(a.draws, target) for a in (arm, plain[arm.target]))
        wanted = target.shares > 0
        references = {"base": base.labels} | ({} if real is None else {"real": real.labels})
        for reference, labels in references.items():
            there = _count(labels, target)
            each = [np.min([own[seed], free[seed], there], axis=0) for seed in own if seed in free]
            together = np.min([sum(own.values()), sum(free.values()), there], axis=0)
            fewest = min((((n >= MIN_N) & wanted).sum() for n in each), default=0)
            groups = (together >= MIN_N) & wanted
            pooled = groups.sum() > fewest or (groups.any() and len(each) in FEW_SEEDS)
            left = [name for name, out in zip(target.names, wanted & ~groups, strict=True) if out]
            rows.append(
                arm.name
                | {"reference": reference, "groups": int(groups.sum()), "groups_all": int(wanted.sum())}
                | {"left_out": "; ".join(left), "pooled": bool(pooled)}
            )
    return pd.DataFrame(rows, columns=COMPARED)


def match_of(compared: pd.DataFrame, target: Target) -> dict:
    """What the summary says of one arm's rows of `compared_table`: ``groups_all`` and, with the short
    name of each reference, ``groups_, left_out_, pooled_``."""
    told = compared.set_index("reference")
    wanted = [name for name, share in zip(target.names, target.shares, strict=True) if share > 0]
    row = {"groups_all": len(wanted)}
    for short in REFERENCES:
        there = short in told.index
        row |= {f"groups_{short}": int(told.at[short, "groups"]) if there else 0}
        row |= {f"left_out_{short}": told.at[short, "left_out"] if there else "; ".join(wanted)}
        row |= {f"pooled_{short}": bool(told.at[short, "pooled"]) if there else False}
    return row


def with_pooled(
    figures: pd.DataFrame,
    compared: pd.DataFrame,
    arms: Sequence[Arm],
    targets: Mapping[str, Target],
    base: Stored | None,
    real: Real | None,
    *,
    resamples: int,
) -> pd.DataFrame:
    """The table `figures` with the distances of all seeds together, where `compared` says so.

    Their ``low, high`` and those of ``vs_plain`` are 95% bootstrap intervals over faces. Precision
    and recall have none, and stay as they are where every seed has the same groups.
    """
    key = ["method", "target", "metric"]
    of_seeds = figures.set_index(key)["value"]
    by_name = {(arm.method, arm.target): arm for arm in arms}
    rows = []
    for row in compared[compared["pooled"].astype(bool)].to_dict(orient="records"):
        arm, target = by_name[row["method"], row["target"]], targets[row["target"]]
        own, free = (_together(by_name[method, arm.target], target) for method in (arm.method, PLAIN))
        side = base if row["reference"] == "base" else real
        reference = Faces.of(side.features, side.labels, target)
        found = pooled_distances(own, free, reference, len(target.shares), resamples=resamples)
        groups = of_seeds.get((arm.method, arm.target, f"groups_{row['reference']}"))
        kept = ("precision", "recall") if groups == found["groups"]["value"] else ()
        for metric, told in found.items():
            if metric in kept:
                continue
            named = arm.name | {"metric": f"{metric}_{row['reference']}", "seeds": len(arm.draws)}
            if arm.method == PLAIN:
                told = {name: np.nan if name.startswith("vs_plain") else v for name, v in told.items()}
            rows.append(named | {"sd": np.nan} | told)
    if not rows:
        return figures
    fresh = pd.DataFrame(rows, columns=figures.columns)
    old = figures.set_index(key).index.isin(fresh.set_index(key).index)
    return pd.concat([figures[~old], fresh], ignore_index=True)


def pooled_distances(
    arm: Faces, plain: Faces, reference: Faces, k: int, *, resamples: int, seed: int = 0
) -> dict[str, dict[str, float]]:
    """`distances` by metric, each with ``value, low, high, vs_plain, vs_plain_low, vs_plain_high``.

    The intervals are the value -+ 1.96 bootstrap standard errors; an arm and plain sampling are
    held against the same resample of the reference. Of Fréchet distances they are on the wide side.
    """
    found = distances(arm, plain, reference, k, seed=seed)
    groups, sides, low = matched(arm, plain, reference, k, seed=seed)
    rng = np.random.default_rng(seed)
    resampled = {
        "kernel": _resampled(sides, len(groups), _kernels, resamples, rng),
        "frechet": _resampled(low, len(groups), _gaussians, resamples, rng),
    }
    told = {}
    for metric in (*MEASURED, "groups"):
        value, beside = found[metric], found.get(f"{metric}_plain", np.nan)
        errors = (np.nan, np.nan)
        if metric in resampled:
            own, free = resampled[metric]  # (resamples,) each, means over groups
            errors = (own.std(ddof=1), (own - free).std(ddof=1))
        row = {"value": value, "low": value - REACH * errors[0], "high": value + REACH * errors[0]}
        row |= {"vs_plain": value - beside, "vs_plain_low": value - beside - REACH * errors[1]}
        told[metric] = row | {"vs_plain_high": value - beside + REACH * errors[1]}
    return told


def _resampled(sides, groups: int, measure, resamples: int, rng) -> np.ndarray:
    """Distances of the arm and of plain sampling to the reference, means over groups, (2, resamples)."""
    parts = []
    for arm, plain, reference in zip(*(np.split(side.astype(float), groups) for side in sides), strict=True):
        n = len(arm)
        own, free, there = rng.multinomial(n, np.full(n, 1 / n), size=(3, resamples))
        parts.append([measure(arm, reference, own, there), measure(plain, reference, free, there)])
    return np.mean(parts, axis=0)


def _kernels(a: np.ndarray, b: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return weighted_mmd(cubic_kernels(a, b), u.T.astype(float), v.T.astype(float))


def _gaussians(a: np.ndarray, b: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    rows = np.arange(len(a))
    pairs = zip(u, v, strict=True)
    return np.array([gaussian_distance(a[rows.repeat(i)], b[rows.repeat(j)]) for i, j in pairs])


def _together(arm: Arm, target: Target) -> Faces:
    features = [stored.features for stored in arm.draws.values()]
    return Faces.of(np.concatenate(features), arm.labels(), target)


def _counts(draws: Mapping[int, Stored], target: Target) -> dict[int, np.ndarray]:
    return {seed: _count(stored.labels, target) for seed, stored in draws.items()}


def _count(labels: pd.DataFrame, target: Target) -> np.ndarray:
    return np.bincount(joint(labels, target).argmax(1), minlength=len(target.shares))
