"""Two scores that need no reference: of a classifier's answers, and along the noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator, micro_batches, seeded, seeds_for
from gammaface.sampling import get_sampler, sampler_path

STEP = 1e-2  # of the way from one noise to another; smaller ones drown in rounding


def inception_score(probabilities: np.ndarray) -> float:
    r"""How sure and how varied a classifier's answers are.

    .. math:: \exp E_x KL(p(y|x) \| p(y))

    Source: Salimans et al. 2016, on any classifier: it is no Inception score, and it rises
    with even classes alone.

    Parameters
    ----------
    probabilities : array of shape (n, K)

    Returns
    -------
    float
        From 1 (no class differs) to K (sure, and all classes alike).

    Raises
    ------
    GammaFaceError
        For no rows.

    Examples
    --------
    >>> round(inception_score(np.eye(4)), 6), round(inception_score(np.full((3, 4), .25)), 6)
    (4.0, 1.0)
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or not len(p):
        raise GammaFaceError(f"probabilities of shape {p.shape}", fix="Give (n, K) of one image or more.")
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - np.log(p.mean(0))), 0.0)
    return float(np.exp(terms.sum(1).mean()))


def path_length(
    generator: Generator,
    features: Callable[[torch.Tensor], np.ndarray],
    *,
    pairs: int,
    steps: int,
    seed: int,
    sampler: str = "ddim",
    batch_size: int = 64,
    step: float = STEP,
    progress=None,
    callback=None,
) -> np.ndarray:
    r"""Perceptual path length of each of `pairs` short moves of x_T, (pairs,).

    .. math:: \|f(G(slerp(z_1, z_2; u))) - f(G(slerp(z_1, z_2; u + \epsilon)))\|^2 / \epsilon^2

    G is a deterministic sampler and f the extractor given. Source: Karras et al. 2019, eq. 2,
    on x_T instead of a GAN's codes. Pair i depends on its own seeds alone.

    Parameters
    ----------
    features : callable
        ``features(images) -> (n, d)``.
    sampler : str
        Any but ``ddpm``.
    step : float
        epsilon, in (0, 1).
    """
    seeds, path = seeds_for(seed, pairs), sampler_path(sampler, generator.alphas, steps)
    found, done = [], 0
    for chunk, real in micro_batches(seeds, max(1, batch_size // 2)):
        streams = seeded(chunk)
        first, second = generator.noise(streams), generator.noise(streams)
        where = torch.stack([torch.rand((), generator=s) for s in streams]) * (1 - step)
        ends = torch.cat([slerp(first, second, where), slerp(first, second, where + step)])
        x = get_sampler(sampler)(generator.predict, ends, path, alphas=generator.alphas, callback=callback)
        near, far = np.split(np.asarray(features(generator.decode(x)), dtype=np.float64), 2)
        found.append(np.square(near - far).sum(1)[:real] / step**2)
        done += real
        if progress:
            progress(done, pairs)
    return np.concatenate(found)


def slerp(a: torch.Tensor, b: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Along the great circle from a to b, (n, ...), to the shares u (n,) of the way.

    Examples
    --------
    >>> slerp(torch.tensor([[1., 0.]]), torch.tensor([[0., 1.]]), torch.tensor([.5])).round(decimals=4)
    tensor([[0.7071, 0.7071]])
    """
    flat = a.flatten(1), b.flatten(1)
    cosine = torch.nn.functional.cosine_similarity(*flat).clamp(-1 + 1e-6, 1 - 1e-6)
    angle, shape = cosine.arccos(), (-1, *[1] * (a.ndim - 1))
    parts = (((1 - u) * angle).sin() / angle.sin(), (u * angle).sin() / angle.sin())
    return parts[0].view(shape) * a + parts[1].view(shape) * b
