"""Framing and colour augmentation of a whole batch of faces, in torch.

It spans what separates the data sets from each other and from generated faces: how tight
the crop is, light and white balance, and lost detail (blur, JPEG blocks, sensor noise).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

ZOOM = (0.78, 1.1)  # share of the stored picture's side that is seen; over 1 mirrors the border
TURN = math.radians(10)
SHIFT = 0.07  # of the side
STRETCH = 0.06
GREY, SOFT, BLOCKY, NOISY = 0.05, 0.3, 0.2, 0.2  # share of the pictures


@torch.autocast("cpu", enabled=False)  # a training's bfloat16 is not for colours
def augment(pictures: torch.Tensor, *, resolution: int, source: torch.Generator) -> torch.Tensor:
    """One random view of each picture.

    Parameters
    ----------
    pictures : uint8 tensor of shape (n, 3, H, H)
    resolution : int
        Side of the result.
    source : torch.Generator
        Decides everything, so that a step can be repeated.

    Returns
    -------
    float32 tensor of shape (n, 3, resolution, resolution), in [-1, 1]
    """
    n = len(pictures)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.empty(shape or (n,)).uniform_(low, high, generator=source)

    def some(share: float) -> torch.Tensor:
        return (uniform(0, 1) < share).nonzero().flatten()

    images = pictures.float().div_(127.5).sub_(1.0)
    zoom = torch.exp(uniform(math.log(ZOOM[0]), math.log(ZOOM[1])))
    turn, stretch = uniform(-TURN, TURN), torch.exp(uniform(-STRETCH, STRETCH))
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = turn.cos() * zoom, turn.sin() * zoom
    shift_x, shift_y = uniform(-2 * SHIFT, 2 * SHIFT), uniform(-2 * SHIFT, 2 * SHIFT)
    rows = [mirror * cos * stretch, -sin * stretch, shift_x, mirror * sin / stretch, cos / stretch, shift_y]
    matrix = torch.stack(rows, dim=1).view(n, 2, 3)
    grid = F.affine_grid(matrix, [n, 3, resolution, resolution], align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    images = _recolour(images, uniform, grey=some(GREY))
    soft = some(SOFT)
    if len(soft):
        coarse = F.interpolate(images[soft], scale_factor=0.5, mode="area")
        coarse = F.interpolate(coarse, size=images.shape[-2:], mode="bilinear", align_corners=False)
        images[soft] = images[soft].lerp(coarse, uniform(0, 1, len(soft), 1, 1, 1))
    blocky = some(BLOCKY)
    if len(blocky):
        images[blocky] = _jpeg_like(images[blocky], strength=uniform(0.02, 0.12, len(blocky)))
    noisy = some(NOISY)
    if len(noisy):
        grain = torch.randn(images[noisy].shape, generator=source)
        images[noisy] += grain * uniform(0.0, 0.08, len(noisy), 1, 1, 1)
    return images.clamp_(-1, 1)


def _recolour(images: torch.Tensor, uniform, *, grey: torch.Tensor) -> torch.Tensor:
    """Brightness, contrast, saturation and white balance as one matrix a picture."""
    n = len(images)
    luma = torch.tensor([0.299, 0.587, 0.114]).expand(3, 3)
    saturation = uniform(0.7, 1.3, n, 1, 1)
    saturation[grey] = 0.0
    mix = saturation * torch.eye(3) + (1 - saturation) * luma
    gain = uniform(0.75, 1.25, n, 1, 1) * uniform(0.93, 1.07, n, 3, 1)
    moved = torch.baddbmm(uniform(-0.2, 0.2, n, 1, 1), gain * mix, images.flatten(2))
    return moved.view_as(images)


def _jpeg_like(images: torch.Tensor, *, strength: torch.Tensor) -> torch.Tensor:
    """Quantise 8x8 blocks of cosines, coarser for fine detail, as JPEG does."""
    n, _, height, width = images.shape
    if height % 8 or width % 8:
        return images
    k = torch.arange(8.0)
    basis = torch.cos(math.pi / 8 * (k + 0.5) * k[:, None]) * 0.5
    basis[0] /= math.sqrt(2)
    step = strength.view(n, 1, 1, 1, 1, 1) * (1 + k[:, None] + k).view(1, 1, 1, 1, 8, 8)
    blocks = images.view(n, 3, height // 8, 8, width // 8, 8).transpose(3, 4)
    waves = basis @ blocks @ basis.T
    blocks = basis.T @ ((waves / step).round() * step) @ basis
    return blocks.transpose(3, 4).reshape(images.shape)
