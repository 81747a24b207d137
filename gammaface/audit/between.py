"""How far groups lie from each other, beside how far a group lies from itself.

Groups of real faces differ by much more than two halves of one group do (GAN rebalancing,
fig. 3). A generator that draws every group with the same few faces loses that.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gammaface.audit.arms import Arm
from gammaface.audit.quality import Faces
from gammaface.audit.reference import Real
from gammaface.metrics import kernel_distance
from gammaface.metrics.paired import MIN_N
from gammaface.metrics.quality import gaussian_distance, project
from gammaface.metrics.quality_by_group import DIMENSIONS
from gammaface.strategies import Target

ROWS = 500  # faces of a half at most
REAL = "real test faces"
COLUMNS = ["method", "target", "kind", "group", "other", "value", "n", "note"]


def between_table(arms: list[Arm], targets: dict[str, Target], real: Real | None) -> pd.DataFrame:
    """Distances between the groups of each arm, all seeds together, and of real faces.

    Returns
    -------
    DataFrame
        ``method`` ("real test faces" for those), ``target, kind`` (kernel, or frechet on 64
        principal components), ``group, other, value`` (both orders are there; a group
        against itself is two disjoint halves), ``n`` (faces on each side: one number for
        all pairs of an arm, so that they compare) and ``note`` for groups left out.
    """
    tables = []
    for name, target in targets.items():
        for arm in arms:
            parts = [s.features for s in arm.draws.values() if s.features is not None]
            if arm.target == name and parts:
                faces = Faces.every(np.concatenate(parts), arm.labels(), target)
                tables.append(group_distances(faces, target).assign(**arm.name))
        if real is not None:
            faces = Faces.every(real.features, real.labels, target)
            tables.append(group_distances(faces, target).assign(method=REAL, target=name))
    return pd.concat(tables, ignore_index=True)[COLUMNS] if tables else pd.DataFrame(columns=COLUMNS)


def group_distances(faces: Faces, target: Target, *, seed: int = 0) -> pd.DataFrame:
    """Every pair of a target's groups: ``kind, group, other, value, n, note``."""
    k, rng = len(target.names), np.random.default_rng(seed)
    counts = faces.counts(k)
    usable = np.flatnonzero(counts // 2 >= MIN_N)
    n = min([ROWS, *(counts[usable] // 2)])
    halves = {}
    for group in usable:
        rows = rng.permutation(np.flatnonzero(faces.cells == group))
        halves[group] = faces.features[rows[:n]], faces.features[rows[n : 2 * n]]
    rows = []
    for i, group in enumerate(target.names):
        for j, other in enumerate(target.names):
            pair = {"group": group, "other": other}
            few = [f"{counts[g]} faces of {target.names[g]}" for g in {i, j} if g not in halves]
            if few:
                note = f"{' and '.join(few)}: {2 * MIN_N} are needed"
                rows += [pair | {"kind": kind, "value": np.nan, "n": 0, "note": note} for kind in KINDS]
                continue
            one, two = sorted((i, j))  # the same pair gives the same number in either order
            sides = halves[one][0], halves[two][1]
            for kind, measure in KINDS.items():
                rows.append(pair | {"kind": kind, "value": measure(*sides), "n": n, "note": ""})
    return pd.DataFrame(rows)


def _frechet(a: np.ndarray, b: np.ndarray) -> float:
    axes = min(DIMENSIONS, a.shape[1], 2 * len(a) - 1)
    both = project(np.concatenate([a, b]), np.concatenate([a, b]), axes)[0]
    return gaussian_distance(*np.split(both, 2))


KINDS = {"kernel": lambda a, b: float(kernel_distance(a, b)), "frechet": _frechet}
