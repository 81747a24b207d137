"""Draw freely to the harvest's timestep, keep by component, finish only what is kept."""

from __future__ import annotations

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.generators import micro_batches, seeded
from gammaface.latents import Latents
from gammaface.spaces import codes
from gammaface.strategies.places import Places
from gammaface.strategies.request import Drawn, Request, finish

POOL_LIMIT = 50  # draws per delivered image before a component counts as out of reach


def draw_components(request: Request, wanted: np.ndarray, *, limit: int = POOL_LIMIT) -> Drawn:
    """Images of the model's own whose codes belong to the wanted components.

    Parameters
    ----------
    wanted : array of int
        (n,) the component of each place.
    limit : int
        Draws per delivered image before giving up.

    Raises
    ------
    GammaFaceError
        When a component is hardly ever drawn.
    """
    mixture, latents = request.mixture, request.mixture.latents_
    path = request.path()
    cut = path.index(latents.t)
    places, kept, draws = Places(wanted), {}, 0
    for chunk, real in micro_batches(request.pool(limit), request.batch_size):
        streams = seeded(chunk)
        x = request.denoise(request.generator.noise(streams), path[: cut + 1], streams)
        z = reduced(latents, codes(request.generator, x, latents.t, latents.space).numpy())
        draws += real
        for row, component in enumerate(mixture.predict(z)[:real]):
            place = places.take(component)
            if place is not None:
                kept[place] = (x[row], streams[row], chunk[row])
        if places.full:
            break
    else:
        short = places.shortfall([str(k) for k in range(mixture.n_components)])
        raise GammaFaceError(
            f"{draws:,} draws did not fill every component ({short})",
            fix="Use fewer components, or another injection.",
        )
    xs, streams, seeds = zip(*(kept[place] for place in range(len(wanted))), strict=True)
    images = finish(request, xs, streams, path[cut:])
    spent = draws * (cut + (latents.space != "x_t")) + len(wanted) * (len(path) - 1 - cut)
    notes = {"draws": draws, "kept_share": len(wanted) / draws}
    return Drawn(images, np.array(seeds), np.asarray(wanted), spent, notes=notes)


def reduced(latents: Latents, z: np.ndarray) -> np.ndarray:
    """Codes (n, d) as the harvest's mixture takes them: after its PCA, where it has one."""
    return latents.pca.transform(z) if latents.pca else z
