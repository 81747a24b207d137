"""Codes pushed along linear attribute directions, one mixture per cell (Tan et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from gammaface.mixture import LatentMixture
from gammaface.strategies.pilot import Pilot, draw_pilot
from gammaface.strategies.reading import fit_reader
from gammaface.strategies.request import Drawn, Learned, Request, draw
from gammaface.strategies.strategy import described
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


@dataclass(frozen=True)
class CellMixtures:
    """A diagonal mixture of codes at timestep t for each cell that is asked for."""

    t: int
    by_cell: dict[int, LatentMixture]


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


def learn(request: Request) -> Learned:
    """A mixture of pushed codes for every cell, from a pilot."""
    t, target = request.nearest(request.options["sqrt_abar"]), request.target
    pilot = draw_pilot(request, codes=[("x_t", t)])
    codes = pilot.codes["x_t", t].astype(np.float64)
    found = find_directions(pilot, codes, target)
    mixtures = {}
    for cell in np.flatnonzero(target.shares):
        rows, distances = found.towards(target, cell, request.options["distance"])
        pushed = push(codes, found.normals[rows], found.offsets[rows], distances)
        mixtures[int(cell)] = LatentMixture(request.options["components"], seed=0).fit(pushed)
    notes = {"timestep": t, "sqrt_abar": round(request.generator.sqrt_abar(t), 4)}
    return Learned(CellMixtures(t, mixtures), pilot.evaluations, notes)


def latent_directions(request: Request) -> Drawn:
    """Draw each place's code from its cell's mixture and denoise it."""
    learned = request.learned.value
    shape = request.generator.shape
    means = {c: torch.from_numpy(m.means_).float() for c, m in learned.by_cell.items()}
    spreads = {c: torch.from_numpy(np.sqrt(m.covariances_)).float() for c, m in learned.by_cell.items()}
    weights = {c: torch.from_numpy(m.weights_).cumsum(0) for c, m in learned.by_cell.items()}

    def start(streams: list[torch.Generator], cells: np.ndarray) -> torch.Tensor:
        codes = request.generator.noise(streams)
        for row, (stream, cell) in enumerate(zip(streams, cells.tolist(), strict=True)):
            point = torch.rand(1, generator=stream, dtype=torch.float64)
            k = min(int(torch.searchsorted(weights[cell], point)), len(weights[cell]) - 1)
            codes[row] = means[cell][k].view(shape) + spreads[cell][k].view(shape) * codes[row]
        return codes

    cells = request.cells()
    drawn = draw(request, cells, start, start_at=learned.t)
    return replace(drawn, components=np.full(len(cells), -1), cells=cells)


LATENT_DIRECTIONS = described("latent-directions", latent_directions, learn=learn)
