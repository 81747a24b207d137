"""A filmstrip: what a few seeds look like on their way from noise to picture.

The run holds the table ``frames`` (``seed, t, sqrt_abar``; t = -1 is the finished picture) and,
for each of its rows, ``frames/<seed>_<t>_x_t.png``, the noisy latent as it would decode, and
``frames/<seed>_<t>_x0.png``, the picture that the model expects to come of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.generators import Generator, seeded
from gammaface.images import to_png, to_uint8
from gammaface.sampling import Callback, State, get_sampler, sampler_path
from gammaface.workspace import Run, writing

KIND = "film"
SEEDS = (0, 1, 2)
SQRT_ABARS = (0.05, 0.15, 0.28, 0.44, 0.58, 0.72, 0.80, 0.95)


def record_film(
    generator: Generator,
    *,
    out: Path | str,
    seeds: Sequence[int] = SEEDS,
    sqrt_abars: Sequence[float] = SQRT_ABARS,
    steps: int = 50,
    sampler: str = "ddim",
    callback: Callback | None = None,
) -> Run:
    """Draw the seeds and keep their frames where sqrt(abar) comes nearest to `sqrt_abars`.

    Parameters
    ----------
    generator : Generator
    seeds : sequence of int
        A row of the strip each, drawn together in one batch.
    sqrt_abars : sequence of float
        Shares of the clean image's amplitude, in [0, 1].
    steps, sampler
        As in :func:`gammaface.latents.harvest`.
    callback : callable, optional
        As in :mod:`gammaface.sampling`.

    Raises
    ------
    GammaFaceError
        Unknown sampler, steps out of range, an `out` that holds something else.
    """
    run_sampler = get_sampler(sampler)
    timesteps = sorted({generator.timestep_at(s) for s in sqrt_abars}, reverse=True)
    path = sampler_path(sampler, generator.alphas, steps, through=timesteps)
    config = {
        "model": generator.name,
        "seeds": list(seeds),
        "timesteps": timesteps,
        "steps": steps,
        "sampler": sampler,
    }
    weights = {generator.name: generator.weights_hash}
    with writing(out, kind=KIND, config=config, weights=weights, precision=generator.precision) as run:

        def keep(state: State) -> None:
            if callback:
                callback(state)
            if state.t in timesteps:
                _keep(run, generator, seeds, state.t, x_t=state.x, x0=state.denoised)

        streams = seeded(seeds)
        clean = run_sampler(
            generator.predict,
            generator.noise(streams),
            path,
            alphas=generator.alphas,
            generators=streams,
            callback=keep,
        )
        _keep(run, generator, seeds, -1, x_t=clean, x0=clean)
        frames = [
            {"seed": int(seed), "t": t, "sqrt_abar": generator.sqrt_abar(t) if t >= 0 else 1.0}
            for seed in seeds
            for t in (*timesteps, -1)
        ]
        run.write_table("frames", pd.DataFrame(frames))
    return Run.open(out)


def frame(run: Run, seed: int, t: int, what: str) -> Path:
    """The file of a frame; `what` is ``x_t`` or ``x0``."""
    return run.path / "frames" / f"{seed}_{t}_{what}.png"


def _keep(run: Run, generator: Generator, seeds: Sequence[int], t: int, **found: torch.Tensor) -> None:
    for what, x in found.items():
        pixels: np.ndarray = to_uint8(generator.decode(x))
        for seed, picture in zip(seeds, pixels, strict=True):
            place = frame(run, seed, t, what).relative_to(run.path)
            run.write_file(str(place), to_png(picture, metadata={"seed": int(seed), "t": t, "shows": what}))
