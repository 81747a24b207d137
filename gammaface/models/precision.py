"""bfloat16 where the device multiplies in it, float32 where it does not."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext

import torch

from gammaface.errors import GammaFaceError

VARIABLE = "GAMMAFACE_PRECISION"
NAMES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
AMPERE = (8, 0)  # the first of NVIDIA's GPUs that multiply in bfloat16


def fast_dtype(device: torch.device) -> torch.dtype:
    """The dtype in which networks run on a device.

    ``GAMMAFACE_PRECISION=float32`` or ``bfloat16`` decides; otherwise bfloat16 on GPUs and
    CPUs that have instructions for it. Nothing is timed: the same machine must draw the same
    picture on a busy day.

    Raises
    ------
    GammaFaceError
        When the variable holds another word.
    """
    asked = os.environ.get(VARIABLE, "")
    if asked:
        if asked not in NAMES:
            raise GammaFaceError(f"{VARIABLE}={asked}", fix=f"Set it to {' or '.join(NAMES)}, or unset it.")
        return NAMES[asked]
    return torch.bfloat16 if has_bfloat16(device.type) else torch.float32


def precision_of(device: torch.device) -> str:
    """:func:`fast_dtype` as a word, ``float32`` or ``bfloat16``: what runs record."""
    return str(fast_dtype(device)).removeprefix("torch.")


def has_bfloat16(kind: str) -> bool:
    """Whether a kind of device multiplies in bfloat16; elsewhere numbers are widened first."""
    if kind == "cuda":
        return torch.cuda.get_device_capability() >= AMPERE
    if kind == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


def exactly(device: torch.device) -> AbstractContextManager:
    """A context inside :func:`arithmetic` in which products are float32's, of float32 inputs."""
    return torch.autocast(device.type, enabled=False)


def arithmetic(device: torch.device) -> AbstractContextManager:
    """A context in which convolutions and products run in :func:`fast_dtype`.

    Weights stay float32 and are rounded at each call, so that whoever trains a network
    further, or reads it, finds it whole.
    """
    dtype = fast_dtype(device)
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
