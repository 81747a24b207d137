"""What the sweep's table says of each K, from rows that may lie on several workers."""

from __future__ import annotations

from hashlib import blake2b
from itertools import combinations

import numpy as np
import torch

from gammaface.mixture import aic, bic
from gammaface.mixtures.rows import Rows
from gammaface.mixtures.stack import Description, Fit
from gammaface.parallel.shards import Shard
from gammaface.parallel.workers import Workers


def totals(described: Description, held: np.ndarray) -> tuple[float, float, float, int]:
    """Of a worker's rows: log-likelihood, entropy, and log-likelihood and number of the held-out."""
    likelihood = described.log_likelihood
    return likelihood.sum(), described.entropy * len(likelihood), likelihood[held].sum(), held.sum()


def summary(fit: Fit, sums: np.ndarray, n: int, parameters: int) -> dict:
    """What the table says of the likeliest fit, from the `totals` of all workers."""
    likelihood, entropy = sums[:2]
    return {
        "k": len(fit.weights),
        "n_parameters": parameters,
        "n_per_parameter": n / parameters,
        "log_likelihood": float(likelihood / n),
        "bic": bic(likelihood, parameters, n),
        "aic": aic(likelihood, parameters),
        "smallest_weight": float(fit.weights.min()),
        "responsibility_entropy": float(entropy / n),
        "iterations": len(fit.curve),
        "converged": fit.converged,
        "repairs": fit.repairs,
        "curve": fit.curve.tolist(),
    }


def held_out(folds: np.ndarray) -> dict:
    """From the log-likelihood and the number of rows of each fold, (folds, 2)."""
    likelihood, rows = folds.T
    return {
        "heldout_loglik": float(likelihood.sum() / rows.sum()) if len(folds) else np.nan,
        "heldout_sd": float(np.std(likelihood / rows, ddof=1)) if len(folds) else np.nan,
    }


def stability(labels: list[np.ndarray], k: int, workers: Workers) -> float:
    """Mean adjusted Rand index between the clusterings of several fits."""
    agreements = []
    for a, b in combinations(labels, 2):
        together = torch.from_numpy(np.bincount(a.astype(np.int64) * k + b, minlength=k * k))
        workers.sum(together)
        agreements.append(_rand_index(together.numpy().reshape(k, k)))
    return float(np.mean(agreements)) if agreements else 1.0


def _rand_index(table: np.ndarray) -> float:
    """Adjusted Rand index of a contingency table (Hubert and Arabie 1985, eq. 5).

    Examples
    --------
    >>> round(_rand_index(np.array([[2, 1], [0, 3]])), 4)
    0.3243
    """

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1.0)).sum() / 2)

    rows, columns = pairs(table.sum(0)), pairs(table.sum(1))
    by_chance = rows * columns / max(1.0, pairs(table.sum()))
    best = (rows + columns) / 2
    return (pairs(table) - by_chance) / (best - by_chance) if best > by_chance else 1.0


def distinct(array: Shard) -> int:
    """How many rows differ, by their 64-bit hashes."""
    rows = (blake2b(np.ascontiguousarray(row), digest_size=8).digest() for row in array.rows)
    hashes = b"".join(array.workers.gather(b"".join(rows)))
    return len(np.unique(np.frombuffer(hashes, dtype=np.uint64)))


def constant_dimensions(rows: Rows) -> int:
    """Dimensions in which all rows are the same."""
    first = rows.shard.take(np.zeros(1, dtype=np.int64))[0]
    changed = torch.zeros(rows.d, dtype=torch.int64)
    for start in range(0, len(rows.array), rows.step):
        differs = (rows.array[start : start + rows.step] != first).any(axis=0)
        changed += torch.from_numpy(differs)
    rows.workers.sum(changed)
    return int((changed == 0).sum())
