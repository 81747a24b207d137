"""Equal numbers from every component of a mixture (GAMMA-FACE), by three injections."""

from __future__ import annotations

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.mixture import LatentMixture
from gammaface.strategies.catalogue import INJECTIONS, NEEDS
from gammaface.strategies.request import Drawn, Request, draw
from gammaface.strategies.responsibility import draw_components
from gammaface.strategies.strategy import described


def component_uniform(request: Request) -> Drawn:
    """Equal numbers from every component (GAMMA-FACE, sec. 3.4 and 4.4)."""
    if request.injection not in INJECTIONS:
        raise GammaFaceError(
            f"there is no injection '{request.injection}'", fix=f"Choose from {', '.join(INJECTIONS)}."
        )
    return _INJECT[request.injection](request, request.mixture)


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
    _harvest_of(mixture, "responsibility")
    return draw_components(request, request.places % mixture.n_components)


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
            f"the injection '{injection}' must know the mixture's timestep", fix=NEEDS["harvest"].fix
        )
    return mixture.latents_


_INJECT = {"mean-noise": _mean_noise, "resume": _resume, "responsibility": _responsibility}

COMPONENT_UNIFORM = described("component-uniform", component_uniform)
