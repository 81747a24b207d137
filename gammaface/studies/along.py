"""Codes of the same faces at many timesteps and in every space, in one pass over the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gammaface.generators import Generator, micro_batches, seeded
from gammaface.sampling import State, ddim, timestep_path
from gammaface.spaces import watch_mid_block


@dataclass(frozen=True)
class Block:
    """Codes of some faces.

    Attributes
    ----------
    first, n : int
        Place of the first face, and their number.
    codes : dict of (str, int) to numpy.ndarray
        By space and timestep: (n, d) float32. ``h`` is the mid block, flat.
    clean : torch.Tensor
        (n, c, h, w), what the faces are decoded from.
    """

    first: int
    n: int
    codes: dict[tuple[str, int], np.ndarray]
    clean: torch.Tensor


def along_sampling(
    generator: Generator, seeds: np.ndarray, timesteps: Sequence[int], *, steps: int, batch_size: int
) -> Iterator[Block]:
    """Sample every seed with DDIM and keep what the model holds on the way.

    The network is evaluated at each timestep anyway, so the codes cost nothing more.
    """
    path = timestep_path(generator.train_steps, steps, through=timesteps)
    done = 0
    for chunk, real in micro_batches(seeds, batch_size):
        codes: dict[tuple[str, int], np.ndarray] = {}
        with watch_mid_block(generator) as middle:

            def keep(state: State, codes=codes, middle=middle, real=real) -> None:
                if state.t in timesteps:
                    _keep(codes, state.t, real, x_t=state.x, x0=state.denoised, h=middle[-1])

            x = generator.noise(seeded(chunk))
            clean = ddim(generator.predict, x, path, alphas=generator.alphas, callback=keep)
        yield Block(done, real, codes, clean[:real].cpu())
        done += real


def along_noising(
    generator: Generator, clean: torch.Tensor, timesteps: Sequence[int], *, seed: int, batch_size: int
) -> Iterator[Block]:
    """Add noise to real faces' latents (n, c, h, w) and keep what the model sees in them.

    Face i at every timestep uses the same noise, drawn from its own stream.
    """
    done = 0
    for rows, real in micro_batches(np.arange(len(clean)), batch_size):
        codes: dict[tuple[str, int], np.ndarray] = {}
        noise = generator.noise(seeded(seed * len(clean) + rows))
        with watch_mid_block(generator) as middle:
            for t in timesteps:
                a = float(generator.alphas[t])
                x = a**0.5 * clean[rows] + (1 - a) ** 0.5 * noise
                x0, _ = generator.predict(x, t)
                _keep(codes, t, real, x_t=x, x0=x0, h=middle[-1])
        yield Block(done, real, codes, clean[rows][:real])
        done += real


def _keep(codes: dict, t: int, real: int, **found: torch.Tensor) -> None:
    for space, value in found.items():
        codes[space, t] = value[:real].flatten(1).float().cpu().numpy()
