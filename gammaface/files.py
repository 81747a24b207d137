"""Files that are whole or absent, and their hashes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np
from safetensors import SafetensorError

from gammaface.errors import GammaFaceError

CHUNK_ROWS = 4096
AGAIN = "Free disk space or permissions, then run the same command again to resume."


@contextmanager
def told_when_unwritable(place: Path, *, what: str = "the file", fix: str = AGAIN) -> Iterator[None]:
    """Writing inside that fails is said in words: a full disk, no permission, a file in the way.

    Raises
    ------
    GammaFaceError
        For what the system or safetensors raised inside.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        if isinstance(error, SafetensorError):
            reason = str(error)
        else:
            # NumPy counts the bytes that were taken, and does not say why there were fewer.
            reason = error.strerror or f"the disk seems full, {error}"
        raise GammaFaceError(f"{what} cannot be written: {reason}", where=place, fix=fix) from None


def check_writable(folder: Path) -> None:
    """Refuse a folder that could not be written before hours of work; nothing is left behind.

    Raises
    ------
    GammaFaceError
        When it, or the folder it would be made in, takes no file.
    """
    with told_when_unwritable(folder, what="the folder", fix="Give another --out, or free its permissions."):
        whole = folder.absolute()
        there = next(place for place in (whole, *whole.parents) if place.exists())
        with tempfile.TemporaryFile(dir=there):
            pass


def write_whole(file: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file under a temporary name, sync it, then rename it into place."""
    with told_when_unwritable(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        try:
            with open(partial, "wb") as handle:
                write(handle)
                handle.flush()
                os.fsync(handle.fileno())
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)


def partials(file: Path) -> set[Path]:
    """What writes of a file left that were cut off, see `write_whole`."""
    return set(file.parent.glob(f".{file.name}.*.tmp"))


def json_object(file: Path) -> dict:
    """The object that a JSON file holds; ValueError where it holds none."""
    found = json.loads(file.read_bytes())
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def file_hash(*files: Path) -> str:
    """sha256 over the contents of files, in the order given."""
    digest = hashlib.sha256()
    for file in files:
        with open(file, "rb") as handle:
            for block in iter(lambda: handle.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def content_hash(array: np.ndarray) -> str:
    """sha256 over an array's shape, type and values, read chunk by chunk."""
    digest = hashlib.sha256(f"{array.shape} {array.dtype.str}".encode())
    for start in range(0, len(array), CHUNK_ROWS):
        digest.update(np.ascontiguousarray(array[start : start + CHUNK_ROWS]).data)
    return digest.hexdigest()


def kept_array(file: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    """What `make` gives, from a file where it was kept: one that is absent or damaged is written.

    It is only a cache: a file that cannot be written costs time, and nothing else.
    """
    try:
        return np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        made = make()
        with suppress(GammaFaceError):
            write_whole(file, lambda f: np.save(f, made, allow_pickle=False))
        return made
