"""Originals with generated faces: as they come, or chosen to fill the gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gammaface.baselines.mixing import draw_even, draw_spread, share_out
from gammaface.baselines.problem import Examples, Problem, Trained, join
from gammaface.baselines.trainer import predict, train_on

PRIOR = 5  # faces
REPEATS = 20  # of one generated face at most: more would teach that face


def augmented(problem: Problem) -> Trained:
    """Train on a mix with generated faces as their strategy drew them (GAMMA-FACE, sec. 3.5).

    ``gamma-face`` and ``plain-augment`` differ in nothing but where the faces come from.
    """
    originals, n, rng = kept_originals(problem)
    pool = problem.need("generated")
    return train_on_mix(problem, originals, pool, draw_spread(len(pool), n, rng=rng))


def targeted(problem: Problem) -> Trained:
    """Spend the same number of generated faces where a classifier of originals does worst.

    A (class, group) cell's gap is how far its recall lies below the best group's of its
    class, as `audited` measures it; generated faces are given to cells in proportion to
    their gaps, each face up to `REPEATS` times. ``gaps_filled`` says how much of that the
    pool could give; the rest goes to the other cells.
    """
    pool = problem.need("generated")
    right, seen = audited(problem)
    gaps = recall_gaps(problem, right)
    originals, n, rng = kept_originals(problem)
    size = problem.n_classes * problem.n_groups
    cells = problem.strata(pool)
    repeats = max(REPEATS, -(-n // len(pool)))
    wanted = share_out(gaps, np.full(size, n), n)
    added = share_out(gaps, np.bincount(cells, minlength=size) * repeats, n)
    rows = [np.flatnonzero(cells == cell) for cell in range(size)]
    picked = [r[draw_spread(len(r), k, rng=rng)] for r, k in zip(rows, added, strict=True) if k]
    trained = train_on_mix(problem, originals, pool, np.concatenate([np.empty(0, int), *picked]))
    measured = {
        "gaps": gaps.round(4).tolist(),
        "gaps_filled": round(float(np.minimum(wanted, added).sum() / n), 4),
        "images_seen_by_the_audit": seen,
        "images_seen": trained.facts["images_seen"] + seen,
    }
    return Trained(trained.network, trained.facts | measured)


def audited(problem: Problem) -> tuple[np.ndarray, int]:
    """Whether each original is recognised by a classifier that did not see it, and what that took.

    Two classifiers, each of one half and half the budget, label the other half: validation
    faces alone are too few of a rare cell, and test faces are not for choosing.

    Returns
    -------
    (boolean array of shape (n,), int)
        In the order of the originals; pictures that were shown to both.
    """
    n, recipe = len(problem.originals), problem.recipe
    order = np.random.default_rng([problem.seed, 2]).permutation(n)
    half = replace(problem, recipe=replace(recipe, images=max(1, recipe.images // 2)))
    right, seen = np.zeros(n, dtype=bool), 0
    for own, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        trained = train_on(half, problem.originals.take(own))
        unseen = problem.originals.take(other)
        right[other] = predict(trained.network, unseen.images, device=recipe.device).argmax(1) == unseen.y
        seen += trained.facts["images_seen"]
    return right, seen


def recall_gaps(problem: Problem, right: np.ndarray) -> np.ndarray:
    """How far each (class, group) cell's recall lies below its class's best one, float (cells,).

    `right` tells it of each original. Recalls of small cells are drawn towards their class's
    as if `PRIOR` more faces had it, so that three faces do not command the budget.
    """
    cells, shape = problem.strata(problem.originals), (problem.n_classes, problem.n_groups)
    counts = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
    hits = np.bincount(cells, weights=right, minlength=np.prod(shape)).reshape(shape)
    of_class = hits.sum(1, keepdims=True) / np.maximum(counts.sum(1, keepdims=True), 1)
    recalls = (hits + PRIOR * of_class) / (counts + PRIOR)
    return (recalls.max(1, keepdims=True) - recalls).ravel()


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
