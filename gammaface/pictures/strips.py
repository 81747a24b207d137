"""A denoising strip: one picture on its way from noise, as it is and as the model expects it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gammaface.generators import Generator, seeded
from gammaface.pictures.origin import Origin
from gammaface.sampling import Callback, State, get_sampler

MOMENTS = 8


@dataclass(frozen=True)
class Strip:
    """What a picture looked like at some steps of its path.

    Attributes
    ----------
    noisy, expected : torch.Tensor
        (m, 3, H, W) in [-1, 1]: x_t and the predicted x_0, decoded.
    timesteps : tuple of int
    sqrt_abars : tuple of float
        Share of the clean amplitude in x_t, in [0, 1].
    final : torch.Tensor
        (3, H, W), what the path ends in.
    """

    noisy: torch.Tensor
    expected: torch.Tensor
    timesteps: tuple[int, ...]
    sqrt_abars: tuple[float, ...]
    final: torch.Tensor


def denoising_strip(
    generator: Generator, origin: Origin, *, moments: int = MOMENTS, callback: Callback | None = None
) -> Strip:
    """Walk a picture's path again and keep `moments` steps of it, evenly spaced.

    The first and the last step are among them; a shorter path gives all of its steps.
    """
    path = origin.path(generator)
    kept = set(np.linspace(0, len(path) - 2, moments).round().astype(int).tolist())
    seen: list[State] = []

    def watch(state: State) -> None:
        if callback:
            callback(state)
        if state.i in kept:
            seen.append(state)

    streams = seeded([origin.seed])
    clean = get_sampler(origin.sampler)(
        generator.predict,
        origin.begin(generator, generator.noise(streams)),
        path,
        alphas=generator.alphas,
        generators=streams,
        callback=watch,
    )
    return Strip(
        noisy=generator.decode(torch.cat([state.x for state in seen])),
        expected=generator.decode(torch.cat([state.denoised for state in seen])),
        timesteps=tuple(state.t for state in seen),
        sqrt_abars=tuple(generator.sqrt_abar(state.t) for state in seen),
        final=generator.decode(clean)[0],
    )
