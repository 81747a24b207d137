"""What a strategy is asked for, what it returns, and the two loops that all share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from gammaface.generators import Generator, micro_batches, seeded
from gammaface.latents import Progress
from gammaface.mixture import LatentMixture
from gammaface.sampling import Callback, get_sampler, timestep_path


@dataclass(frozen=True)
class Request:
    """What a strategy is asked for."""

    generator: Generator
    mixture: LatentMixture | None
    seeds: np.ndarray  # (n,) int64
    places: np.ndarray  # (n,) position of each seed in its run; decides its component
    injection: str
    steps: int
    sampler: str
    batch_size: int
    progress: Progress | None
    callback: Callback | None
    through: int | None  # the harvest's timestep, so that paths pass it

    def path(self) -> list[int]:
        """The whole way from noise to clean."""
        return timestep_path(self.generator.train_steps, self.steps, through=self.through)

    def denoise(self, x, path, streams) -> torch.Tensor:
        return get_sampler(self.sampler)(
            self.generator.predict,
            x,
            path,
            alphas=self.generator.alphas,
            generators=streams,
            callback=self.callback,
        )


@dataclass(frozen=True)
class Drawn:
    images: torch.Tensor
    seeds: np.ndarray
    components: np.ndarray
    evaluations: int


def finish(request: Request, xs, streams, path) -> torch.Tensor:
    images = []
    for rows, real in micro_batches(np.arange(len(xs)), request.batch_size):
        x = request.denoise(torch.stack([xs[i] for i in rows]), path, [streams[i] for i in rows])
        images.append(request.generator.decode(x)[:real])
        if request.progress:
            request.progress(min(len(xs), sum(map(len, images))), len(xs))
    return torch.cat(images)


def draw(request: Request, components: np.ndarray, start: Callable, start_at: int | None = None):
    """Denoise every seed from ``start(streams, components)`` and decode it."""
    path = request.path()
    path = path if start_at is None else path[path.index(start_at) :]
    images, done = [], 0
    order = np.arange(len(request.seeds))
    for rows, real in micro_batches(order, request.batch_size):
        streams = seeded(request.seeds[rows])
        x = request.denoise(start(streams, components[rows]), path, streams)
        images.append(request.generator.decode(x)[:real])
        done += real
        if request.progress:
            request.progress(done, len(order))
    evaluations = len(order) * (len(path) - 1)
    return Drawn(torch.cat(images), request.seeds, components, evaluations)
