"""Noise schedules from a scheduler's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import diffusers
import numpy as np

from gammaface.errors import GammaFaceError

BETAS = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")
CLIPPING = ("DDPMScheduler", "DDIMScheduler")  # clip where their configuration is silent
MOST_STEPS = 100_000  # that a schedule may have
PREDICTIONS = ("epsilon", "v_prediction", "sample")


@dataclass(frozen=True)
class NoiseSchedule:
    """What a model was trained to undo.

    Attributes
    ----------
    alphas : numpy.ndarray
        (T,) float64, cumulative products abar_t, falling.
    prediction_type : str
        ``epsilon``, ``v_prediction`` or ``sample``.
    clip : float or None
        Predicted clean values are held within +- this, as the scheduler asks.
    sigmas : numpy.ndarray or None
        (T,) of a variance-exploding model: the noise added to pictures in [0, 1], rising.
    """

    alphas: np.ndarray
    prediction_type: str = "epsilon"
    clip: float | None = None
    sigmas: np.ndarray | None = None


def read_schedule(config: dict, place: Path) -> NoiseSchedule:
    """The schedule that a diffusers scheduler configuration describes.

    Variance-exploding models (Song et al. 2021, ScoreSdeVeScheduler) are mapped exactly: a
    picture y in [0, 1] with noise of deviation sigma added is, as x = 2y - 1 over
    sqrt(1 + 4 sigma^2), a variance-preserving one with abar = 1 / (1 + 4 sigma^2).

    Raises
    ------
    GammaFaceError
        For a kind of schedule without abar_t, and for one that is not finite and falling.
    """
    kind = config.get("_class_name", "")
    if kind == "ScoreSdeVeScheduler":
        return _exploding(config, place)
    if not {"beta_start", "beta_schedule", "trained_betas"} & set(config) or config.get("use_flow_sigmas"):
        raise GammaFaceError(
            f"the scheduler '{kind}' has no noise schedule that GammaFace reads",
            where=place,
            fix="It reads those with betas (DDPM, DDIM, PNDM, DPM-Solver, Euler) and score-SDE VE.",
        )
    prediction = config.get("prediction_type", "epsilon")
    if prediction not in PREDICTIONS or config.get("thresholding"):
        asked = "dynamic thresholding" if config.get("thresholding") else f"predicting '{prediction}'"
        raise GammaFaceError(
            f"the scheduler asks for {asked}",
            where=place,
            fix=f"GammaFace reads models that predict {', '.join(PREDICTIONS)}, without it.",
        )
    clips = config.get("clip_sample", kind in CLIPPING)
    return NoiseSchedule(
        _alphas(config, place),
        prediction,
        clip=_clip(config.get("clip_sample_range", 1.0), place) if clips else None,
    )


def _clip(within: object, place: Path) -> float:
    if type(within) not in (int, float) or not 0 < within < np.inf:
        raise GammaFaceError(
            f"the scheduler clips to {str(within)[:40]}",
            where=place,
            fix="Set clip_sample_range in scheduler_config.json to a number above 0.",
        )
    return float(within)


def _steps(config: dict, otherwise: int) -> int:
    steps = config.get("num_train_timesteps", otherwise)
    if type(steps) is not int or not 0 < steps <= MOST_STEPS:
        raise ValueError(f"num_train_timesteps is {str(steps)[:40]}, not 1 to {MOST_STEPS:,}")
    return steps


def _alphas(config: dict, place: Path) -> np.ndarray:
    try:
        _steps(config, otherwise=1000)
        scheduler = diffusers.DDPMScheduler(**{k: config[k] for k in BETAS if k in config})
        betas = scheduler.betas.double()
        if betas.ndim != 1 or not len(betas):
            raise ValueError("trained_betas is no list of numbers")
        if config.get("rescale_betas_zero_snr"):
            from diffusers.schedulers.scheduling_ddpm import rescale_zero_terminal_snr

            betas = rescale_zero_terminal_snr(betas)
        alphas = np.cumprod(1.0 - betas.numpy())
    except (TypeError, ValueError, RuntimeError) as error:
        raise GammaFaceError(
            f"the noise schedule cannot be read: {error}",
            where=place,
            fix="GammaFace reads schedules with alphas_cumprod (DDPM, DDIM, PNDM, DPM-Solver).",
        ) from None
    return _checked(alphas, place)


def _exploding(config: dict, place: Path) -> NoiseSchedule:
    try:
        low, high = float(config.get("sigma_min", 0.01)), float(config.get("sigma_max", 1348.0))
        with np.errstate(divide="ignore", invalid="ignore"):  # what comes of it is looked at
            sigmas = np.exp(np.linspace(np.log(low), np.log(high), _steps(config, otherwise=2000)))
    except (TypeError, ValueError) as error:
        raise GammaFaceError(
            f"the noise schedule cannot be read: {error}", where=place, fix="Repair its sigmas."
        ) from None
    return NoiseSchedule(_checked(1 / (1 + 4 * sigmas**2), place), sigmas=sigmas)


def _checked(alphas: np.ndarray, place: Path) -> np.ndarray:
    if (
        alphas.ndim != 1
        or not len(alphas)
        or not np.isfinite(alphas).all()
        or alphas[0] > 1
        or (np.diff(alphas) > 0).any()
        or alphas[-1] < 0
    ):
        raise GammaFaceError(
            "the noise schedule is not finite and falling",
            where=place,
            fix="Repair the betas in scheduler_config.json.",
        )
    return np.maximum(alphas, 1e-12)
