"""Checksums of a run's files: stored when it is finished, compared when a file is read.

``checksums.json`` lists the sha256 of every file of a run, and the manifest holds the
sha256 of that list. A run inside a run has its own list. While a run is written its
manifest names no list, so nobody is told of damage that is none; the job that writes it
holds the list of before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.files import file_hash, write_whole
from gammaface.runs.manifests import read_manifest

LIST = "checksums.json"
DERIVED = ("report.html",)  # written again at will, from what is listed
CHEAP = 64 * 2**20  # bytes; larger files are compared by `damaged_files` only, not on every read

Stamp = tuple[int, int, int]
Held = Mapping[tuple[str, Stamp], str]  # checksums by name and stamp: of a file written since, none


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


def stamp(file: Path) -> Stamp:
    """What is another once a file was written anew, whatever its time: see `write_whole`."""
    stat = file.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def hold(folder: Path, expected: str) -> Held:
    """The checksums of a run as a job finds it that will write there; none without a list.

    Raises
    ------
    GammaFaceError
        As :func:`read_list`.
    """
    listed = read_list(folder, expected) if expected else {}
    named = ((path.relative_to(folder).as_posix(), path) for path in files_of(folder))
    return {(name, stamp(path)): listed[name] for name, path in named if name in listed}


def seal(folder: Path, *, held: Held) -> str:
    """Store the list of a run's files and return its sha256.

    Parameters
    ----------
    folder : Path
        The run's folder, which nobody else writes.
    held : Held
        What held when the job began; a file that it has not written keeps its checksum from
        there, so that damage done before is not taken for its content.
    """
    listed = {}
    for path in files_of(folder):
        name = path.relative_to(folder).as_posix()
        listed[name] = held.get((name, stamp(path))) or file_hash(path)
    content = json.dumps(listed, indent=0).encode()
    write_whole(folder / LIST, lambda f: f.write(content))
    return file_hash(folder / LIST)


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


def compare(file: Path, *, folder: Path, expected: str, held: Held) -> None:
    """Raise ValueError for a file that is not as it was when its run was finished.

    A file is hashed once per change of its time or size.

    Parameters
    ----------
    file, folder : Path
        A file of the run, and the run's folder.
    expected : str
        sha256 of the run's list; empty while the run is written.
    held : Held
        What to compare with while the run is written.

    Raises
    ------
    GammaFaceError
        As :func:`read_list`.
    """
    stat, name = file.stat(), file.relative_to(folder).as_posix()
    if stat.st_size > CHEAP:
        return
    try:
        listed = read_list(folder, expected).get(name) if expected else held.get((name, stamp(file)))
    except GammaFaceError:
        if _is_current(folder, expected):
            raise
        return
    if listed is None or _hash(file, stat.st_mtime_ns, stat.st_size) == listed:
        return
    if _is_current(folder, expected):
        raise ValueError("it is not as it was when the run was finished")


def _is_current(folder: Path, expected: str) -> bool:
    """Whether no other process has written the run since it was opened."""
    return read_manifest(folder / "manifest.json").checksums == expected


@lru_cache(maxsize=4096)
def _hash(file: Path, mtime: int, size: int) -> str:
    return file_hash(file)


def damaged_files(folder: Path, expected: str) -> list[str]:
    """Files of a sealed run that are missing or differ from its list, whatever their size."""
    present = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
    listed = read_list(folder, expected)
    return [name for name, sha in listed.items() if name not in present or file_hash(present[name]) != sha]
