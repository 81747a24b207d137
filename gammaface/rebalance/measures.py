"""What is measured of each set that a row draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gammaface.audit.evenness import discrepancy
from gammaface.audit.quality import distances, diversity
from gammaface.metrics import class_shares, cleam, frechet_distance, kernel_distance
from gammaface.metrics.paired import MIN_N
from gammaface.metrics.quality import thin
from gammaface.metrics.quality_by_group import DIMENSIONS
from gammaface.rebalance.critic import Critic
from gammaface.rebalance.guard import CopyCheck
from gammaface.rebalance.scores import inception_score
from gammaface.rebalance.sets import Seen

LIMIT = 2000  # pictures of a side, where all are compared with all


def measure_set(
    seen: Seen,
    plain: Seen,
    base: Seen,
    reference: Seen,
    critic: Critic,
    *,
    copies: CopyCheck | None = None,
    number: int = 0,
) -> dict[str, float]:
    """Every figure of one set.

    Parameters
    ----------
    plain : Seen
        Plain's set at the same seeds.
    base : Seen
        Plain draws of a seed of their own.
    reference : Seen
        Real pictures, or `base` in their absence.
    copies : CopyCheck, optional
        Of what the row was trained on.

    Returns
    -------
    dict
        ``fd, fd_soft, fd_corrected`` (NaN without recalls); ``confidence`` (the likeliest
        group's probability, mean within groups, then over them); ``score``
        (`inception_score`); group-matched ``frechet, kernel, precision, recall`` with
        ``_plain`` beside, ``compared`` (number of groups that were large enough), see
        :func:`gammaface.audit.quality.distances`; ``frechet_all, kernel_all``, as papers have
        them, moved by shares alone; ``diversity``; ``near_copies``.
    """
    k, even = critic.k, critic.target.shares
    hard = class_shares(seen.cells, k)
    corrected = (
        np.nan if critic.confusion is None else discrepancy(cleam(hard, critic.confusion).shares, even)
    )
    matched = distances(seen.faces, plain.faces, reference.faces, k, seed=number)
    return {
        "fd": discrepancy(hard, even),
        "fd_soft": discrepancy(class_shares(seen.cells, k, kind="soft"), even),
        "fd_corrected": corrected,
        "confidence": confidence(seen.cells),
        "score": inception_score(seen.cells),
        **{name: value for name, value in matched.items() if name != "groups"},
        "compared": float(matched["groups"]),
        **overall(seen, reference),
        "diversity": diversity(seen.faces, base.faces, k, seed=number),
        "near_copies": np.nan if copies is None else copies.near_copies(seen.features[:LIMIT]),
    }


def confidence(cells: np.ndarray) -> float:
    """Mean probability of the likeliest group within each group of 30 or more, then over them.

    A stand-in for quality without a reference: a picture that nobody could name is a poor one.
    Shares cannot move it, but a confident classifier may be wrong.
    """
    labels, sure = cells.argmax(1), cells.max(1)
    groups = [sure[labels == g].mean() for g in np.unique(labels) if (labels == g).sum() >= MIN_N]
    return float(np.mean(groups)) if groups else np.nan


def overall(seen: Seen, reference: Seen) -> dict[str, float]:
    """Distances over all pictures together, whatever their groups; equal n on both sides.

    Of more real pictures the same ones are drawn at random for every set: files are often sorted.
    """
    n = min(len(seen.features), len(reference.features), LIMIT)
    a, b = seen.features[:n], thin(reference.features, n, np.random.default_rng(0))
    if n < MIN_N:
        return {"frechet_all": np.nan, "kernel_all": np.nan}
    return {
        "frechet_all": float(frechet_distance(a, b, dimensions=min(DIMENSIONS, a.shape[1], n - 1))),
        "kernel_all": float(kernel_distance(a, b)),
    }


def by_set(
    row: str,
    sets: Sequence[Seen],
    plain: Sequence[Seen],
    base: Seen,
    reference: Seen,
    critic: Critic,
    trained_on: np.ndarray | None,
) -> pd.DataFrame:
    """`measure_set` of every set of a row, trained on features (m, d): ``row, set, metric, value``."""
    rows, copies = [], None if trained_on is None else CopyCheck.of(trained_on, base.features[:LIMIT])
    for number, (seen, free) in enumerate(zip(sets, plain, strict=True)):
        found = measure_set(seen, free, base, reference, critic, copies=copies, number=number)
        rows += [{"row": row, "set": number, "metric": m, "value": v} for m, v in found.items()]
    return pd.DataFrame(rows, columns=["row", "set", "metric", "value"])
