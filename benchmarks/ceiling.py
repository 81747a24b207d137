"""How near the ceiling: the peak of matrix products here, and diffusers' pipeline at its fastest."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from diffusers import DiffusionPipeline

PRODUCTS, REPEATS = 10, 5
SIDE = {"cuda": 8192, "cpu": 2048}  # of the square matrices: large enough to keep the device busy


def peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOPs a second of a square matrix product in a dtype, the median of five times ten."""
    side = SIDE.get(device.type, SIDE["cpu"])
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))

    def products() -> None:
        for _ in range(PRODUCTS):
            torch.mm(a, b)

    taken = [seconds(device, products) for _ in range(1 + REPEATS)][1:]  # the first warms up
    return PRODUCTS * 2 * side**3 / statistics.median(taken)


def at_its_fastest(pipeline: DiffusionPipeline) -> DiffusionPipeline:
    """A pipeline as diffusers recommends: bfloat16, channels last, compiled ("Accelerate inference").

    The unconditional pipelines keep x in float32 and hand images to NumPy, which knows no
    bfloat16: so the networks cast at their doors, and all between stays as it is.
    """
    doors = {"unet": "forward", "vqvae": "decode"}
    for name, door in doors.items():
        if (network := getattr(pipeline, name, None)) is not None:
            network.to(torch.bfloat16, memory_format=torch.channels_last)
            setattr(network, door, _cast(getattr(network, door)))
    return pipeline


def _cast(call):
    fast = torch.compile(call, mode="max-autotune", fullgraph=True)

    def door(x: torch.Tensor, *rest, **more):
        out = fast(x.bfloat16(), *rest, **more)
        out.sample = out.sample.float()
        return out

    return door


def seconds(device: torch.device, work: Callable[[], object]) -> float:
    """How long a piece of work takes, until the device has finished it."""
    wait(device)
    started = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - started


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
