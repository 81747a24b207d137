"""Strategies that draw a batch from a frozen generator, evenly or not.

Every strategy is a function ``(request) -> Drawn`` in one registry; :func:`balance` is
the one door. Evenness over mixture components is what the paper asks for; whether it
makes people even is measured elsewhere, never assumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator, micro_batches, seeded, seeds_for
from gammaface.latents import Progress
from gammaface.mixture import LatentMixture
from gammaface.sampling import Callback, get_sampler, timestep_path
from gammaface.spaces import codes

INJECTIONS = ("mean-noise", "resume", "responsibility")
POOL_LIMIT = 50  # draws per delivered image before a component counts as out of reach


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


def plain(request: Request) -> Drawn:
    """Sampling from N(0, I), what the model draws on its own."""
    free = np.full(len(request.seeds), -1)
    return _draw(request, free, lambda streams, _: request.generator.noise(streams))


def component_uniform(request: Request) -> Drawn:
    """Equal numbers from every component (GAMMA-FACE, sec. 3.4 and 4.4)."""
    mixture = request.mixture
    if mixture is None:
        raise GammaFaceError(
            "component-uniform needs a fitted mixture", fix="Fit a LatentMixture on a harvest first."
        )
    if request.injection not in INJECTIONS:
        raise GammaFaceError(
            f"there is no injection '{request.injection}'", fix=f"Choose from {', '.join(INJECTIONS)}."
        )
    return _INJECT[request.injection](request, mixture)


def _mean_noise(request: Request, mixture: LatentMixture) -> Drawn:
    means = _means_as_x(request.generator, mixture)

    def start(streams, components):
        return means[components] + request.generator.noise(streams)

    return _draw(request, request.places % mixture.n_components, start)


def _resume(request: Request, mixture: LatentMixture) -> Drawn:
    latents = _harvest_of(mixture, "resume")
    if mixture.covariance != "diag":
        raise GammaFaceError(
            f"resume draws from diagonal components, this mixture is '{mixture.covariance}'",
            fix="Fit with covariance='diag'.",
        )
    means = _means_as_x(request.generator, mixture)
    spread = torch.from_numpy(np.sqrt(mixture.covariances_)).float().view_as(means)

    def start(streams, components):
        return means[components] + spread[components] * request.generator.noise(streams)

    return _draw(request, request.places % mixture.n_components, start, start_at=latents.t)


def _responsibility(request: Request, mixture: LatentMixture) -> Drawn:
    """Draw freely to t, keep by component until each is full, finish only those."""
    latents = _harvest_of(mixture, "responsibility")
    n, k = len(request.seeds), mixture.n_components
    wanted = np.bincount(np.arange(n) % k, minlength=k)
    path = request.path()
    cut = path.index(latents.t)
    kept_x, kept_seed, kept_component, kept_streams = [], [], [], []
    counts, evaluations = np.zeros(k, int), 0
    pool = np.arange(int(request.seeds[0]), int(request.seeds[0]) + POOL_LIMIT * n, dtype=np.int64)
    for chunk, real in micro_batches(pool, request.batch_size):
        streams = seeded(chunk)
        x = request.denoise(request.generator.noise(streams), path[: cut + 1], streams)
        z = codes(request.generator, x, latents.t, latents.space).numpy()
        z = latents.pca.transform(z) if latents.pca else z
        evaluations += real * (cut + (latents.space != "x_t"))
        for row, component in enumerate(mixture.predict(z)[:real]):
            if counts[component] < wanted[component]:
                counts[component] += 1
                kept_x.append(x[row])
                kept_seed.append(chunk[row])
                kept_component.append(component)
                kept_streams.append(streams[row])
        if (counts == wanted).all():
            break
    else:
        short = ", ".join(f"{c}: {counts[c]} of {wanted[c]}" for c in range(k) if counts[c] < wanted[c])
        raise GammaFaceError(
            f"{POOL_LIMIT * n:,} draws did not fill every component ({short})",
            fix="Use fewer components, or another injection.",
        )
    images = _finish(request, kept_x, kept_streams, path[cut:])
    evaluations += n * (len(path) - 1 - cut)
    return Drawn(images, np.array(kept_seed), np.array(kept_component), evaluations)


def _finish(request: Request, xs, streams, path) -> torch.Tensor:
    images = []
    for rows, real in micro_batches(np.arange(len(xs)), request.batch_size):
        x = request.denoise(torch.stack([xs[i] for i in rows]), path, [streams[i] for i in rows])
        images.append(request.generator.decode(x)[:real])
        if request.progress:
            request.progress(min(len(xs), sum(map(len, images))), len(xs))
    return torch.cat(images)


def _draw(request: Request, components: np.ndarray, start: Callable, start_at: int | None = None):
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


def _means_as_x(generator: Generator, mixture: LatentMixture) -> torch.Tensor:
    """Component means in the shape of x_t: (K, c, h, w)."""
    space = mixture.latents_.space if mixture.latents_ else "x_t"
    if space not in ("x_t", "x0") or mixture.means_.shape[1] != generator.dimensions:
        raise GammaFaceError(
            f"the mixture lives in {space} with {mixture.means_.shape[1]} dimensions; its means are"
            f" no noise of {generator.dimensions} dimensions",
            fix="Use injection='responsibility', or fit on x_t without PCA.",
        )
    return torch.from_numpy(mixture.means_).float().view(-1, *generator.shape)


def _harvest_of(mixture: LatentMixture, injection: str):
    if mixture.latents_ is None:
        raise GammaFaceError(
            f"the injection '{injection}' must know the mixture's timestep",
            fix="Fit the mixture on the harvest itself: LatentMixture(K).fit(z), not z.array.",
        )
    return mixture.latents_


_INJECT = {"mean-noise": _mean_noise, "resume": _resume, "responsibility": _responsibility}
STRATEGIES: dict[str, Callable[[Request], Drawn]] = {
    "plain": plain,
    "component-uniform": component_uniform,
}


def get_strategy(name: str) -> Callable[[Request], Drawn]:
    """The strategy of this name."""
    if name not in STRATEGIES:
        raise GammaFaceError(f"there is no strategy '{name}'", fix=f"Choose from {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]
