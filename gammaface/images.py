"""Between image tensors in [-1, 1] and PNG files."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gammaface.errors import GammaFaceError

if TYPE_CHECKING:  # reading and marking PNG files must not wait for torch
    import torch

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def to_unit(images: torch.Tensor) -> torch.Tensor:
    """uint8 pixels to float in [-1, 1]."""
    return images.float().div_(127.5).sub_(1.0)


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """(n, 3, H, W) in [-1, 1] to uint8 (n, H, W, 3)."""
    import torch

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


def with_text(png: bytes, texts: Mapping[str, object]) -> bytes:
    """The same PNG with text chunks, as image viewers show them; its pixels are not touched.

    Parameters
    ----------
    png : bytes
    texts : mapping of str to object
        By keyword, 1 to 79 Latin letters; values are written as str. A keyword that the file
        has already is replaced.

    Raises
    ------
    GammaFaceError
        When `png` is no PNG, or is cut off.
    """
    written, out = False, [SIGNATURE]
    for kind, data in _chunks(png):
        if kind == b"tEXt" and data.split(b"\0")[0].decode("latin-1") in texts:
            continue
        out.append(_chunk(kind, data))
        if not written:  # right behind the header
            for keyword, value in texts.items():
                text = str(value).encode("latin-1", "backslashreplace")
                out.append(_chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text))
            written = True
    return b"".join(out)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    kind = b""
    if png.startswith(SIGNATURE):
        while place + 12 <= len(png):
            (length,) = struct.unpack(">I", png[place : place + 4])
            kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
            yield kind, data
            place += 12 + length
    if kind != b"IEND" or place > len(png):
        raise GammaFaceError("the picture is no whole PNG file", fix="Draw or copy it again.")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def to_grid(pixels: np.ndarray, *, columns: int, gap: int = 2) -> np.ndarray:
    """Pictures (n, H, W, 3) on one white sheet, row by row."""
    n, height, width, _ = pixels.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, dtype=np.uint8)
    for i, picture in enumerate(pixels):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet
