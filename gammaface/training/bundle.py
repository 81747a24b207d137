"""Put trained parts together as a diffusers pipeline folder in half precision."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderDC, LDMPipeline, UNet2DModel
from safetensors import SafetensorError

from gammaface.errors import GammaFaceError
from gammaface.files import told_when_unwritable, write_whole
from gammaface.training.card import loss_curve
from gammaface.training.checkpoints import newest_checkpoint
from gammaface.training.diffusion import build_scheduler


def write_bundle(
    out: Path,
    *,
    unet: UNet2DModel,
    autoencoder: AutoencoderDC,
    progress: dict,
    config: dict | None = None,
) -> None:
    """Save the pipeline that both diffusers and GammaFace load, and how it was trained.

    diffusers' LDMPipeline names its decoder ``vqvae``, whatever its class. For `progress` and
    `config` see :func:`write_training`.
    """
    pipeline = LDMPipeline(vqvae=autoencoder, unet=unet, scheduler=build_scheduler())
    pipeline.to(torch.float16)
    with told_when_unwritable(out, what="the model"):
        pipeline.save_pretrained(out, safe_serialization=True)
    write_training(out, progress, config=config)


def write_training(folder: Path, progress: dict, *, config: dict | None = None) -> None:
    """Keep ``training.json`` beside trained weights, and ``loss.svg``, their loss curve.

    Parameters
    ----------
    progress : dict
        As :func:`gammaface.training.loop.train` returns it.
    config : dict, optional
        Schedule, widths and all else that the training was given.
    """
    told = {
        "images_seen": progress["seen"],
        "steps": progress["step"],
        "hours": round(progress["seconds"] / 3600, 2),
        "config": config,
        "history": progress["history"],
    }
    write_whole(folder / "training.json", lambda f: f.write(json.dumps(told).encode()))
    if progress["history"]:
        write_whole(folder / "loss.svg", lambda f: f.write(loss_curve(progress["history"]).encode()))


def read_training(out: Path) -> tuple[dict, dict]:
    """Progress and configuration of a finished training, from its checkpoint in `out`."""
    stored = json.loads((newest_checkpoint(out) / "progress.json").read_text())
    return stored["progress"], stored["config"]


def load_autoencoder(folder: Path) -> AutoencoderDC:
    """A trained autoencoder, ready to encode."""
    return _load(AutoencoderDC, folder).eval().requires_grad_(False)


def load_unet(folder: Path) -> UNet2DModel:
    """A trained U-Net in single precision, ready to train on."""
    return _load(UNet2DModel, folder)


def _load(kind: type, folder: Path):
    if not (folder / "config.json").is_file():
        raise GammaFaceError(
            "there is no trained model here", where=folder, fix="Give the folder that was saved."
        )
    try:
        model = kind.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise GammaFaceError(
            f"the model cannot be loaded: {str(error).splitlines()[0][:200]}",
            where=folder,
            fix="Train or copy it again.",
        ) from None
    return model.float().to(memory_format=torch.channels_last)
