"""How close an arm's faces lie to real ones and to the base generator's, group against group.

Shares that differ move a distance by themselves, so an arm and plain sampling are compared
on the same groups with as many faces of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist

from gammaface.audit.arms import Arm
from gammaface.audit.cells import Stored
from gammaface.audit.draw import is_base
from gammaface.audit.reading import joint
from gammaface.audit.reference import Real
from gammaface.metrics import kernel_distance, nearest, precision_recall, quality_by_group
from gammaface.metrics.paired import MIN_N
from gammaface.metrics.quality import gaussian_distance, project, thin
from gammaface.metrics.quality_by_group import DIMENSIONS
from gammaface.strategies import Target

ROWS = 2000  # faces of a side at most
PRECISION_ROWS = 1000
DIVERSITY_ROWS = 300  # of a group
NEIGHBOURS = 3
COPY_QUANTILE = 0.01  # of unseen real faces are nearer to a training face
MEASURED = ("kernel", "frechet", "precision", "recall")  # of a method, and of plain sampling beside it
TABLE = ("method", "target", "reference", "kind", "group", "value", "low", "high", "n", "note")


@dataclass(frozen=True)
class Faces:
    """Features (n, d) and the target's cell of each row (n,)."""

    features: np.ndarray
    cells: np.ndarray

    @classmethod
    def every(cls, features: np.ndarray, labels: pd.DataFrame, target: Target) -> Faces:
        """All of them, groups that the target gives no share included."""
        return cls(features, joint(labels, target).argmax(1))

    @classmethod
    def of(cls, features: np.ndarray, labels: pd.DataFrame, target: Target) -> Faces:
        """Those of the groups that the target asks for: quality is told of no other."""
        faces = cls.every(features, labels, target)
        asked = target.shares[faces.cells] > 0
        return cls(faces.features[asked], faces.cells[asked])

    def counts(self, k: int) -> np.ndarray:
        return np.bincount(self.cells, minlength=k)

    def thinned(self, groups: np.ndarray, n: int, *, seed: int) -> np.ndarray:
        """n rows of each group at random, (groups * n, d), group after group."""
        rng = np.random.default_rng(seed)
        return np.concatenate([thin(self.features[self.cells == g], n, rng) for g in groups])


def common(sides: list[Faces], k: int, *, rows: int = ROWS) -> tuple[np.ndarray, int]:
    """Groups that every side has 30 faces or more of, and how many of each are compared."""
    counts = np.min([side.counts(k) for side in sides], axis=0)
    groups = np.flatnonzero(counts >= MIN_N)
    return groups, int(min(counts[groups].min(), rows // len(groups))) if len(groups) else 0


def matched(
    arm: Faces, plain: Faces, reference: Faces, k: int, *, seed: int = 0
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """What is compared: the groups, and as many rows of each, (groups * n, d), of the three sides.

    The rows come twice: as features, and on the reference's leading principal components.
    Nothing where no group is large enough.
    """
    groups, n = common([arm, plain, reference], k)
    if not n:
        return groups, [], []
    sides = [side.thinned(groups, n, seed=seed) for side in (arm, plain, reference)]
    flat = np.concatenate(sides[:2])
    projected, real = project(flat, sides[2], min(DIMENSIONS, flat.shape[1]))
    return groups, sides, [*np.split(projected, 2), real]


def distances(arm: Faces, plain: Faces, reference: Faces, k: int, *, seed: int = 0) -> dict[str, float]:
    """Distances to a reference, averaged over groups at one n, beside those of plain sampling.

    Returns
    -------
    dict
        ``kernel, frechet`` (on 64 principal components of the reference), ``precision,
        recall`` (k = 3, all groups together), the same with ``_plain`` for plain sampling on
        the same groups and n, and ``groups``, their number. NaN where no group is large enough.
    """
    groups, sides, low = matched(arm, plain, reference, k, seed=seed)
    if not len(groups):
        names = [name + side for name in MEASURED for side in ("", "_plain")]
        return dict.fromkeys(names, np.nan) | {"groups": 0}

    def mean(measure, which: int, rows: list[np.ndarray]) -> float:
        pairs = zip(*(np.split(rows[i], len(groups)) for i in (which, 2)), strict=True)
        return float(np.mean([measure(a, b) for a, b in pairs]))

    found = {
        "kernel": mean(kernel_distance, 0, sides),
        "frechet": mean(gaussian_distance, 0, low),
        "kernel_plain": mean(kernel_distance, 1, sides),
        "frechet_plain": mean(gaussian_distance, 1, low),
    }
    groups, few = common([arm, plain, reference], k, rows=PRECISION_ROWS)
    own, free, real = (side.thinned(groups, few, seed=seed) for side in (arm, plain, reference))
    for side, rows in (("", own), ("_plain", free)):
        precision, recall = precision_recall(rows, real, k=NEIGHBOURS)
        found |= {f"precision{side}": float(precision), f"recall{side}": float(recall)}
    return found | {"groups": len(groups)}


def diversity(arm: Faces, base: Faces, k: int, *, seed: int = 0) -> float:
    """Mean distance of two faces of a group relative to the base generator's, mean over groups.

    1 is as diverse as plain sampling within each group; NaN where no group is large enough.
    """
    groups, n = common([arm, base], k, rows=DIVERSITY_ROWS * k)
    ratios = []
    for group in groups:
        few = [side.thinned([group], min(n, DIVERSITY_ROWS), seed=seed) for side in (arm, base)]
        own, free = (pdist(rows).mean() for rows in few)
        if free > 0:
            ratios.append(own / free)
    return float(np.mean(ratios)) if ratios else np.nan


def copy_threshold(real: Real | None) -> float:
    """Distance to the nearest training face that 1% of unseen real faces fall below."""
    if real is None or real.train is None:
        return np.nan
    return float(np.quantile(nearest(real.features, real.train)[0], COPY_QUANTILE))


def near_copies(features: np.ndarray, real: Real | None, threshold: float) -> float:
    """Share of faces nearer to a training face than 99% of unseen real faces are."""
    if np.isnan(threshold):
        return np.nan
    return float((nearest(features, real.train)[0] < threshold).mean())


def copies_by_cell(cells: Sequence[Stored], real: Real | None) -> dict[str, float]:
    """`near_copies` of each cell by its name: a draw that takes part in every target is looked at once."""
    threshold = copy_threshold(real)
    drawn = [s for s in cells if not (s.refused or is_base(s.cell)) and s.features is not None]
    return {stored.cell.name: near_copies(stored.features, real, threshold) for stored in drawn}


def seed_quality(
    stored: Stored, plain: Stored, base: Stored, target: Target, *, real: Real | None
) -> dict[str, float]:
    """Quality figures of one draw, see `distances` (``_real`` and ``_base``) and `diversity`;
    empty for a classifier without features."""
    if stored.features is None or plain.features is None or base.features is None:
        return {}
    k, seed = len(target.shares), stored.cell.seed
    arm, own, free = (Faces.of(s.features, s.labels, target) for s in (stored, plain, base))
    found = {f"{name}_base": v for name, v in distances(arm, own, free, k, seed=seed).items()}
    if real is not None:
        faces = Faces.of(real.features, real.labels, target)
        found |= {f"{name}_real": v for name, v in distances(arm, own, faces, k, seed=seed).items()}
    return found | {"diversity": diversity(arm, free, k, seed=seed)}


def quality_table(
    arms: list[Arm],
    targets: dict[str, Target],
    base: Stored | None,
    real: Real | None,
    *,
    resamples: int,
) -> pd.DataFrame:
    """Distances by group, all seeds together, with bootstrap intervals.

    Returns
    -------
    DataFrame
        Of groups that the target asks for: ``method, target, reference`` ("real test faces" or
        "base generator"; none where a side has under two of their faces), ``kind``
        (kernel or frechet) and the columns of :func:`gammaface.metrics.quality_by_group`.
        The n of an arm is that of its smallest group, so rows of one arm compare.
    """
    tables = []
    for arm in arms:
        features = [s.features for s in arm.draws.values() if s.features is not None]
        if not features or base is None:
            continue
        target, labels = targets[arm.target], arm.labels()
        k = len(target.names)
        own = few_of_each(Faces.of(np.concatenate(features), labels, target), k)
        references = {"base generator": Faces.of(base.features, base.labels, target)}
        if real is not None:
            references["real test faces"] = Faces.of(real.features, real.labels, target)
        names = np.array(target.names, dtype=object)
        for reference, faces in references.items():
            few = few_of_each(faces, k)
            if min(len(own.cells), len(few.cells)) < 2:
                continue  # hardly a face that the target asks for: there is no distance
            for kind in ("kernel", "frechet"):
                table = quality_by_group(
                    own.features,
                    names[own.cells],
                    few.features,
                    names[few.cells],
                    kind=kind,
                    resamples=resamples,
                )
                tables.append(table.assign(**arm.name, reference=reference, kind=kind))
    return pd.concat(tables, ignore_index=True)[list(TABLE)] if tables else pd.DataFrame(columns=TABLE)


def few_of_each(faces: Faces, k: int, *, rows: int = ROWS) -> Faces:
    """At most `rows` faces, thinned within groups: a rare one keeps all that its share allows."""
    rng = np.random.default_rng(0)
    groups = [np.flatnonzero(faces.cells == group) for group in range(k)]
    chosen = np.sort(np.concatenate([thin(own, min(len(own), rows // k), rng) for own in groups]))
    return Faces(faces.features[chosen], faces.cells[chosen])
