"""Codes pushed across linear boundaries between classes, one mixture per cell (Tan et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gammaface.mixture import LatentMixture
from gammaface.strategies.pilot import Pilot
from gammaface.strategies.reading import fit_reader
from gammaface.strategies.target import Target


@dataclass(frozen=True)
class Directions:
    """Unit normals (m, d) and offsets (m,) of boundaries; ``positive[i]`` is the attribute and
    the class on the far side of boundary i."""

    normals: np.ndarray
    offsets: np.ndarray
    positive: tuple[tuple[str, int], ...]

    def towards(self, target: Target, cell: int, distance: float) -> tuple[np.ndarray, np.ndarray]:
        """The boundaries that a cell is pushed along, and the signed distance from each.

        Of two classes there is one boundary with a side for each; of more, a class has a
        boundary of its own and is pushed away from the rest.
        """
        rows, distances = [], []
        for row, (name, positive) in enumerate(self.positive):
            mine = int(target.class_of(cell, name)) == positive
            two = len(target.classes[target.attributes.index(name)]) == 2
            if mine or two:
                rows.append(row)
                distances.append(distance if mine else -distance)
        return np.array(rows), np.array(distances)

    def pushed(self, codes: np.ndarray, target: Target, cell: int, distance: float) -> np.ndarray:
        """Codes (n, d) as those of a cell."""
        rows, distances = self.towards(target, cell, distance)
        return push(codes, self.normals[rows], self.offsets[rows], distances)


@dataclass(frozen=True)
class CellMixtures:
    """A diagonal mixture of pushed codes for each cell that is asked for."""

    by_cell: dict[int, LatentMixture]

    @classmethod
    def fit(cls, codes: dict[int, np.ndarray], *, components: int) -> CellMixtures:
        """Of codes (n, d) by cell."""
        return cls({cell: LatentMixture(components, seed=0).fit(z) for cell, z in codes.items()})

    def draw(self, cells: np.ndarray, streams: list[torch.Generator], noise: torch.Tensor) -> torch.Tensor:
        """A code for each cell (b,), (b, d): `noise` (b, d), moved and stretched to a component,
        which the row's own stream decides."""
        codes = torch.empty_like(noise)
        for row, (stream, cell) in enumerate(zip(streams, cells.tolist(), strict=True)):
            mixture = self.by_cell[cell]
            point = torch.rand(1, generator=stream, dtype=torch.float64)
            weights = torch.from_numpy(mixture.weights_).cumsum(0)
            k = min(int(torch.searchsorted(weights, point)), len(weights) - 1)
            spread = torch.from_numpy(np.sqrt(mixture.covariances_[k])).float()
            codes[row] = torch.from_numpy(mixture.means_[k]).float() + spread * noise[row]
        return codes


def push(codes: np.ndarray, normals: np.ndarray, offsets: np.ndarray, distances: np.ndarray) -> np.ndarray:
    r"""Move codes the shortest way to given signed distances from boundaries.

    .. math:: x' = x + N^T (N N^T)^{-1} (distances - N x - offsets)

    Source: Tan et al. 2020, sec. 3, for one boundary; several are met at once.

    Parameters
    ----------
    codes : array of shape (n, d)
    normals : array of shape (m, d)
        Unit length, linearly independent.
    offsets, distances : arrays of shape (m,)

    Returns
    -------
    array of shape (n, d)

    Examples
    --------
    >>> moved = push(np.ones((1, 2)), np.array([[.6, .8]]), np.zeros(1), np.array([3.0]))
    >>> moved.round(2).tolist()
    [[1.96, 2.28]]
    """
    missing = distances - codes @ normals.T - offsets
    return codes + missing @ np.linalg.solve(normals @ normals.T, normals)


def find_directions(pilot: Pilot, codes: np.ndarray, target: Target) -> Directions:
    """Boundaries between the classes of each attribute, in the codes' own units."""
    normals, offsets, positive = [], [], []
    for name, words in zip(target.attributes, target.classes, strict=True):
        labels = pilot.labels(name)
        asked = np.unique(target.class_of(np.flatnonzero(target.shares), name))
        for number in [1] if len(words) == 2 else asked:
            one = np.array([f"not {words[number]}", words[number]])
            reader = fit_reader(codes, (labels == number) * 1, one, np.ones(2, bool), attribute=name)
            scale, line = reader.probe[0], reader.probe[1]
            normal = line.coef_[0] / scale.scale_
            length = np.linalg.norm(normal)
            normals.append(normal / length)
            offsets.append((line.intercept_[0] - normal @ scale.mean_) / length)
            positive.append((name, int(number)))
    return Directions(np.array(normals), np.array(offsets), tuple(positive))
