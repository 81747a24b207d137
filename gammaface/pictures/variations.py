"""Variations of a picture: the same beginning, turned a little towards other noises."""

from __future__ import annotations

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator, seeded
from gammaface.pictures.origin import Origin
from gammaface.sampling import Callback, get_sampler


def slerp(start: torch.Tensor, other: torch.Tensor, strength: float) -> torch.Tensor:
    """The point at `strength` of the great arc from one noise to another.

    Gaussian noise of d dimensions lies near a sphere of radius sqrt(d), where straight
    mixing would leave it (Shoemake 1985).

    Parameters
    ----------
    start, other : tensors of one shape
    strength : float
        0 is `start`, 1 is `other`.

    Examples
    --------
    >>> slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 0.5).tolist()
    [0.7071067690849304, 0.7071067690849304]
    """
    cosine = (start * other).sum() / (start.norm() * other.norm())
    angle = torch.arccos(cosine.clamp(-1, 1))
    if angle.sin() < 1e-6:  # the same direction: there is no arc to follow
        return torch.lerp(start, other, strength)
    return (((1 - strength) * angle).sin() * start + (strength * angle).sin() * other) / angle.sin()


def other_seeds(seed: int, n: int) -> list[int]:
    """Seeds of the noises that a picture is turned towards; the first n are always the same."""
    # A hash, so that the noises of one picture are not the pictures of other seeds.
    return [int(np.random.SeedSequence((seed, i)).generate_state(1, np.uint64)[0] >> 1) for i in range(n)]


def draw_variations(
    generator: Generator,
    origin: Origin,
    *,
    n: int = 6,
    strength: float = 0.2,
    callback: Callback | None = None,
) -> torch.Tensor:
    """Pictures a step away from one: (n, 3, H, W) in [-1, 1].

    Variation i depends on the picture's beginning, on i and on the strength alone.

    Raises
    ------
    GammaFaceError
        For a strength outside (0, 1], or no pictures.
    """
    if not 0 < strength <= 1 or n < 1:
        raise GammaFaceError(
            f"{n} variations of strength {strength}",
            fix="Give 1 or more, and a strength above 0, at most 1.",
        )
    streams = seeded([origin.seed] * n)
    noise = generator.noise(streams)[0]
    others = generator.noise(seeded(other_seeds(origin.seed, n)))
    turned = torch.stack([slerp(noise, other, strength) for other in others])
    clean = get_sampler(origin.sampler)(
        generator.predict,
        origin.begin(generator, turned),
        origin.path(generator),
        alphas=generator.alphas,
        generators=streams,
        callback=callback,
    )
    return generator.decode(clean)
