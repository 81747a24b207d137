"""The rows of one array, spread over workers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gammaface.parallel.workers import ALONE, Workers


@dataclass(frozen=True)
class Shard:
    """One worker's rows of an array (n, d).

    Attributes
    ----------
    rows : numpy.ndarray
        (m, d) consecutive rows, in memory or a memory map.
    first : int
        Where they lie among all.
    n : int
        Rows of all workers together.
    workers : Workers
    """

    rows: np.ndarray
    first: int
    n: int
    workers: Workers = ALONE

    @classmethod
    def of(cls, array: np.ndarray | Shard, workers: Workers = ALONE) -> Shard:
        """This worker's part of an array that all of them can read; a shard stays as it is."""
        if isinstance(array, Shard):
            return array
        mine = workers.share(range(len(array)))
        return cls(array[mine.start : mine.stop], mine.start, len(array), workers)

    def __len__(self) -> int:
        return self.n

    @property
    def own(self) -> slice:
        """The worker's part of anything that has an entry per row of the whole array."""
        return slice(self.first, self.first + len(self.rows))

    def take(self, places: np.ndarray) -> np.ndarray:
        """Rows of the whole array, whoever holds them: (len(places), d), on every worker."""
        places = np.asarray(places)
        if self.workers.count == 1:
            return np.array(self.rows[places])
        import torch

        found = np.zeros((len(places), *self.rows.shape[1:]), dtype=self.rows.dtype)
        mine = np.flatnonzero((places >= self.first) & (places < self.own.stop))
        found[mine] = self.rows[places[mine] - self.first]
        self.workers.sum(torch.from_numpy(found))
        return found
