"""Checksums of a run's files: stored when it is finished, compared when a file is read.

``checksums.json`` lists the sha256 of every file of a run, and the manifest holds the
sha256 of that list. A run inside a run has its own list. While a run is written its
manifest names no list, so nobody is told of damage that is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.files import file_hash, write_whole

LIST = "checksums.json"
DERIVED = ("report.html",)  # written again at will, from what is listed
CHEAP = 64 * 2**20  # bytes; larger files are compared by `check_files` only, not on every read


def files_of(folder: Path) -> Iterator[Path]:
    """Files that a run's list holds: all but its manifest, hidden ones, and inner runs'."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            if not (path / "manifest.json").is_file():
                yield from files_of(path)
        elif path.name not in (LIST, "manifest.json", *DERIVED):
            yield path


def inner_runs(folder: Path) -> Iterator[Path]:
    """Folders of the runs inside a run, at any depth."""
    for file in sorted(folder.rglob("*/manifest.json")):
        yield file.parent


def seal(folder: Path, *, held: str) -> str:
    """Store the list of a run's files and return its sha256.

    Parameters
    ----------
    folder : Path
        The run's folder, which nobody else writes.
    held : str
        sha256 of the list that held before; a file that has not changed since keeps its
        checksum from there, so that damage done meanwhile is not taken for its content.
    """
    file = folder / LIST
    known, since = {}, 0
    if held and file.is_file() and file_hash(file) == held:
        known, since = json.loads(file.read_bytes()), file.stat().st_mtime_ns
    listed = {}
    for path in files_of(folder):
        name = path.relative_to(folder).as_posix()
        unchanged = name in known and path.stat().st_mtime_ns < since
        listed[name] = known[name] if unchanged else file_hash(path)
    content = json.dumps(listed, indent=0).encode()
    write_whole(file, lambda f: f.write(content))
    return file_hash(file)


def read_list(folder: Path, expected: str) -> dict[str, str]:
    """The list of a sealed run.

    Raises
    ------
    GammaFaceError
        When it is not the list that the manifest names.
    """
    file = folder / LIST
    try:
        stat = file.stat()
        return _read_list(file, stat.st_mtime_ns, stat.st_size, expected)
    except (OSError, ValueError, RecursionError):
        raise GammaFaceError(
            "the list of checksums is damaged or missing",
            where=file,
            fix="Restore it, or delete this run and compute it again.",
        ) from None


@lru_cache(maxsize=64)
def _read_list(file: Path, mtime: int, size: int, expected: str) -> dict[str, str]:
    if file_hash(file) != expected:
        raise ValueError
    listed = json.loads(file.read_bytes())
    if not isinstance(listed, dict):
        raise ValueError
    return listed


def is_as_listed(file: Path, checksum: str) -> bool:
    """Whether a file has this checksum; read once per change of its time or size."""
    stat = file.stat()
    return _hash(file, stat.st_mtime_ns, stat.st_size) == checksum


@lru_cache(maxsize=4096)
def _hash(file: Path, mtime: int, size: int) -> str:
    return file_hash(file)


def damaged_files(folder: Path, expected: str) -> list[str]:
    """Files of a sealed run that are missing or differ from its list, whatever their size."""
    present = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
    listed = read_list(folder, expected)
    return [name for name, sha in listed.items() if name not in present or file_hash(present[name]) != sha]
