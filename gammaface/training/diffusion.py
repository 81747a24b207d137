"""Train an unconditional latent diffusion model on cached latents.

v-prediction (Salimans & Ho 2022) on the squared-cosine schedule (Nichol & Dhariwal
2021), loss weighted by min-SNR-5 (Hang et al. 2023).
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from diffusers import AutoencoderDC, DDIMScheduler, UNet2DModel
from tqdm.auto import tqdm

from gammaface.files import content_hash, json_object, told_when_unwritable, write_whole
from gammaface.images import to_unit
from gammaface.models.attention import lay_out
from gammaface.training.loop import Schedule, as_config, step_generator, train

MIN_SNR = 5.0


@dataclass(frozen=True)
class Noisy:
    """A batch with noise added: ``noisy`` = sqrt(abar) clean + sqrt(1 - abar) noise."""

    clean: torch.Tensor  # (n, c, h, w)
    noise: torch.Tensor
    noisy: torch.Tensor
    t: torch.Tensor  # (n,)
    abar: torch.Tensor  # (n, 1, 1, 1)

    def to(self, device: torch.device) -> Noisy:
        """The same batch on a device, laid out as the networks are."""
        moved = {name: value.to(device) for name, value in vars(self).items()}
        moved["noisy"] = moved["noisy"].contiguous(memory_format=torch.channels_last)
        return Noisy(**moved)


def add_noise(clean: torch.Tensor, abar: torch.Tensor, source: torch.Generator) -> Noisy:
    """Noise at one timestep per equal slice of the schedule: less variance than n free draws.

    Parameters
    ----------
    clean : torch.Tensor
        (n, c, h, w).
    abar : torch.Tensor
        (T,) cumulative products of the schedule.
    source : torch.Generator
        Decides timesteps and noise.
    """
    n = len(clean)
    spread = (torch.randperm(n, generator=source) + torch.rand(n, generator=source)) / n
    t = (spread * len(abar)).long().clamp_max(len(abar) - 1)
    noise = torch.randn(clean.shape, generator=source)
    a = abar[t].view(-1, 1, 1, 1)
    return Noisy(clean, noise, a.sqrt() * clean + (1 - a).sqrt() * noise, t, a)


def denoising_loss(predicted: torch.Tensor, batch: Noisy, prediction_type: str) -> torch.Tensor:
    """Squared error of a network's output for each example, (n,), weighted by min-SNR-5.

    The weight is min(SNR, 5) on the error of x_0, whatever the network predicts.
    """
    a, b = batch.abar, 1 - batch.abar
    snr = a / b
    if prediction_type == "epsilon":
        target, weight = batch.noise, snr.clamp_max(MIN_SNR) / snr
    elif prediction_type == "v_prediction":
        target, weight = a.sqrt() * batch.noise - b.sqrt() * batch.clean, snr.clamp_max(MIN_SNR) * b
    else:
        target, weight = batch.clean, snr.clamp_max(MIN_SNR)
    return ((predicted - target).square() * weight).mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class UNetWidths:
    """Channels per level of the U-Net; the last level and the mid block attend."""

    channels: tuple[int, ...] = (128, 256)
    layers: int = 2
    head_dim: int = 32


def build_unet(widths: UNetWidths, *, channels: int, side: int) -> UNet2DModel:
    """An untrained U-Net over (channels, side, side) latents."""
    plain = len(widths.channels) - 1
    return UNet2DModel(
        sample_size=side,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=widths.channels,
        layers_per_block=widths.layers,
        down_block_types=("DownBlock2D",) * plain + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * plain,
        attention_head_dim=widths.head_dim,
    )


def widths_of(unet: UNet2DModel) -> UNetWidths:
    """The widths of a network that `build_unet` could have built."""
    config = unet.config
    return UNetWidths(tuple(config.block_out_channels), config.layers_per_block, config.attention_head_dim)


def build_scheduler() -> DDIMScheduler:
    """The schedule the model is trained on; DDIM by default when sampling."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=True,
        timestep_spacing="trailing",
    )


def encode_latents(
    images: torch.Tensor, autoencoder: AutoencoderDC, *, cache: Path, quiet: bool = False
) -> tuple[np.ndarray, str]:
    """Latents of all images and of their mirror images, (2n, C, h, w) float16, and a fingerprint.

    The fingerprint is a sha256 over the images and the weights. Encoded once: the cache file
    carries it, and is used again only when it still matches. Of several processes the first
    one encodes.
    """
    with PartialState().main_process_first():
        return _encode_or_read(images, autoencoder, cache, quiet)


@torch.no_grad()
def _encode_or_read(images, autoencoder, cache: Path, quiet: bool) -> tuple[np.ndarray, str]:
    mark = hashlib.sha256(images.numpy().tobytes())
    for value in autoencoder.encoder.state_dict().values():
        mark.update(value.cpu().numpy().tobytes())
    fingerprint, note = mark.hexdigest(), cache.with_suffix(".json")
    with suppress(OSError, ValueError, EOFError, KeyError):  # what is damaged is encoded again
        if json_object(note)["sha256"] == fingerprint:
            return np.load(cache, mmap_mode="r"), fingerprint
    device = next(autoencoder.parameters()).device
    parts = []
    for batch in tqdm(images.split(128), desc="encoding", unit="batch", disable=quiet):
        pixels = to_unit(batch).to(device, memory_format=torch.channels_last)
        both = torch.cat([pixels, pixels.flip(-1)])
        parts.append(autoencoder.encode(both).latent.cpu().half().numpy())
    latents = np.concatenate(parts)
    told = json.dumps({"sha256": fingerprint, "shape": latents.shape})
    with told_when_unwritable(note):
        note.unlink(missing_ok=True)  # a kill below must not leave these latents under another fingerprint
    write_whole(cache, lambda f: np.save(f, latents))
    write_whole(note, lambda f: f.write(told.encode()))
    return latents, fingerprint


def train_diffusion(
    latents: np.ndarray,
    *,
    out: Path,
    schedule: Schedule,
    widths: UNetWidths = UNetWidths(),
    start_from: UNet2DModel | None = None,
    data: str | None = None,
    resume: bool = False,
    quiet: bool = False,
    on_checkpoint=None,
) -> tuple[UNet2DModel, dict]:
    """Train on latents (n, C, h, w), with checkpoints in `out`.

    Parameters
    ----------
    start_from : UNet2DModel, optional
        Weights to continue from, e.g. a shipped model's, instead of random ones.
    data : str, optional
        Fingerprint of what the latents were made of, see :func:`encode_latents`; a hash of the
        latents without it. A resume on other data is refused. Latents encoded again elsewhere
        may differ in their last bits, what they are made of does not.

    Returns
    -------
    (UNet2DModel, dict)
        The averaged model, and the progress with its loss curve.
    """
    torch.manual_seed(schedule.seed)
    _, channels, side, _ = latents.shape
    unet = start_from or build_unet(widths, channels=channels, side=side)
    widths = widths_of(unet)
    unet.to(memory_format=torch.channels_last)
    lay_out(unet)
    scheduler = build_scheduler()
    abar = scheduler.alphas_cumprod

    def loss_of(model, step, accelerator):
        source = step_generator(schedule.seed, step, accelerator.process_index)
        picks = torch.randint(len(latents), (schedule.batch_size,), generator=source).numpy()
        clean = torch.from_numpy(latents[np.sort(picks)]).float()
        batch = add_noise(clean, abar, source).to(accelerator.device)
        predicted = model(batch.noisy, batch.t, return_dict=False)[0].float()
        return denoising_loss(predicted, batch, scheduler.config.prediction_type).mean()

    config = as_config(
        kind="diffusion",
        schedule=schedule,
        widths=widths,
        n=len(latents),
        data=data or content_hash(latents),
    )
    ema, progress = train(
        unet,
        loss_of,
        schedule=schedule,
        out=out,
        config=config,
        resume=resume,
        quiet=quiet,
        on_checkpoint=on_checkpoint,
    )
    return ema, progress
