"""Draw freely to the harvest's timestep, keep by component, finish only what is kept."""

from __future__ import annotations

import numpy as np

from gammaface.generators import micro_batches, seeded
from gammaface.latents import Latents
from gammaface.spaces import codes
from gammaface.strategies.catalogue import POOL_LIMIT
from gammaface.strategies.places import Places, shortfall
from gammaface.strategies.request import Drawn, Request, Unfilled, finish


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
    Unfilled
        When a component is hardly ever drawn; it keeps what was found.
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
    order = sorted(kept)
    found = [kept[place] for place in order]
    images = finish(request, [x for x, _, _ in found], [s for _, s, _ in found], path[cut:])
    reading = request.generator.evaluations([latents.t]) if latents.space != "x_t" else 0
    spent = draws * (request.price(path[: cut + 1]) + reading) + len(order) * request.price(path[cut:])
    notes = {"draws": draws, "kept_share": len(order) / draws}
    drawn = Drawn(images, np.array([s for _, _, s in found]), places.wanted[order], spent, notes=notes)
    if not places.full:
        short = shortfall(places.wanted, order, [str(k) for k in range(mixture.n_components)])
        raise Unfilled(
            f"{draws:,} draws did not fill every component ({short})",
            fix="Use fewer components, or another injection.",
            drawn=drawn,
            places=request.places[order],
        )
    return drawn


def reduced(latents: Latents, z: np.ndarray) -> np.ndarray:
    """Codes (n, d) as the harvest's mixture takes them: after its PCA, where it has one."""
    return latents.pca.transform(z) if latents.pca else z
