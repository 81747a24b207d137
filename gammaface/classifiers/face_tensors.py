"""Face images as tensors, checked and resized, before any network sees them."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from gammaface.errors import GammaFaceError


def fit_resolution(images: torch.Tensor, resolution: int) -> torch.Tensor:
    """Images (n, 3, H, H) at the side the network takes, in the layout it is fast in."""
    if images.shape[-1] != resolution:
        size = (resolution, resolution)
        images = F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
    return images.contiguous(memory_format=torch.channels_last)


def check_images(images: torch.Tensor) -> None:
    """Refuse what is no square float picture in [-1, 1]."""
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
        raise GammaFaceError(f"images of shape {tuple(images.shape)}", fix="Give square ones, (n, 3, H, H).")
    if not images.is_floating_point() or (len(images) and not images.abs().max() <= 1.01):
        raise GammaFaceError(
            "the images are not floats in [-1, 1]", fix="Scale 0..255 pixels with x / 127.5 - 1."
        )
