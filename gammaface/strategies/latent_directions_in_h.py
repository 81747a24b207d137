"""Latent directions in h-space: the codes are principal components of h at every step.

A code is drawn from its cell's mixture for the whole path at once and takes the place of the
image's own components; what of h lies outside of them stays the image's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import seeded
from gammaface.pca import Projection, fit_pca
from gammaface.sampling import Denoise
from gammaface.strategies.pushed_codes import CellMixtures, find_directions
from gammaface.strategies.request import Drawn, Learned, Request
from gammaface.strategies.steering import DIMENSIONS, FLAT, draw_moved, record_pilot, steered
from gammaface.strategies.strategy import check_need


@dataclass(frozen=True)
class StepCodes:
    """The principal components of h by timestep, in the order of the path, and the mixtures of
    what all steps have, one after the other, in units of each component's spread."""

    axes: dict[int, Projection]
    spreads: dict[int, np.ndarray]
    mixtures: CellMixtures


def learn_in_h(request: Request) -> Learned:
    """A mixture of pushed codes of all steps for every cell, from a pilot that keeps h.

    Raises
    ------
    GammaFaceError
        For a model without a mid block, and an option of the other space.
    """
    check_need("mid-block", request)
    if request.options["sqrt_abar"]:
        raise GammaFaceError("h is pushed at every step, at no single sqrt_abar", fix="Leave sqrt_abar out.")
    pilot, target = record_pilot(request), request.target
    axes, spreads, pushed = {}, {}, {int(cell): [] for cell in np.flatnonzero(target.shares)}
    for (_, t), kept in pilot.codes.items():
        axes[t], codes = _components(kept.astype(np.float32))
        spreads[t] = codes.std(axis=0)
        codes = codes / spreads[t]
        found = find_directions(pilot, codes, target)
        for cell, parts in pushed.items():
            parts.append(found.pushed(codes, target, cell, request.options["distance"]))
    together = {cell: np.concatenate(parts, axis=1) for cell, parts in pushed.items()}
    mixtures = CellMixtures.fit(together, components=request.options["components"])
    return Learned(StepCodes(axes, spreads, mixtures), pilot.evaluations, {"pilot": len(pilot.seeds)})


def _components(h: np.ndarray) -> tuple[Projection, np.ndarray]:
    """At most 64 components of h (p, d) and their values (p, m); flat ones are rounding, not code."""
    pca = fit_pca(h, min(DIMENSIONS, *h.shape))
    codes = pca.transform(h).astype(np.float64)
    used = codes.std(axis=0) > FLAT * codes.std(axis=0).max()
    return replace(pca, components=pca.components[used]), codes[:, used]


def draw_in_h(request: Request) -> Drawn:
    """Draw every place with its cell's code in h at each step.

    Image i depends on its own seed and cell only.
    """
    learned, cells = request.learned.value, request.cells()
    sizes = [len(spread) for spread in learned.spreads.values()]

    def moved(rows: np.ndarray) -> Denoise:
        streams = seeded(request.seeds[rows])
        request.generator.noise(streams)  # the path's x_T comes first from the same streams
        noise = torch.stack([torch.randn(sum(sizes), generator=stream) for stream in streams])
        drawn = learned.mixtures.draw(cells[rows], streams, noise).split(sizes, dim=1)
        codes = dict(zip(learned.axes, drawn, strict=True))

        def edit(h: torch.Tensor, t: int) -> torch.Tensor:
            parts = (learned.axes[t].mean, learned.axes[t].components, learned.spreads[t])
            mean, axes, spread = (torch.from_numpy(part).to(h) for part in parts)
            flat, wanted = h.flatten(1), codes[t].to(h) * spread
            return (flat + (wanted - (flat - mean) @ axes.T) @ axes).view_as(h)

        return steered(request.generator, edit)

    return draw_moved(request, cells, moved)
