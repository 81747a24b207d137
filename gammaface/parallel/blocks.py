"""Rows of a long array on their way to disk: blocks by position, then one file.

Workers write files of consecutive rows, ``<first row>.npy``; what is missing is told from
their names, so that any number of workers may go on. The blocks are joined as a stream:
the whole array is never in memory.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import IO

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.files import write_whole

WORTH = 2**24  # bytes after which waiting rows are written
AGE = 20.0  # seconds after which they are written in any case


class Blocks:
    """A folder of blocks that this worker adds to.

    Leaving the ``with`` writes what still waits, also when the work was cut off.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.first, self.rows, self.since = folder, 0, [], 0.0

    def __enter__(self) -> Blocks:
        return self

    def __exit__(self, *_) -> None:
        self.flush()

    def add(self, first: int, rows: np.ndarray) -> None:
        """Keep rows (b, d) whose first is the array's row `first`."""
        if self.rows and first != self.first + sum(map(len, self.rows)):
            self.flush()
        if not self.rows:
            self.first, self.since = first, time.monotonic()
        self.rows.append(rows)
        if sum(part.nbytes for part in self.rows) >= WORTH or time.monotonic() - self.since >= AGE:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self.rows:
            block, self.rows = np.concatenate(self.rows), []
            write_whole(self.folder / f"{self.first}.npy", lambda f: np.save(f, block, allow_pickle=False))


def missing(folder: Path, n: int) -> list[list[int]]:
    """Spans [start, stop) of the n rows that no block holds."""
    spans, at = [], 0
    for first, file in _files(folder, n):
        if first > at:
            spans.append([at, first])
        at = max(at, first + len(_read(file)))
    return [*spans, [at, n]] if at < n else spans


def pieces(spans: list[list[int]], size: int) -> list[tuple[int, int]]:
    """Spans cut at multiples of `size`: the same rows share a piece whoever computes it.

    Examples
    --------
    >>> pieces([[2, 5], [8, 13]], 4)
    [(2, 4), (4, 5), (8, 12), (12, 13)]
    """
    found = []
    for start, stop in spans:
        while start < stop:
            end = min(stop, (start // size + 1) * size)
            found.append((start, end))
            start = end
    return found


def join(folder: Path, n: int, out: Path) -> None:
    """Write the blocks as one array (n, d) into `out`, block by block.

    Raises
    ------
    GammaFaceError
        When rows are missing, or a block is damaged.
    """
    if gaps := missing(folder, n):
        raise GammaFaceError(
            f"rows {gaps[0][0]} to {gaps[0][1] - 1} were computed but cannot be read",
            where=folder,
            fix="Check that all hosts write to the same file system, then repeat the command.",
        )
    files = _files(folder, n)

    def write(handle: IO[bytes]) -> None:
        head = _read(files[0][1])
        header = {"descr": head.dtype.str, "fortran_order": False, "shape": (n, *head.shape[1:])}
        np.lib.format.write_array_header_1_0(handle, header)
        at = 0
        for first, file in files:
            block = _read(file)[at - first :]  # workers of two jobs may have computed a row twice
            handle.write(np.ascontiguousarray(block).tobytes())
            at += len(block)

    write_whole(out, write)


def clear(folder: Path) -> None:
    """Remove the blocks once they are joined."""
    shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path, n: int) -> list[tuple[int, Path]]:
    files = [(int(p.stem), p) for p in folder.glob("*.npy") if not p.name.startswith(".")]
    return sorted((first, file) for first, file in files if first < n)


def _read(file: Path) -> np.ndarray:
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise GammaFaceError(
            f"the block is damaged: {error}", where=file, fix="Delete this file and repeat the command."
        ) from None
