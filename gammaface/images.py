"""Between image tensors in [-1, 1] and PNG files."""

from __future__ import annotations

import io
import json

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """(n, 3, H, W) in [-1, 1] to uint8 (n, H, W, 3)."""
    scaled = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).contiguous().numpy()


def to_png(pixels: np.ndarray, *, metadata: dict | None = None) -> bytes:
    """One uint8 picture (H, W, 3) as PNG, with `metadata` as its ``gammaface`` text."""
    info = PngInfo()
    if metadata:
        info.add_text("gammaface", json.dumps(metadata))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", pnginfo=info, optimize=True)
    return buffer.getvalue()


def to_grid(pixels: np.ndarray, *, columns: int, gap: int = 2) -> np.ndarray:
    """Pictures (n, H, W, 3) on one white sheet, row by row."""
    n, height, width, _ = pixels.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, dtype=np.uint8)
    for i, picture in enumerate(pixels):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet
