"""One resumable training loop: schedule, EMA, checkpoints, progress.

A step's batch and noise depend on (seed, step, process) alone, so a killed run that
resumes sees what an undisturbed one would have seen. Checkpoints are safetensors plus
JSON; nothing is pickled.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from tqdm.auto import tqdm

from gammaface.errors import GammaFaceError
from gammaface.models.precision import fast_dtype
from gammaface.models.room import told_when_full
from gammaface.training.checkpoints import load_checkpoint, newest_checkpoint, save_checkpoint

HISTORY_EVERY = 20  # steps between points of the stored loss curve


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    The learning rate warms up, stays, and falls linearly to zero over the last
    ``decay`` of all images, so that a longer run continues a shorter one's plateau.
    """

    images: int
    batch_size: int = 128
    learning_rate: float = 4e-4
    warmup_images: int = 10_000
    decay: float = 0.3
    weight_decay: float = 0.01
    ema_half_life: int = 25_000  # images
    gradient_clip: float = 1.0
    seed: int = 0
    checkpoint_minutes: float = 4.0

    def rate(self, seen: int) -> float:
        """Learning rate after `seen` images."""
        ramp = min(1.0, (seen + self.batch_size) / max(1, self.warmup_images))
        left = (self.images - seen) / max(1.0, self.decay * self.images)
        return self.learning_rate * min(ramp, 1.0, max(0.0, left))


def training_dtype() -> torch.dtype:
    """The dtype in which networks are trained here; it follows `fast_dtype`."""
    return fast_dtype(torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def step_generator(seed: int, step: int, process: int = 0) -> torch.Generator:
    """The random stream of one step on one process."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) * 1_009 + process)


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Round denormal numbers to zero inside: their products are slow on CPUs."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@denormals_flushed()
def train(
    model: torch.nn.Module,
    loss_of: Callable[[torch.nn.Module, int, Accelerator], torch.Tensor],
    *,
    schedule: Schedule,
    out: Path,
    config: dict,
    resume: bool = False,
    on_checkpoint: Callable[[torch.nn.Module, dict], None] | None = None,
    quiet: bool = False,
    betas: tuple[float, float] = (0.9, 0.99),
    checkpoint_images: int | None = None,
) -> tuple[torch.nn.Module, dict]:
    """Train `model` and return its exponential moving average and the loss history.

    Parameters
    ----------
    model : torch.nn.Module
        Trained in place.
    loss_of : callable
        ``loss_of(model, step, accelerator) -> scalar loss`` for one batch of
        ``schedule.batch_size`` images on this process.
    schedule : Schedule
        Length, rates and seed.
    out : Path
        Folder for checkpoints.
    config : dict
        Stored with every checkpoint; a resume under another config is refused.
    resume : bool
        Continue from the newest checkpoint in `out`; without one, start afresh.
    on_checkpoint : callable, optional
        ``on_checkpoint(ema, progress)`` after each checkpoint, on the main process.
    betas : tuple of float
        Adam's.
    checkpoint_images : int, optional
        Write a checkpoint whenever so many more images were seen, e.g. after each epoch.

    Returns
    -------
    (torch.nn.Module, dict)
        EMA model in eval mode; progress with ``step``, ``seen`` and ``history`` rows
        ``[images seen, mean loss, learning rate]``.

    Raises
    ------
    GammaFaceError
        When `out` holds a checkpoint and `resume` is false, or the checkpoint is
        damaged or of another config.
    """
    dtype = training_dtype()
    accelerator = Accelerator(mixed_precision="bf16" if dtype == torch.bfloat16 else "no")
    config = config | {"precision": str(dtype).removeprefix("torch.")}
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=schedule.learning_rate,
        betas=betas,
        weight_decay=schedule.weight_decay,
        fused=True,
    )
    ema = copy.deepcopy(model).requires_grad_(False).eval()
    progress = {"step": 0, "seen": 0, "history": [], "seconds": 0.0}
    found = newest_checkpoint(out)
    if found and not resume:
        raise GammaFaceError(
            "a checkpoint of an earlier training is here",
            where=out,
            fix="Add --resume to continue it, or give another --out.",
        )
    if found:
        progress = load_checkpoint(found, model, ema, optimizer, config)
    prepared, optimizer = accelerator.prepare(model, optimizer)
    ema.to(accelerator.device)

    total = schedule.batch_size * accelerator.num_processes
    bar = tqdm(
        total=schedule.images,
        initial=min(progress["seen"], schedule.images),
        unit="img",
        disable=quiet or not accelerator.is_main_process,
        mininterval=1.0,
    )
    started, saved = time.monotonic() - progress["seconds"], time.monotonic()
    running: list[torch.Tensor] = []
    prepared.train()
    while progress["seen"] < schedule.images:
        rate = schedule.rate(progress["seen"])
        for group in optimizer.param_groups:
            group["lr"] = rate
        with told_when_full(f"a training batch of {schedule.batch_size}", fix="Give a smaller --batch-size."):
            with accelerator.autocast():
                loss = loss_of(prepared, progress["step"], accelerator)
            accelerator.backward(loss)
        accelerator.clip_grad_norm_(prepared.parameters(), schedule.gradient_clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        progress["step"] += 1
        progress["seen"] += total
        update_ema(ema, model, seen=progress["seen"], batch=total, schedule=schedule)
        running.append(loss.detach())
        bar.update(total)
        if progress["step"] % HISTORY_EVERY == 0:
            mean = _mean(running, progress["step"], out)
            progress["history"].append([progress["seen"], round(mean, 5), rate])
            running.clear()
            bar.set_postfix(loss=f"{mean:.4f}", lr=f"{rate:.1e}", refresh=False)
        due = time.monotonic() - saved > 60 * schedule.checkpoint_minutes
        if checkpoint_images is not None:
            due |= progress["seen"] % checkpoint_images < total
        if due or progress["seen"] >= schedule.images:
            if running:
                _mean(running, progress["step"], out)  # a checkpoint replaces the last good one
            progress["seconds"] = time.monotonic() - started
            if accelerator.is_main_process:
                save_checkpoint(out, model, ema, optimizer, progress, config)
                if on_checkpoint:
                    on_checkpoint(ema, progress)
            saved = time.monotonic()
    bar.close()
    return ema, progress


def _mean(losses: list[torch.Tensor], step: int, out: Path) -> float:
    mean = float(torch.stack(losses).mean())
    if not math.isfinite(mean):
        raise GammaFaceError(
            f"the loss became NaN by step {step}",
            where=out,
            fix="Lower --learning-rate. `train` continues with --resume, `rebalance` needs another --out.",
        )
    return mean


@torch.no_grad()
def update_ema(
    ema: torch.nn.Module, model: torch.nn.Module, *, seen: int, batch: int, schedule: Schedule
) -> None:
    """Move the average towards the model; the half-life grows with training at first."""
    half_life = min(schedule.ema_half_life, max(1.0, 0.1 * seen))
    weight = 1.0 - 0.5 ** (batch / half_life)
    torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), weight)
    for kept, new in zip(ema.buffers(), model.buffers(), strict=True):
        kept.copy_(new)


def as_config(**parts) -> dict:
    """Flatten dataclasses and plain values to what JSON keeps."""
    return {k: dataclasses.asdict(v) if dataclasses.is_dataclass(v) else v for k, v in parts.items()}
