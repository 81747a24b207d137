"""The one door to every strategy: balance(), and the images of given seeds.

Evenness over mixture components is what the paper asks for; whether it makes people even
is measured elsewhere, never assumed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from gammaface.generators import MICRO_BATCH, Generator, seeds_for
from gammaface.latents import Progress
from gammaface.mixture import LatentMixture
from gammaface.sampling import Callback
from gammaface.strategies import Request, get_strategy, plain


@dataclass(frozen=True)
class Batch:
    """Images and where they come from.

    Attributes
    ----------
    images : torch.Tensor
        (n, 3, H, W) float32 in [-1, 1].
    seeds : numpy.ndarray
        (n,) int64.
    components : numpy.ndarray
        (n,) int64; the component each image was drawn for, -1 where there is none.
    evaluations : int
        Network evaluations spent, on all images together.
    seconds : float
        Wall time.
    """

    images: torch.Tensor
    seeds: np.ndarray
    components: np.ndarray
    evaluations: int
    seconds: float


def balance(
    generator: Generator,
    mixture: LatentMixture | None = None,
    *,
    n: int,
    strategy: str = "component-uniform",
    injection: str = "mean-noise",
    seed: int = 0,
    steps: int = 50,
    sampler: str = "ddim",
    batch_size: int = MICRO_BATCH,
    progress: Progress | None = None,
    callback: Callback | None = None,
    places: np.ndarray | None = None,
) -> Batch:
    """Draw n images with a strategy.

    Parameters
    ----------
    mixture : LatentMixture, optional
        Needed by ``component-uniform``. Fit it on a harvest (not a bare array) for the
        injections ``resume`` and ``responsibility``, which must know its timestep.
    strategy : {"plain", "component-uniform"}
    injection : {"mean-noise", "resume", "responsibility"}
        How a component is imposed: start at x_T = mu_k + noise (the paper, sec. 4.4),
        start at x_t drawn from component k, or draw freely and keep by component.
    seed : int
        Run seed; image i depends on ``seeds_for(seed, n)[i]`` alone.
    places : array of int, optional
        Draw only these of the n images, e.g. those that an interrupted run still lacks.

    Raises
    ------
    GammaFaceError
        Unknown names, a missing or unsuitable mixture, a component that is never drawn.
    """
    chosen = get_strategy(strategy)
    started = time.monotonic()
    places = np.arange(n) if places is None else np.asarray(places)
    request = Request(
        generator=generator,
        mixture=mixture,
        seeds=seeds_for(seed, n)[places],
        places=places,
        injection=injection,
        steps=steps,
        sampler=sampler,
        batch_size=batch_size,
        progress=progress,
        callback=callback,
        through=mixture.latents_.t if mixture and mixture.latents_ else None,
    )
    drawn = chosen(request)
    return Batch(
        drawn.images,
        drawn.seeds,
        drawn.components,
        drawn.evaluations,
        time.monotonic() - started,
    )


def draw_seeds(
    generator: Generator,
    seeds: np.ndarray,
    *,
    components: np.ndarray | None = None,
    through: int | None = None,
    steps: int = 50,
    sampler: str = "ddim",
    batch_size: int = MICRO_BATCH,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> Batch:
    """The model's own image of each seed.

    With the `through` of a harvest at the same `steps` and `sampler`, these are the images
    that the harvested latents become.
    """
    started = time.monotonic()
    seeds = np.asarray(seeds, dtype=np.int64)
    request = Request(
        generator=generator,
        mixture=None,
        seeds=seeds,
        places=np.arange(len(seeds)),
        injection="",
        steps=steps,
        sampler=sampler,
        batch_size=batch_size,
        progress=progress,
        callback=callback,
        through=through,
    )
    drawn = plain(request)
    components = drawn.components if components is None else components
    seconds = time.monotonic() - started
    return Batch(drawn.images, seeds, components, drawn.evaluations, seconds)
