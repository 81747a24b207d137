"""Latents pushed along linear attribute directions, one mixture per cell (Tan et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from gammaface.strategies.latent_directions_in_h import StepCodes, draw_in_h, learn_in_h
from gammaface.strategies.pilot import draw_pilot
from gammaface.strategies.pushed_codes import CellMixtures, find_directions
from gammaface.strategies.request import Drawn, Learned, Request, draw
from gammaface.strategies.strategy import described


@dataclass(frozen=True)
class NoisyCodes:
    """Mixtures of x_t at timestep t."""

    t: int
    mixtures: CellMixtures


def learn(request: Request) -> Learned:
    """A mixture of pushed codes for every cell, from a pilot."""
    if request.options["space"] == "h":
        return learn_in_h(request)
    t, target = request.nearest(request.options["sqrt_abar"]), request.target
    pilot = draw_pilot(request, codes=[("x_t", t)])
    codes = pilot.codes["x_t", t].astype(np.float64)
    found = find_directions(pilot, codes, target)
    pushed = {
        int(cell): found.pushed(codes, target, cell, request.options["distance"])
        for cell in np.flatnonzero(target.shares)
    }
    mixtures = CellMixtures.fit(pushed, components=request.options["components"])
    notes = {"timestep": t, "sqrt_abar": round(request.generator.sqrt_abar(t), 4)}
    return Learned(NoisyCodes(t, mixtures), pilot.evaluations, notes)


def latent_directions(request: Request) -> Drawn:
    """Draw each place's code from its cell's mixture and denoise it."""
    learned = request.learned.value
    if isinstance(learned, StepCodes):
        return draw_in_h(request)

    def start(streams: list[torch.Generator], cells: np.ndarray) -> torch.Tensor:
        noise = request.generator.noise(streams)
        return learned.mixtures.draw(cells, streams, noise.flatten(1)).view_as(noise)

    cells = request.cells()
    drawn = draw(request, cells, start, start_at=learned.t)
    return replace(drawn, components=np.full(len(cells), -1), cells=cells)


LATENT_DIRECTIONS = described("latent-directions", latent_directions, learn=learn)
