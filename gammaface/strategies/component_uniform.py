"""Equal numbers from every component of a mixture (GAMMA-FACE), by three injections."""

from __future__ import annotations

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator, micro_batches, seeded
from gammaface.mixture import LatentMixture
from gammaface.spaces import codes
from gammaface.strategies.request import Drawn, Request, draw, finish

INJECTIONS = ("mean-noise", "resume", "responsibility")
POOL_LIMIT = 50  # draws per delivered image before a component counts as out of reach


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

    return draw(request, request.places % mixture.n_components, start)


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

    return draw(request, request.places % mixture.n_components, start, start_at=latents.t)


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
    images = finish(request, kept_x, kept_streams, path[cut:])
    evaluations += n * (len(path) - 1 - cut)
    return Drawn(images, np.array(kept_seed), np.array(kept_component), evaluations)


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
