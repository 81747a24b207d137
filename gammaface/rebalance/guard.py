"""Against model collapse: is a generation still as diverse, and does it copy what it was fed?

A generator that learns from generated pictures loses rare ones first (Shumailov et al. 2024).
So each trained row is measured, and no further generation is begun when one fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gammaface.metrics import nearest

LEAST_DIVERSITY = 0.9  # of plain sampling's, within groups
MOST_COPIES = 0.05
COPY_QUANTILE = 0.01  # of fresh plain draws are nearer to a training picture
LEAST_RECALL = 0.8  # of plain sampling's


@dataclass(frozen=True)
class Verdict:
    """Whether another generation may follow, and why not."""

    go_on: bool
    words: str


@dataclass(frozen=True)
class CopyCheck:
    """What a row was trained on.

    Attributes
    ----------
    trained_on : numpy.ndarray
        (m, d) features of its training pictures.
    threshold : float
        Distance to the nearest of them that 1% of fresh plain draws fall below.
    """

    trained_on: np.ndarray
    threshold: float

    @classmethod
    def of(cls, trained_on: np.ndarray, fresh: np.ndarray) -> CopyCheck:
        """`fresh` (n, d) are features of plain draws that no row was trained on."""
        return cls(trained_on, float(np.quantile(nearest(fresh, trained_on)[0], COPY_QUANTILE)))

    def near_copies(self, generated: np.ndarray) -> float:
        """Share of generated features (n, d) nearer to a training picture than 99% of fresh draws.

        .01 is expected of pictures that copy nothing and are spread as plain draws are.
        """
        return float((nearest(generated, self.trained_on)[0] < self.threshold).mean())


def judge(row: Mapping[str, float]) -> Verdict:
    """Look at a row of the table ``rows``.

    Parameters
    ----------
    row : mapping
        ``diversity, diversity_low, diversity_high, near_copies, recall, recall_plain`` (on the same
        groups and n); NaN for what was not measured, which is no reason to stop.
    """
    reasons = []
    # One set has no interval: then the value itself must do.
    high = row["diversity"] if np.isnan(row["diversity_high"]) else row["diversity_high"]
    if high < LEAST_DIVERSITY:
        reasons.append(f"within groups its pictures are {row['diversity']:.2f} times as diverse as plain's")
    if row["near_copies"] > MOST_COPIES:
        reasons.append(f"{row['near_copies']:.1%} are near copies of its training pictures (1% expected)")
    if row["recall"] < LEAST_RECALL * row["recall_plain"]:
        reasons.append(f"its recall is {row['recall']:.2f}, plain's {row['recall_plain']:.2f}")
    if reasons:
        return Verdict(False, f"signs of collapse: {'; '.join(reasons)}")
    parts = []
    if not np.isnan(row["diversity"]):
        parts.append(f"{row['diversity']:.2f} times plain's diversity within groups")
    if not np.isnan(row["near_copies"]):
        parts.append(f"{row['near_copies']:.1%} near copies")
    return Verdict(True, f"no sign of collapse ({', '.join(parts) or 'too few pictures to tell'})")
