"""Checkpoints of a training: safetensors plus JSON, written whole, the newest kept."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gammaface.errors import GammaFaceError
from gammaface.files import json_object, told_when_unwritable

# A training may go on for longer, and more slowly after its loss became NaN.
CHANGEABLE = {"images", "epochs", "decay", "checkpoint_minutes", "learning_rate", "warmup_images"}
PROGRESS = ("step", "seen", "history", "seconds")
NAME = re.compile(r"checkpoint-(\d+)(\.tmp)?")  # other folders are somebody else's


def newest_checkpoint(out: Path) -> Path | None:
    """The complete checkpoint with the most steps, if any."""
    done = [p for p in _checkpoints(out) if p.is_dir() and p.suffix != ".tmp"]
    return max(done, key=lambda p: int(NAME.fullmatch(p.name)[1]), default=None)


def _checkpoints(out: Path) -> list[Path]:
    return [p for p in Path(out).glob("checkpoint-*") if NAME.fullmatch(p.name)]


def save_checkpoint(out, model, ema, optimizer, progress: dict, config: dict) -> None:
    """Write one checkpoint whole: under a temporary name first, then renamed."""
    inner = getattr(optimizer, "optimizer", optimizer)
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"ema.{k}": v for k, v in ema.state_dict().items()}
    for index, state in inner.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
    tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    final = Path(out) / f"checkpoint-{progress['step']:08d}"
    partial = final.with_suffix(".tmp")
    shutil.rmtree(partial, ignore_errors=True)
    with told_when_unwritable(final, what="the checkpoint"):
        try:
            partial.mkdir(parents=True)
            save_file(tensors, partial / "state.safetensors")
            (partial / "progress.json").write_text(json.dumps({"config": config, "progress": progress}))
            for file in partial.iterdir():
                with open(file, "rb") as handle:
                    os.fsync(handle.fileno())
            partial.rename(final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    for old in _checkpoints(out):
        if old != final:
            shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path, model, ema, optimizer, config: dict) -> dict:
    """Restore all state from `folder`; returns the stored progress."""
    try:
        stored = json_object(folder / "progress.json")
        kept = _fixed(stored["config"])
        progress = {name: stored["progress"][name] for name in PROGRESS}
        tensors = load_file(folder / "state.safetensors")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise GammaFaceError(
            f"the checkpoint is damaged: {error}",
            where=folder,
            fix="Delete this folder and train again.",
        ) from None
    asked = _fixed(json.loads(json.dumps(config)))
    # A checkpoint of before the data were recorded has no hash to compare: it may go on.
    if "data" not in kept:
        asked.pop("data", None)
    if kept != asked:
        raise GammaFaceError(
            "the checkpoint was made under another configuration",
            where=folder,
            fix="Give the same data and options as before, or another --out.",
        )

    def part(prefix: str) -> dict:
        return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

    model.load_state_dict(part("model."))
    ema.load_state_dict(part("ema."))
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict] = {}
    for key, value in part("optimizer.").items():
        index, name = key.split(".", 1)
        if value.ndim:
            # The fused kernel reads raw memory: moments must lie as their parameter does.
            value = torch.empty_like(parameters[int(index)]).copy_(value)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return progress


def _fixed(config: dict) -> dict:
    """The part of a configuration that a resumed training may not change.

    Its precision may: a long training moves to a machine that has bfloat16, or leaves it. The
    paper's recipe repeats some of its schedule.
    """
    kept = {k: v for k, v in config.items() if k != "precision"}
    for part in kept.keys() & {"schedule", "recipe"}:
        kept[part] = {k: v for k, v in kept[part].items() if k not in CHANGEABLE}
    return kept
