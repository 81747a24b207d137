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

UNIPC_ORDER = 3  # what the paper advises for unconditional sampling
NOISE_RANGE = (20.0, 0.05)  # sigma between which BY_NOISE steps, after a first step from pure noise
BY_NOISE = {"dpm-solver": 7.0, "unipc": np.inf}  # rho: sigma^(1/rho) falls evenly, at inf its logarithm
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
    check_steps(steps, train_steps)
    even = [round(train_steps - i * train_steps / steps) - 1 for i in range(steps)]
    return _passing(even, through, train_steps)


def sampler_path(
    sampler: str, alphas: np.ndarray, steps: int, *, through: int | Sequence[int] | None = None
) -> list[int]:
    """The path that suits a sampler: evenly spaced, or by noise for those of :data:`BY_NOISE`.

    Few steps go further where they follow sigma, the noise relative to the clean image: for
    DPM-Solver++ sigma^(1/7) falls evenly (Karras et al. 2022, eq. 5), for UniPC its logarithm.

    Parameters
    ----------
    sampler : str
        A name of :data:`SAMPLERS`.
    alphas : array of float, (T,)
        Cumulative products of alpha, abar_t.
    steps, through
        As in :func:`timestep_path`.
    """
    get_sampler(sampler)
    if sampler not in BY_NOISE:
        return timestep_path(len(alphas), steps, through=through)
    check_steps(steps, len(alphas))
    log_sigma = 0.5 * (np.log1p(-np.minimum(alphas, 1 - 1e-12)) - np.log(alphas))
    high, low = (np.exp(np.clip(np.log(s), log_sigma[0], log_sigma[-1])) for s in NOISE_RANGE)
    rho = BY_NOISE[sampler]
    wanted = np.geomspace(high, low, steps)
    if np.isfinite(rho):
        wanted = np.linspace(high ** (1 / rho), low ** (1 / rho), steps) ** rho
    nearest = np.abs(log_sigma - np.log(wanted)[:, None]).argmin(axis=1)
    path = [len(alphas) - 1]
    for left, t in zip(range(steps - 2, -1, -1), nearest[1:].tolist(), strict=True):
        path.append(max(min(t, path[-1] - 1), left))  # falling, with room for those to come
    return _passing(path, through, len(alphas))


def check_steps(steps: int, train_steps: int) -> None:
    """Refuse more evaluations than the model has timesteps, or none."""
    if not 1 <= steps <= train_steps:
        raise GammaFaceError(f"{steps} steps were asked for", fix=f"Give between 1 and {train_steps} steps.")


def _passing(path: list[int], through: int | Sequence[int] | None, train_steps: int) -> list[int]:
    """The path down to clean; for each wanted timestep the nearest free one is moved onto it."""
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
        x = _towards(target, x, a, b, h)
        before = (clean, h)
    return x


def _towards(target: torch.Tensor, x: torch.Tensor, a: float, b: float, h: float) -> torch.Tensor:
    """The exact step from abar = a to b, h apart in log-SNR, if the predicted x_0 stayed `target`."""
    # The first x comes from the CPU's random streams, whatever device predicts.
    return ((1 - b) / (1 - a)) ** 0.5 * x.to(target.device) - b**0.5 * float(np.expm1(-h)) * target


def unipc(denoise, x, path, *, alphas, generators=None, callback=None) -> torch.Tensor:
    """UniPC of order 3 with B_2(h), in data prediction (Zhao et al. 2023); deterministic, for
    few steps.

    Every evaluation serves twice: it corrects the step that led to it (UniC), then predicts
    the next one (UniP).
    """
    past: list[tuple[float, torch.Tensor]] = []  # log-SNR and predicted x_0, newest last
    start, a_start, order = x, 1.0, 1
    for i, (t, after) in enumerate(zip(path, path[1:], strict=False)):
        clean, _ = denoise(x, t)
        if callback:
            callback(State(x, i, len(path) - 1, t, clean))
        a, b = _abar(alphas, t), _abar(alphas, after)
        if b >= 1.0:  # as in dpm_solver
            return clean
        if past:
            x = _unified_step(start, a_start, a, past[-order:], now=clean)
        past = [*past[1 - UNIPC_ORDER :], (_log_snr(a), clean)]
        order = min(len(past), len(path) - 1 - i)  # lower towards the end, where x_0 settles
        start, a_start = x, a
        x = _unified_step(start, a, b, past[-order:])
    return x


def _unified_step(x, a: float, b: float, past, *, now: torch.Tensor | None = None) -> torch.Tensor:
    """x from abar = a to b by the predictions of x_0 in `past`; with the one at b, corrected."""
    begin, clean = past[-1]
    h = _log_snr(b) - begin
    ratios = [(place - begin) / h for place, _ in past[:-1]]
    changes = [other - clean for _, other in past[:-1]]
    if now is not None:
        ratios, changes = [*ratios, 1.0], [*changes, now - clean]
    target = clean
    for weight, change in zip(_unified_weights(ratios, h), changes, strict=True):
        target = target + weight * change
    return _towards(target, x, a, b, h)


def _unified_weights(ratios: list[float], h: float) -> list[float]:
    """Weights of the changes of x_0 at `ratios` of the step h in log-SNR, the paper's a_m / r_m:
    with them the step is exact for polynomials of this degree in log-SNR."""
    if not ratios:
        return []
    if len(ratios) == 1:  # the paper's choice, which keeps the order at any h
        return [0.5 / ratios[0]]
    gain, right = float(np.expm1(-h)), []
    phi, factorial = -gain / h - 1, 1
    for i in range(1, len(ratios) + 1):
        right.append(phi * factorial / gain)
        factorial *= i + 1
        phi = -phi / h - 1 / factorial
    powers = np.vander(ratios, increasing=True).T
    return (np.linalg.solve(powers, right) / ratios).tolist()


def _log_snr(abar: float) -> float:
    """lambda_t = log(alpha_t / sigma_t), finite for a schedule that ends on pure noise."""
    abar = min(max(abar, 1e-12), 1 - 1e-12)
    return 0.5 * float(np.log(abar) - np.log1p(-abar))


SAMPLERS = {"ddim": ddim, "ddpm": ddpm, "dpm-solver": dpm_solver, "unipc": unipc}


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
    noise = torch.stack([torch.randn(like.shape[1:], generator=g) for g in generators])
    return on_device(noise, like.device).to(like.dtype)


def on_device(x: torch.Tensor, device: torch.device) -> torch.Tensor:
    """x on a device, without the host waiting for the copy to arrive on a GPU."""
    if device.type != "cuda" or x.device == device:
        return x.to(device)
    return x.pin_memory().to(device, non_blocking=True)
