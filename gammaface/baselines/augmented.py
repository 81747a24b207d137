"""Originals with generated faces: as they come, or chosen to fill the gaps."""

from __future__ import annotations

import numpy as np

from gammaface.baselines.mixing import draw_even, draw_spread, fill_gaps
from gammaface.baselines.problem import Examples, Problem, Trained, join
from gammaface.baselines.trainer import train_on


def augmented(problem: Problem) -> Trained:
    """Train on a mix with generated faces as their strategy drew them (GAMMA-FACE, sec. 3.5).

    ``gamma-face`` and ``plain-augment`` differ in nothing but where the faces come from.
    """
    originals, n, rng = kept_originals(problem)
    pool = problem.need("generated")
    return train_on_mix(problem, originals, pool, draw_spread(len(pool), n, rng=rng))


def targeted(problem: Problem) -> Trained:
    """Spend the same number of generated faces on the smallest (class, group) cells.

    The gaps are measured on the originals that are kept. Faces are repeated only where
    the whole pool is smaller than the number asked for.
    """
    originals, n, rng = kept_originals(problem)
    pool = problem.need("generated")
    size = problem.n_classes * problem.n_groups
    cells = problem.strata(pool)
    repeats = max(1, -(-n // len(pool)))
    counts = np.bincount(problem.strata(originals), minlength=size)
    added = fill_gaps(counts, np.bincount(cells, minlength=size) * repeats, n)
    rows = [np.flatnonzero(cells == cell) for cell in range(size)]
    picked = [r[draw_spread(len(r), k, rng=rng)] for r, k in zip(rows, added, strict=True) if k]
    return train_on_mix(problem, originals, pool, np.concatenate([np.empty(0, int), *picked]))


def kept_originals(problem: Problem) -> tuple[Examples, int, np.random.Generator]:
    """The originals that a mix keeps, how many generated faces join them, and a source of draws."""
    rng = np.random.default_rng([problem.seed, 1])
    kept, generated = problem.mix.sizes(len(problem.originals))
    return problem.originals.take(draw_even(problem.originals.y, kept, rng=rng)), generated, rng


def train_on_mix(problem: Problem, originals: Examples, pool: Examples, rows: np.ndarray) -> Trained:
    """Train on originals and these rows of the pool, and count both."""
    added = pool.take(rows)
    facts = {
        "n_original": len(originals),
        "n_generated": len(added),
        "n_distinct_generated": len(np.unique(rows)),
        "generated_by_class": np.bincount(added.y, minlength=problem.n_classes).tolist(),
        "generated_by_cell": np.bincount(
            problem.strata(added), minlength=problem.n_classes * problem.n_groups
        ).tolist(),
    }
    return train_on(problem, join([originals, added]), facts=facts)
