"""Face images from Parquet files and folders, as arrays ready for training."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from gammaface.errors import GammaFaceError
from gammaface.parallel.workers import ALONE, Workers

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
FORMATS = ("JPEG", "PNG", "WEBP")  # others are not looked at: some of Pillow's readers start programs
MOST_PIXELS = 8192 * 8192
# What Pillow raises for damaged files, wherever it notices.
UNREADABLE = (OSError, ValueError, TypeError, SyntaxError, EOFError, LookupError, ArithmeticError)
UNREADABLE += (struct.error, zlib.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class Framing:
    """A part of the centred square picture, as fractions of its side."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0


@dataclass(frozen=True)
class DataSource:
    """Where face images lie and how they are framed.

    Written on the command line as ``PATH`` or ``PATH@left,top,right,bottom``; the
    crop is in pixels of the stored image.
    """

    path: Path
    crop: tuple[int, int, int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> DataSource:
        path, at, box = text.rpartition("@")
        if not at:
            return cls(Path(text))
        try:
            left, top, right, bottom = (int(v) for v in box.split(","))
        except ValueError:
            raise GammaFaceError(
                f"the crop '{box}' is not four whole numbers",
                where=text,
                fix="Write PATH@left,top,right,bottom in pixels, or PATH alone.",
            ) from None
        if left < 0 or top < 0 or right <= left or bottom <= top:
            raise GammaFaceError(
                f"the crop '{box}' is empty", where=text, fix="Give left < right and top < bottom."
            )
        return cls(Path(path), (left, top, right, bottom))


def load_images(
    source: DataSource, *, resolution: int, split: str | None = "train", limit: int | None = None
) -> torch.Tensor:
    """Read every image of a source, cropped and resized.

    Parameters
    ----------
    source : DataSource
        A Parquet file with an ``image`` column (struct of ``bytes`` and ``path``, the
        Hugging Face convention) or a folder of JPEG, PNG or WebP files.
    resolution : int
        Side of the square result in pixels.
    split : str or None
        Rows of a Parquet ``split`` column to keep; None keeps all.
    limit : int, optional
        Read at most this many images, always the same ones, at random: files often lie in order of
        what they show.

    Returns
    -------
    torch.Tensor
        uint8, (n, 3, resolution, resolution).

    Raises
    ------
    GammaFaceError
        When nothing readable is there, or an image is broken.
    """
    stored = _stored(source, resolution=resolution, split=split, limit=limit)
    return _stacked((read() for read in stored), resolution)


def load_all(
    sources: list[str], *, resolution: int, split: str | None = "train", limit: int | None = None
) -> torch.Tensor:
    """Every image of several sources, each ``PATH`` or ``PATH@left,top,right,bottom``.

    As :func:`load_images`; `limit` counts for each source.
    """
    parsed = [DataSource.parse(text) for text in sources]
    read = [load_images(s, resolution=resolution, split=split, limit=limit) for s in parsed]
    return torch.cat(read)


def load_random(
    sources: list[str],
    *,
    most: int,
    seed: int,
    resolution: int,
    split: str | None = "train",
    workers: Workers = ALONE,
) -> torch.Tensor:
    """At most `most` images of all sources together, at random, in the order in which they lie.

    As :func:`load_all`; only those that were drawn are decoded, and of several workers each gets a
    consecutive part, which may be empty.
    """
    parsed = [DataSource.parse(text) for text in sources]
    stored = [read for s in parsed for read in _stored(s, resolution=resolution, split=split)]
    rows = workers.share(random_rows(len(stored), most, seed=seed))
    return _stacked((stored[row]() for row in rows), resolution)


def random_rows(count: int, most: int | None, *, seed: int) -> np.ndarray:
    """At most `most` of `count` rows, at random, in ascending order; None for all.

    Examples
    --------
    >>> len(random_rows(10, 4, seed=0)), random_rows(3, 9, seed=0).tolist()
    (4, [0, 1, 2])
    """
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def _stored(
    source: DataSource, *, resolution: int, split: str | None, limit: int | None = None
) -> list[Callable[[], np.ndarray]]:
    """What reads each picture of a source, cropped and resized."""

    def decoded(name: str, read: Callable[[], bytes]) -> np.ndarray:
        return decode_image(read(), name=name, resolution=resolution, crop=source.crop)

    items = stored_images(source.path, split=split)
    stored = [partial(decoded, *items[row]) for row in random_rows(len(items), limit, seed=0)]
    if not stored:
        raise GammaFaceError(
            "no images were found",
            where=source.path,
            fix=f"Give a Parquet file with an image column{f' and split {split!r} rows' if split else ''},"
            " or a folder of JPEG, PNG or WebP files.",
        )
    return stored


def _stacked(pictures: Iterable[np.ndarray], resolution: int) -> torch.Tensor:
    rows = np.array(list(pictures), dtype=np.uint8).reshape(-1, resolution, resolution, 3)
    return torch.from_numpy(rows).permute(0, 3, 1, 2).contiguous()


@contextmanager
def open_picture(data: bytes) -> Iterator[Image.Image]:
    """A picture whose header was read.

    Raises
    ------
    One of UNREADABLE
        For what is damaged, not a JPEG, PNG or WebP, animated, or larger than `MOST_PIXELS`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    with image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(
                f"it has {image.width:,} x {image.height:,} pixels, {MOST_PIXELS:,} are accepted"
            )
        # Phones store a second view in a JPEG ("MPO"): its first one is the photograph.
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            raise ValueError("it is animated")
        yield image


def decode_image(
    data: bytes,
    *,
    name: str,
    resolution: int,
    crop: tuple[int, int, int, int] | None = None,
    framing: Framing | None = None,
) -> np.ndarray:
    """Decode one picture to uint8 (resolution, resolution, 3).

    `crop` is in pixels of the stored picture; without it the centred square is taken, and
    `framing` takes a part of what is left, as fractions of its sides.
    """
    try:
        with open_picture(data) as image:
            rgb = image.convert("RGB")
    except UNREADABLE as error:
        raise GammaFaceError(
            f"the image cannot be read: {error}", where=name, fix="Replace or remove this file."
        ) from None
    if crop is not None:
        rgb = rgb.crop(crop)
    elif rgb.width != rgb.height:
        side = min(rgb.size)
        left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
        rgb = rgb.crop((left, top, left + side, top + side))
    if framing is not None:
        width, height = rgb.size
        rgb = rgb.crop(
            (
                round(framing.left * width),
                round(framing.top * height),
                round(framing.right * width),
                round(framing.bottom * height),
            )
        )
    if rgb.size != (resolution, resolution):
        rgb = rgb.resize((resolution, resolution), Image.Resampling.LANCZOS)
    return np.asarray(rgb)


def read_image_table(path: Path) -> pd.DataFrame:
    """A Parquet file with an ``image`` column of structs {bytes, path}."""
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise GammaFaceError(
            f"this is not a readable Parquet file: {error}",
            where=path,
            fix="Give a Parquet file with an image column, or a folder of images.",
        ) from None
    if "image" not in frame:
        raise GammaFaceError(
            f"the Parquet file has no image column; it has {', '.join(map(str, frame.columns))}",
            where=path,
            fix="Store each picture as a struct {bytes, path} in a column named image.",
        )
    return frame


def encoded_images(path: Path, *, split: str | None) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every picture in a folder or a Parquet file, read one after the other."""
    for name, read in stored_images(path, split=split):
        yield name, read()


def stored_images(path: Path, *, split: str | None) -> list[tuple[str, Callable[[], bytes]]]:
    """Every picture in a folder or a Parquet file: its name, and what reads its bytes."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
        return [(str(file), file.read_bytes) for file in files]
    if not path.is_file():
        raise GammaFaceError("the data file or folder does not exist", where=path, fix="Check the path.")
    frame = read_image_table(path)
    if split is not None and "split" in frame:
        frame = frame[frame["split"] == split]
    return [
        (f"{path} row {row}", partial(_bytes_of, cell, f"{path} row {row}"))
        for row, cell in enumerate(frame["image"])
    ]


def _bytes_of(cell: object, where: str) -> bytes:
    data = cell.get("bytes") if isinstance(cell, dict) else None
    if not isinstance(data, bytes):
        raise GammaFaceError(
            "a cell of the image column holds no picture",
            where=where,
            fix="Store each picture as a struct {bytes, path} in a column named image.",
        )
    return data


def is_whole(data: bytes) -> bool:
    """Whether an encoded picture can be decoded to its end.

    A JPEG or PNG that ends with its end marker passes on its header alone; anything else
    is decoded, since a half-written file keeps a valid header.
    """
    try:
        with open_picture(data) as image:
            marked = data.rstrip(b"\0").endswith((b"\xff\xd9", b"IEND\xaeB`\x82"))
            if not (image.format in ("JPEG", "PNG") and marked):
                image.load()
    except UNREADABLE:
        return False
    return True
