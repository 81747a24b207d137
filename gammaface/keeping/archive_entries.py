"""What a zip file declares, judged before anything of it is unpacked."""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gammaface.errors import GammaFaceError

ARCHIVE = "archive.json"
SUFFIXES = {".json", ".npy", ".parquet", ".png", ".csv", ".md", ".txt", ".tex", ".safetensors"}
PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,=+%@ -]{0,119}")
DEEPEST = 8  # folders
END, END_BYTES = b"PK\x05\x06", 22
LOCATOR_64, LOCATOR_BYTES = b"PK\x06\x07", 20
DIRECTORY_BYTES = 512  # of one entry in the directory, at most
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
BLOCK = 1 << 20
REFUSED = "Nothing was imported. Give a file that `runs export` or the Runs page wrote, a fresh one."


@dataclass(frozen=True)
class Limits:
    """How much of an archive is accepted."""

    entries: int = 50_000
    total: int = 4 * 2**30 - 1  # bytes, packed and unpacked; a plain zip ends there
    ratio: float = 100.0  # of unpacked to packed bytes
    head: int = 16 * 2**20  # bytes of a list or a manifest


def check_end(file: Path, limits: Limits) -> None:
    """Judge a file by its last bytes, before the directory that they announce is read.

    Raises
    ------
    GammaFaceError
        For a file that is too large, no plain zip, or announces too long a directory.
    """
    try:
        size = file.stat().st_size
        if not stat.S_ISREG(file.stat().st_mode):
            raise GammaFaceError("this is no file", where=file, fix="Give the file of an exported run.")
        if size > limits.total:
            raise refusal(f"the archive takes {size / 2**20:,.0f} MB, {_most(limits)}")
        with open(file, "rb") as handle:
            handle.seek(max(0, size - END_BYTES - LOCATOR_BYTES))
            tail = handle.read()
    except OSError as error:
        raise GammaFaceError(
            f"the file cannot be read: {error.strerror}", where=file, fix="Check the path."
        ) from None
    end = tail[-END_BYTES:]
    if len(end) < END_BYTES or not end.startswith(END):
        raise refusal("this is no plain zip file")
    here, directory, *counts, length, _, _ = struct.unpack("<4xHHHHIIH", end)
    if here or directory or tail[:-END_BYTES].startswith(LOCATOR_64):
        raise refusal("the zip file is split or of the 64-bit kind")
    if max(counts) > limits.entries + 1 or length > DIRECTORY_BYTES * (limits.entries + 1):
        raise refusal(f"the archive announces {max(counts):,} entries")


def check_entries(archive: zipfile.ZipFile, limits: Limits) -> dict[str, int]:
    """Sizes of the entries by name, all of them harmless.

    Raises
    ------
    GammaFaceError
        For the first name, kind or size that an export would not have written.
    """
    sizes: dict[str, int] = {}
    seen: set[str] = set()
    packed = 0
    infos = archive.infolist()
    if len(infos) > limits.entries + 1:
        raise refusal(f"the archive has {len(infos):,} entries, {limits.entries:,} are accepted")
    for info in infos:
        name = check_entry_name(info.orig_filename)
        if name.casefold() in seen:
            raise refusal("the archive holds a name twice", name)
        seen.add(name.casefold())
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise refusal("the archive holds a link or a device", name)
        if info.flag_bits & 1 or info.compress_type not in PACKED:
            raise refusal("the archive is encrypted or packed in an unknown way", name)
        sizes[name] = info.file_size
        packed += info.compress_size
        if info.file_size > limits.ratio * max(info.compress_size, 1) and info.file_size > BLOCK:
            raise refusal(f"it unpacks to more than {limits.ratio:.0f} times its size", name)
    folders = {"/".join(n.split("/")[:i]) for n in seen for i in range(1, n.count("/") + 1)}
    if folders & seen:
        raise refusal("a file of the archive is a folder as well", sorted(folders & seen)[0])
    total = sum(sizes.values())
    if total > limits.total:
        raise refusal(f"the archive unpacks to {total / 2**20:,.0f} MB, {_most(limits)}")
    if total > BLOCK and total > limits.ratio * max(packed, 1):
        raise refusal(f"the archive unpacks to more than {limits.ratio:.0f} times its size")
    return sizes


def check_entry_name(name: str) -> str:
    """A name that stays inside the run's folder on every system, of a known kind of file.

    Raises
    ------
    GammaFaceError

    Examples
    --------
    >>> check_entry_name("tables/people.parquet")
    'tables/people.parquet'
    """
    shown = ascii(name[:80])
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        raise refusal("the archive holds an absolute path", shown)
    parts = name.split("/")
    if ".." in parts:
        raise refusal("the archive holds a path that leads out of it", shown)
    if len(parts) > DEEPEST or not all(PART.fullmatch(p) and p[-1] not in ". " for p in parts):
        raise refusal("the archive holds a name that no run has", shown)
    if Path(parts[-1]).suffix not in SUFFIXES:
        raise refusal("the archive holds a kind of file that no run has", shown)
    return name


def read_entry(archive: zipfile.ZipFile, name: str, most: int, *, into: IO[bytes] | None = None) -> bytes:
    """Unpack one entry of at most `most` bytes, into a file where one is given.

    Raises
    ------
    GammaFaceError
        When it holds more, or cannot be unpacked.
    """
    held, done = [], 0
    try:
        with archive.open(name) as entry:
            while block := entry.read(BLOCK):
                done += len(block)
                if done > most:
                    raise refusal("a file of the archive is larger than it may be", name)
                into.write(block) if into else held.append(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise refusal(f"a file of the archive is damaged: {error}", name) from None
    return b"".join(held)


def _most(limits: Limits) -> str:
    return f"{limits.total / 2**20:,.0f} MB are accepted"


def refusal(what: str, entry: str = "") -> GammaFaceError:
    """What is wrong with an archive, and with which of its entries."""
    return GammaFaceError(f"{what} ({entry})" if entry else what, fix=REFUSED)
