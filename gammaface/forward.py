"""A harvest from pictures instead of seeds: encoded, and noised forward to a timestep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.files import content_hash
from gammaface.generators import MICRO_BATCH, Generator, seeded, seeds_for
from gammaface.latents import DEFAULT_SQRT_ABAR, Latents, Place, Progress, collect
from gammaface.parallel.workers import ALONE, Workers
from gammaface.spaces import check_space, codes


def harvest_images(
    generator: Generator,
    images: torch.Tensor,
    *,
    t: int | None = None,
    space: str = "x_t",
    seed: int = 0,
    pca: int | None = None,
    batch_size: int = MICRO_BATCH,
    out: Path | str | None = None,
    workers: Workers = ALONE,
    progress: Progress | None = None,
) -> Latents:
    r"""Codes of given pictures at timestep t, by the forward process (GAMMA-FACE, sec. 4.3).

    .. math:: x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1 - \bar\alpha_t}\, \epsilon

    Parameters
    ----------
    generator : Generator
    images : float tensor of shape (n, 3, H, W)
        In [-1, 1], of the model's resolution.
    t, space, pca
        As in :func:`gammaface.latents.harvest`.
    seed : int
        Of the noise: picture i gets that of ``seeds_for(seed, n)[i]``.
    out : path, optional
        Run folder, of the kind and form that :func:`gammaface.latents.harvest` writes; it
        belongs to these very pictures. An interrupted one continues by its missing pictures.
    workers : Workers
        Share the pictures, which all of them hold; as in :func:`gammaface.latents.harvest`.
    progress : callable, optional
        ``progress(done, total)``.

    Returns
    -------
    Latents
        ``seeds`` are those of the noise; they do not draw the pictures.

    Raises
    ------
    GammaFaceError
        For pictures of another shape, and as :func:`gammaface.latents.harvest`.
    """
    check_space(space)
    t = generator.timestep_at(DEFAULT_SQRT_ABAR) if t is None else t
    sqrt_abar = generator.sqrt_abar(t)
    if images.ndim != 4 or not len(images):
        raise GammaFaceError(
            f"pictures of shape {tuple(images.shape)}", fix="Give one or more, (n, 3, H, W)."
        )
    seeds = seeds_for(seed, len(images))

    def codes_of(rows: np.ndarray) -> np.ndarray:
        clean = generator.encode(images[rows])
        if tuple(clean.shape[1:]) != tuple(generator.shape):
            raise GammaFaceError(
                f"pictures of {images.shape[-1]} pixels become latents of shape"
                f" {tuple(clean.shape[1:])}, the model's are {tuple(generator.shape)}",
                fix="Give pictures of the model's resolution.",
            )
        noise = generator.noise(seeded(seeds[rows]))
        x = sqrt_abar * clean + (1 - sqrt_abar**2) ** 0.5 * noise
        return codes(generator, x, t, space).numpy()

    return collect(
        generator,
        codes_of,
        Place(len(images), t, space, seed, pca),
        how={"direction": "forward", "pictures": content_hash(images.numpy())},
        batch_size=batch_size,
        out=out,
        workers=workers,
        progress=progress,
    )
