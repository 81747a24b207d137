"""A pilot: images drawn plainly and labelled once, for a strategy to learn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import SEEDS_PER_RUN, micro_batches, seeded
from gammaface.strategies.labelling import cells_of
from gammaface.strategies.request import PILOT_SEEDS, Request
from gammaface.strategies.tap import Place, tapped
from gammaface.strategies.target import Target


@dataclass(frozen=True)
class Pilot:
    """Labelled plain draws.

    Attributes
    ----------
    seeds : numpy.ndarray
        (p,) int64; none of them is ever delivered in the same run.
    noise : torch.Tensor
        (p, c, h, w) float32, the x_T each began at.
    probabilities : dict of str to numpy.ndarray
        (p, classes) by attribute, as the labeller gives them.
    codes : dict of (space, timestep) to numpy.ndarray
        (p, d), read along the same path.
    evaluations : int
        Network evaluations spent.
    """

    seeds: np.ndarray
    noise: torch.Tensor
    probabilities: dict[str, np.ndarray]
    codes: dict[Place, np.ndarray]
    evaluations: int

    def labels(self, attribute: str) -> np.ndarray:
        """The likeliest class of each image, (p,) int."""
        return self.probabilities[attribute].argmax(axis=1)

    def cells(self, target: Target) -> np.ndarray:
        """The likeliest joint cell of each image, (p,) int."""
        return cells_of(target, self.probabilities)


def pilot_seeds(run_seed: int, n: int) -> np.ndarray:
    """The last tenth of a run's seeds, which no pool reaches.

    Examples
    --------
    >>> pilot_seeds(0, 2).tolist()
    [90000000, 90000001]
    """
    if n > PILOT_SEEDS:
        raise GammaFaceError(f"a pilot of {n:,} images", fix=f"Give {PILOT_SEEDS:,} or fewer.")
    return (run_seed + 1) * SEEDS_PER_RUN - PILOT_SEEDS + np.arange(n, dtype=np.int64)


def draw_pilot(request: Request, *, codes: Iterable[Place] = (), dtype=np.float32) -> Pilot:
    """Draw and label ``request.pilot`` images, and read codes on the way.

    Parameters
    ----------
    codes : iterable of (space, timestep)
        Timesteps must lie on ``request.path()``.
    dtype : numpy dtype
        The codes are kept in; half precision where h is read at every step.

    Raises
    ------
    GammaFaceError
        A timestep off the path, an unknown space, a model without a mid block.
    """
    path, wanted = request.path(), list(codes)
    for _, t in wanted:
        if t not in path[:-1]:
            raise GammaFaceError(f"t={t} is not on the path", fix="Use Request.nearest or through.")
    seeds = pilot_seeds(request.run_seed, request.pilot)
    noise, labels, read = [], [], {place: [] for place in wanted}
    with tapped(request.generator, wanted) as tap:
        for chunk, real in micro_batches(seeds, request.batch_size):
            streams = seeded(chunk)
            start = request.generator.noise(streams)
            x = request.denoise(start, path, streams, watch=tap.watch)
            images = request.generator.decode(x)[:real]
            noise.append(start[:real])
            labels.append(request.labeller.probabilities(images))
            for place in wanted:
                read[place].append(tap.codes[place][:real].numpy().astype(dtype))
    return Pilot(
        seeds=seeds,
        noise=torch.cat(noise),
        probabilities={name: np.concatenate([part[name] for part in labels]) for name in labels[0]},
        codes={place: np.concatenate(parts) for place, parts in read.items()},
        evaluations=len(seeds) * request.price(),
    )
