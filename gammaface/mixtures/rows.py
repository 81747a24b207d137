"""The rows of an array, in memory, on disk or spread over workers, as a stream of features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.cluster import kmeans_plusplus
from torch import Tensor

from gammaface.errors import GammaFaceError
from gammaface.latents import refuse_broken
from gammaface.mixtures.covariances import SHAPES
from gammaface.parallel.shards import Shard

CHUNK = 2**20  # numbers in one block of features: 4 MB in float32, which a cache holds
EXACT_ROWS = 128  # of a chunk that is copied to float64
LEAST_ROWS = 512  # of a chunk: fewer would spend the time on adding up statistics
EXACT = 2**20  # numbers up to which float64 costs nothing worth saving
MATRIX_DIMENSIONS = 1024  # beyond, one covariance matrix alone weighs more than most harvests
INIT_ROWS = 2048  # k-means++ looks at a random sample of this many rows, or of K where that is more
TRIALS = 4  # candidates per k-means++ pick; fixed, so that the picks for K begin those for K + 1


class Rows:
    """The rows of an array as features of a covariance shape, chunk by chunk.

    Parameters
    ----------
    array : numpy.ndarray or Shard
        (n, d), in memory or a memory map; of a shard only the worker's rows are read, and
        what is said of all rows is agreed between the workers.
    covariance : str
        One of :data:`gammaface.mixtures.covariances.COVARIANCES`.
    centre : numpy.ndarray, optional
        (d,) subtracted from every row; by default the mean.
    folds : numpy.ndarray, optional
        (n,) fold of each row, 0 up; -1 for rows of none.
    exact : bool, optional
        Multiply in float64 instead of float32; by default for small arrays, and for full
        covariances, whose products cancel.
    device : str
        Where to compute.

    Raises
    ------
    GammaFaceError
        Not (n, d), empty, NaN or infinite rows, too many dimensions for a matrix shape.
    """

    def __init__(
        self,
        array: np.ndarray | Shard,
        covariance: str,
        *,
        centre: np.ndarray | None = None,
        folds: np.ndarray | None = None,
        exact: bool | None = None,
        device: str = "cpu",
    ) -> None:
        self.shard = Shard.of(array)
        self.array, self.workers = self.shard.rows, self.shard.workers
        if self.array.ndim != 2 or not len(self.shard) or not self.array.shape[1]:
            raise GammaFaceError(
                f"codes of shape {self.array.shape} were given", fix="Give an array of shape (n, d)."
            )
        self.shape, self.device = SHAPES[covariance], device
        self.n, self.d = len(self.shard), self.array.shape[1]
        if self.shape.matrix and self.d > MATRIX_DIMENSIONS:
            raise GammaFaceError(
                f"covariance '{covariance}' in {self.d} dimensions",
                fix=f"Reduce the codes to {MATRIX_DIMENSIONS} dimensions or fewer with PCA, or use 'diag'.",
            )
        if exact is None:
            exact = self.n * self.d <= EXACT or covariance == "full"
        self.dtype = torch.float64 if exact else torch.float32
        self.folds = None if folds is None else torch.as_tensor(folds[self.shard.own], device=device)
        self.n_folds = 0 if folds is None else int(np.max(folds)) + 1
        self.width = self.shape.width(self.d)
        self.step = max(1, min(len(self.array), max(LEAST_ROWS, CHUNK // self.width)))
        self.centre = self._mean() if centre is None else centre

    def _block(self, start: int, step: int) -> np.ndarray:
        block = self.array[start : start + step]
        if block.dtype not in (np.float32, np.float64):
            return block.astype(np.float64)
        return block if block.flags.writeable else np.array(block)  # torch warns of read-only memory

    def _mean(self) -> np.ndarray:
        total, broken = np.zeros(self.d), np.zeros(1)
        for start in range(0, len(self.array), self.step):
            block = self._block(start, self.step)
            total += block.sum(axis=0, dtype=np.float64)
            # A row's sum is finite exactly when the row is.
            broken += (~np.isfinite(block.sum(axis=1, dtype=np.float64))).sum()
        self.workers.sum(torch.from_numpy(total), torch.from_numpy(broken))
        refuse_broken(int(broken[0]), self.n)
        # Any centre near the mean will do; one that float32 holds is subtracted alike everywhere.
        return (total / self.n).astype(np.float32).astype(np.float64)

    def chunks(self, step: int | None = None) -> Iterator[tuple[slice, Tensor]]:
        """Slices of this worker's rows and their features (b, width); the memory is used again."""
        step = step or self.step
        buffer = torch.empty(step, self.width, dtype=self.dtype, device=self.device)
        centre = torch.from_numpy(self.centre)
        for start in range(0, len(self.array), step):
            block = torch.from_numpy(self._block(start, step))
            phi = buffer[: len(block)]
            # In the wider of both types: a float32 difference would have lost what float64 is for.
            wide = torch.promote_types(block.dtype, self.dtype)
            torch.sub(block.to(self.device, wide), centre.to(self.device, wide), out=phi[:, : self.d])
            self.shape.fill(phi, self.d)
            yield slice(start, start + len(block)), phi

    def moments(self) -> tuple[Tensor, Tensor]:
        """Rows seen and their second moment about the centre, without fold -1, 0, 1, ..."""
        folds = range(self.n_folds)
        size = (self.d, self.d) if self.shape.matrix else (self.d,)
        sums = torch.zeros(len(folds) + 1, *size, dtype=torch.float64, device=self.device)
        counts = torch.zeros(len(folds) + 1, dtype=torch.float64, device=self.device)

        def second(x: Tensor) -> Tensor:
            return x.T @ x if self.shape.matrix else x.square().sum(0)

        for at, phi in self.chunks(EXACT_ROWS):
            x = phi[:, : self.d].double()
            sums[0] += second(x)
            counts[0] += len(x)
            for fold in folds:
                inside = x[self.folds[at] == fold]
                sums[fold + 1] += second(inside)
                counts[fold + 1] += len(inside)
        self.workers.sum(sums, counts)
        sums[1:], counts[1:] = sums[0] - sums[1:], counts[0] - counts[1:]
        return counts, sums / counts.clamp_min(1).view(-1, *[1] * len(size))


def pick_means(
    array: np.ndarray | Shard, k: int, *, seed: int, candidates: np.ndarray | None = None
) -> np.ndarray:
    """k-means++ picks (Arthur and Vassilvitskii 2007): (k, d), rows of the array.

    The first K of them are the picks for K. Of more than `INIT_ROWS` rows a random sample of
    that many is looked at.

    Raises
    ------
    GammaFaceError
        When k is below 1 or above the number of rows.
    """
    candidates = np.arange(len(array)) if candidates is None else candidates
    if not 1 <= k <= len(candidates):
        raise GammaFaceError(
            f"K={k} components for {len(candidates)} latents",
            fix=f"Harvest more, or give 1 <= K <= {len(candidates)}.",
        )
    if len(candidates) > (size := max(INIT_ROWS, k)):
        candidates = np.sort(np.random.default_rng(seed).choice(candidates, size, replace=False))
    rows = Shard.of(array).take(candidates)
    return kmeans_plusplus(rows, k, random_state=seed, n_local_trials=TRIALS)[0].astype(np.float64)
