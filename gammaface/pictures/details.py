"""What is known of one picture of a run, kept in a run beside it: its strip and its variations.

====================================  ====================================================
strips/<key>/x_t-<i>.png, x0-<i>.png  x_t and the predicted x_0 at step i of a few
strips/<key>.json                     their timesteps, and how far the path's end is from
                                      the picture
variations/<key>-<strength>/<i>.png   the picture, turned towards noise i
====================================  ====================================================

The key is the picture's group and seed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from gammaface.errors import GammaFaceError
from gammaface.images import to_png, to_uint8
from gammaface.workspace import Run, writing

if TYPE_CHECKING:  # pages ask for the names of files, and must not wait for torch
    import torch

    from gammaface.generators import Generator
    from gammaface.sampling import Callback

KIND = "details"


def key_of(group: str, seed: int) -> str:
    """The name of a picture's files.

    Examples
    --------
    >>> key_of("", 7), key_of("plain", 7)
    ('drawn-7', 'plain-7')
    """
    return f"{group or 'drawn'}-{seed}"


def variations_at(key: str, strength: float) -> str:
    """The folder of a picture's variations, below the run."""
    return f"variations/{key}-{strength:.2f}"


def record_strip(
    generator: Generator,
    of: Run,
    seed: int,
    *,
    out: Path | str,
    group: str = "",
    callback: Callback | None = None,
) -> None:
    """Walk the path of a picture of the run `of` again and keep its strip in the run `out`.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.pictures.origin.origin_of`, and when the picture cannot be read.
    """
    from gammaface.pictures.origin import origin_of
    from gammaface.pictures.strips import denoising_strip

    origin, key = origin_of(of, seed, group=group), key_of(group, seed)
    strip = denoising_strip(generator, origin, callback=callback)
    with _details(of, out) as run:
        for what, images in (("x_t", strip.noisy), ("x0", strip.expected)):
            for i, picture in enumerate(to_uint8(images)):
                facts = {"seed": seed, "t": strip.timesteps[i], "shows": what}
                run.write_file(f"strips/{key}/{what}-{i}.png", to_png(picture, metadata=facts))
        found = {
            "timesteps": strip.timesteps,
            "sqrt_abars": strip.sqrt_abars,
            "steered": origin.steered,
            "largest_difference": largest_difference(strip.final, of.image(seed, group)),
        }
        run.write_file(f"strips/{key}.json", json.dumps(found, indent=1))


def record_variations(
    generator: Generator,
    of: Run,
    seed: int,
    *,
    out: Path | str,
    n: int = 6,
    strength: float = 0.2,
    group: str = "",
    callback: Callback | None = None,
) -> None:
    """Draw variations of a picture of the run `of` and keep them in the run `out`.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.pictures.origin.origin_of` and
        :func:`gammaface.pictures.variations.draw_variations`.
    """
    from gammaface.pictures.origin import origin_of
    from gammaface.pictures.variations import draw_variations

    origin = origin_of(of, seed, group=group)
    images = draw_variations(generator, origin, n=n, strength=strength, callback=callback)
    folder = variations_at(key_of(group, seed), strength)
    with _details(of, out) as run:
        for i, picture in enumerate(to_uint8(images)):
            facts = {"seed": seed, "variation": i, "strength": strength, "model": Path(generator.name).name}
            run.write_file(f"{folder}/{i}.png", to_png(picture, metadata=facts))


def largest_difference(image: torch.Tensor, file: Path) -> int:
    """Largest difference of a picture (3, H, W) in [-1, 1] from a stored one, of 255."""
    try:
        with Image.open(file) as stored:
            pixels = np.asarray(stored.convert("RGB"), dtype=int)
    except OSError:
        raise GammaFaceError(
            "a picture of this run is missing or damaged", where=file.name, fix="Draw the batch again."
        ) from None
    return int(np.abs(to_uint8(image[None])[0].astype(int) - pixels).max())


def _details(of: Run, out: Path | str):
    config = {"of": of.manifest.name, "model": of.manifest.config["model"]}
    return writing(out, kind=KIND, config=config, weights=of.manifest.weights)
