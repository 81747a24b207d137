"""Train the convolutional autoencoder that turns faces into 8x8x16 latents.

The network is diffusers' AutoencoderDC (Chen et al. 2024, deep-compression autoencoder)
without attention: pixel unshuffling carries most of the resolution, which keeps it cheap
on a CPU. Loss: L1 plus L1 on finite differences at three scales, so that edges stay
sharp, plus a small penalty and a little noise on the latents, so that nearby latents
decode to nearby faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import PartialState
from diffusers import AutoencoderDC

from gammaface.files import content_hash, told_when_unwritable
from gammaface.images import to_unit
from gammaface.training.loop import Schedule, as_config, step_generator, train

LATENT_CHANNELS = 16
LATENT_NOISE = 0.1
LATENT_PENALTY = 1e-3


@dataclass(frozen=True)
class AutoencoderWidths:
    """Channels per resolution (image size first; that stage is only reshuffled)."""

    encoder: tuple[int, ...] = (32, 32, 64, 128)
    decoder: tuple[int, ...] = (48, 48, 96, 192)
    encoder_layers: tuple[int, ...] = (0, 1, 1, 1)
    decoder_layers: tuple[int, ...] = (0, 1, 2, 2)

    @classmethod
    def for_resolution(cls, resolution: int) -> AutoencoderWidths:
        """8x8 latents at any supported resolution: factor 8 at 64 px, 16 at 128 px."""
        if resolution == 64:
            return cls()
        return cls((16, 16, 32, 64, 128), (24, 24, 48, 96, 192), (0, 1, 1, 1, 1), (0, 1, 1, 2, 2))


def build_autoencoder(widths: AutoencoderWidths) -> AutoencoderDC:
    """An untrained autoencoder of the given widths."""
    stages = len(widths.encoder)
    return AutoencoderDC(
        in_channels=3,
        latent_channels=LATENT_CHANNELS,
        attention_head_dim=32,
        encoder_block_types="ResBlock",
        decoder_block_types="ResBlock",
        encoder_block_out_channels=widths.encoder,
        decoder_block_out_channels=widths.decoder,
        encoder_layers_per_block=widths.encoder_layers,
        decoder_layers_per_block=widths.decoder_layers,
        encoder_qkv_multiscales=((),) * stages,
        decoder_qkv_multiscales=((),) * stages,
        downsample_block_type="pixel_unshuffle",
        upsample_block_type="pixel_shuffle",
        encoder_out_shortcut=False,
        decoder_in_shortcut=False,
    )


def reconstruction_loss(restored: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """L1 plus L1 of horizontal and vertical differences at scales 1, 2 and 4."""
    error = restored - target
    loss = error.abs().mean()
    for scale in range(3):
        if scale:
            error = F.avg_pool2d(error, 2)
        loss = loss + (error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()) / 2
    return loss


class Roundtrip(torch.nn.Module):
    """Encode, disturb, decode: one forward pass, so that several GPUs can share it."""

    def __init__(self, autoencoder: AutoencoderDC) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, images: torch.Tensor, noise: torch.Tensor):
        latents = self.autoencoder.encode(images).latent
        return self.autoencoder.decode(latents + LATENT_NOISE * noise).sample, latents


def train_autoencoder(
    images: torch.Tensor,
    *,
    out: Path,
    schedule: Schedule,
    widths: AutoencoderWidths | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> AutoencoderDC:
    """Train on uint8 images (n, 3, H, W) and save a diffusers folder in ``out/autoencoder``.

    Latents are rescaled to unit variance per channel inside the saved weights.
    """
    resolution = images.shape[-1]
    widths = widths or AutoencoderWidths.for_resolution(resolution)
    torch.manual_seed(schedule.seed)
    model = Roundtrip(build_autoencoder(widths)).to(memory_format=torch.channels_last)

    def loss_of(roundtrip, step, accelerator):
        source = step_generator(schedule.seed, step, accelerator.process_index)
        picks = torch.randint(len(images), (schedule.batch_size,), generator=source)
        batch = to_unit(images[picks])
        flip = torch.rand(len(batch), generator=source) < 0.5
        batch[flip] = batch[flip].flip(-1)
        factor = resolution // 8
        noise = torch.randn(
            len(batch), LATENT_CHANNELS, resolution // factor, resolution // factor, generator=source
        )
        batch = batch.to(accelerator.device, memory_format=torch.channels_last)
        restored, latents = roundtrip(batch, noise.to(accelerator.device))
        penalty = LATENT_PENALTY * latents.float().square().mean()
        return reconstruction_loss(restored.float(), batch) + penalty

    config = as_config(
        kind="autoencoder",
        schedule=schedule,
        widths=widths,
        resolution=resolution,
        n=len(images),
        data=content_hash(images.numpy()),
    )
    ema, progress = train(
        model, loss_of, schedule=schedule, out=out, config=config, resume=resume, quiet=quiet
    )
    autoencoder = ema.autoencoder
    normalise_latents(autoencoder, images[: min(2048, len(images))])
    if PartialState().is_main_process:
        with told_when_unwritable(out / "autoencoder", what="the model"):
            autoencoder.save_pretrained(out / "autoencoder", safe_serialization=True)
    return autoencoder


@torch.no_grad()
def normalise_latents(autoencoder: AutoencoderDC, images: torch.Tensor) -> None:
    """Fold a per-channel scale into the weights so that latents have unit variance."""
    device = next(autoencoder.parameters()).device
    latents = torch.cat([autoencoder.encode(to_unit(b).to(device)).latent for b in images.split(64)])
    scale = latents.std(dim=(0, 2, 3)).clamp_min(1e-6)
    encode, decode = autoencoder.encoder.conv_out, autoencoder.decoder.conv_in
    encode.weight.div_(scale.view(-1, 1, 1, 1))
    encode.bias.div_(scale)
    decode.weight.mul_(scale.view(1, -1, 1, 1))
