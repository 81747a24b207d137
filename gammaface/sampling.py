"""Denoising loops: pure functions with one signature and one callback.

A path is a list of timesteps from noisy to clean, e.g. ``[999, 979, ..., 19, -1]``; -1
stands for the clean image (abar = 1). A loop takes x at ``path[0]`` and returns x at
``path[-1]``, so a path may begin or stop anywhere: harvesting stops at t, resuming
begins there. Progress, previews and cancelling hang on ``callback(State)``; a callback
cancels by raising.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gammaface.errors import GammaFaceError

Denoise = Callable[[torch.Tensor, int], tuple[torch.Tensor, torch.Tensor]]
"""(x_t, t) -> (predicted x_0, predicted noise), both shaped like x_t."""


@dataclass(frozen=True)
class State:
    """What a callback sees before each step."""

    x: torch.Tensor  # (b, c, h, w) at timestep t
    i: int  # step number, from 0
    steps: int
    t: int
    denoised: torch.Tensor  # predicted x_0


Callback = Callable[[State], None]


def timestep_path(train_steps: int, steps: int, *, through: int | Sequence[int] | None = None) -> list[int]:
    """Evenly spaced timesteps from the noisiest to clean ("trailing" spacing).

    Parameters
    ----------
    train_steps : int
        Timesteps the model was trained with.
    steps : int
        Number of network evaluations.
    through : int or sequence of int, optional
        Timesteps the path must pass; for each the nearest free one is moved onto it.

    Examples
    --------
    >>> timestep_path(1000, 5)
    [999, 799, 599, 399, 199, -1]
    >>> timestep_path(1000, 5, through=640)
    [999, 799, 640, 399, 199, -1]
    """
    if not 1 <= steps <= train_steps:
        raise GammaFaceError(f"{steps} steps were asked for", fix=f"Give between 1 and {train_steps} steps.")
    path = [round(train_steps - i * train_steps / steps) - 1 for i in range(steps)]
    wanted = [through] if isinstance(through, int) else sorted(set(through or ()))
    for t in wanted:
        if not 0 <= t < train_steps:
            raise GammaFaceError(f"t={t} is out of range", fix=f"Give t between 0 and {train_steps - 1}.")
        nearest = min(range(len(path)), key=lambda i: abs(path[i] - t))
        if path[nearest] in wanted or nearest == 0:
            path = sorted({*path, t}, reverse=True)
        else:
            path[nearest] = t
    return [*path, -1]


def _abar(alphas: np.ndarray, t: int) -> float:
    return 1.0 if t < 0 else float(alphas[t])


def ddim(
    denoise: Denoise,
    x: torch.Tensor,
    path: list[int],
    *,
    alphas: np.ndarray,
    generators: list[torch.Generator] | None = None,
    callback: Callback | None = None,
    eta: float = 0.0,
) -> torch.Tensor:
    """DDIM (Song et al. 2021, eq. 12); deterministic at eta = 0, ancestral at eta = 1.

    Parameters
    ----------
    denoise : Denoise
        The network's prediction.
    x : torch.Tensor
        (b, c, h, w) at timestep ``path[0]``.
    path : list of int
        Descending timesteps; -1 stands for clean.
    alphas : array of float, (T,)
        Cumulative products of alpha, abar_t.
    generators : list of torch.Generator, optional
        One per sample, for the noise of stochastic steps.
    callback : callable, optional
        Called with a :class:`State` before each step.
    eta : float
        0 to 1, the share of the posterior's noise that is added.
    """
    for i, (t, after) in enumerate(zip(path, path[1:], strict=False)):
        clean, noise = denoise(x, t)
        if callback:
            callback(State(x, i, len(path) - 1, t, clean))
        a, b = _abar(alphas, t), _abar(alphas, after)
        sigma = eta * ((1 - b) / (1 - a) * (1 - a / b)) ** 0.5
        x = b**0.5 * clean + max(0.0, 1 - b - sigma**2) ** 0.5 * noise
        if sigma > 0:
            x = x + sigma * draw_noise(generators, x)
    return x


def ddpm(denoise, x, path, *, alphas, generators=None, callback=None) -> torch.Tensor:
    """Ancestral sampling (Ho et al. 2020, eq. 7) along any path: DDIM at eta = 1."""
    return ddim(denoise, x, path, alphas=alphas, generators=generators, callback=callback, eta=1.0)


def dpm_solver(denoise, x, path, *, alphas, generators=None, callback=None) -> torch.Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2); deterministic, for few steps."""
    before: tuple[torch.Tensor, float] | None = None
    for i, (t, after) in enumerate(zip(path, path[1:], strict=False)):
        clean, _ = denoise(x, t)
        if callback:
            callback(State(x, i, len(path) - 1, t, clean))
        a, b = _abar(alphas, t), _abar(alphas, after)
        if b >= 1.0:  # log-SNR is infinite there: the step ends on the prediction itself
            return clean
        h = _log_snr(b) - _log_snr(a)
        target = clean
        if before is not None:
            ratio = before[1] / h
            target = (1 + 1 / (2 * ratio)) * clean - 1 / (2 * ratio) * before[0]
        x = ((1 - b) / (1 - a)) ** 0.5 * x - b**0.5 * np.expm1(-h) * target
        before = (clean, h)
    return x


def _log_snr(abar: float) -> float:
    """lambda_t = log(alpha_t / sigma_t), finite for a schedule that ends on pure noise."""
    abar = min(max(abar, 1e-12), 1 - 1e-12)
    return 0.5 * float(np.log(abar) - np.log1p(-abar))


SAMPLERS = {"ddim": ddim, "ddpm": ddpm, "dpm-solver": dpm_solver}


def get_sampler(name: str):
    """The sampler of this name."""
    if name not in SAMPLERS:
        raise GammaFaceError(f"there is no sampler '{name}'", fix=f"Choose from {', '.join(SAMPLERS)}.")
    return SAMPLERS[name]


def draw_noise(generators: list[torch.Generator] | None, like: torch.Tensor) -> torch.Tensor:
    """Standard normal noise, sample i from its own generator (on the CPU, so that every
    device draws the same)."""
    if generators is None:
        raise GammaFaceError(
            "a stochastic sampler needs one generator per sample", fix="Pass generators=[...]."
        )
    noise = [torch.randn(like.shape[1:], generator=g) for g in generators]
    return torch.stack(noise).to(like)
