"""bfloat16 where the device multiplies faster in it, float32 where it does not."""

from __future__ import annotations

import functools
import os
import time
from contextlib import AbstractContextManager, nullcontext

import torch

from gammaface.errors import GammaFaceError

VARIABLE = "GAMMAFACE_PRECISION"
NAMES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
AMPERE = (8, 0)  # the first of NVIDIA's GPUs that multiply in bfloat16
GAIN = 1.5  # times faster that bfloat16 must be to be worth its rounding
SIDE, REPEATS = 768, 5  # of the product that is timed: some 10 ms in float32 on one core


def fast_dtype(device: torch.device) -> torch.dtype:
    """The dtype in which networks run on a device.

    ``GAMMAFACE_PRECISION=float32`` or ``bfloat16`` decides; otherwise bfloat16 on GPUs that
    have it and on CPUs where a timed product is 1.5 times faster with it.

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
    return torch.bfloat16 if _gains(device.type) else torch.float32


@functools.cache
def _gains(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.get_device_capability() >= AMPERE
    if kind != "cpu" or not torch.backends.cpu.get_cpu_capability().startswith(("AVX512", "SVE")):
        return False  # without these, bfloat16 is widened before every product
    return bfloat16_speedup() >= GAIN


def bfloat16_speedup() -> float:
    """How many times faster a matrix product is in bfloat16 than in float32 on this CPU."""
    best = {}
    for dtype in NAMES.values():
        a = torch.ones(SIDE, SIDE, dtype=dtype)
        a @ a  # the first call sets kernels up
        best[dtype] = min(_seconds(a) for _ in range(REPEATS))
    return best[torch.float32] / best[torch.bfloat16]


def _seconds(a: torch.Tensor) -> float:
    started = time.perf_counter()
    a @ a
    return time.perf_counter() - started


def arithmetic(device: torch.device) -> AbstractContextManager:
    """A context in which convolutions and products run in :func:`fast_dtype`.

    Weights stay float32 and are rounded at each call, so that whoever trains a network
    further, or reads it, finds it whole.
    """
    dtype = fast_dtype(device)
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
