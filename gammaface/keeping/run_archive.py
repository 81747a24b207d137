"""A run as one file: a plain zip with a list of its files, taken in only when whole and harmless.

The first entry, ``archive.json``, names every other one with its size and sha256. An archive
comes from someone else: its entries are judged by their declared names, kinds and sizes
before anything is written, unpacked beside the runs under a temporary name, compared with
the list, looked into, and only then renamed into place.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tempfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.files import file_hash
from gammaface.keeping.archive_entries import (
    ARCHIVE,
    BLOCK,
    Limits,
    check_end,
    check_entries,
    check_entry_name,
    read_entry,
    refusal,
)
from gammaface.keeping.archive_files import check_content
from gammaface.runs.checksums import DERIVED, inner_runs
from gammaface.runs.manifests import Manifest, parse_manifest
from gammaface.workspace import Run, check_name, home

FORMAT = 1
ROOM = 64 * 2**20  # bytes that stay free


@dataclass(frozen=True)
class Found:
    """What an archive says it holds."""

    manifest: Manifest
    files: dict[str, dict]  # name -> size, sha256


def export_run(run: Run, out: Path | str) -> Path:
    """Write a run, and the runs inside it, as one zip file.

    Parameters
    ----------
    run : Run
    out : Path or str
        The file to write; it must not exist.

    Raises
    ------
    GammaFaceError
        When a file of the run is damaged, when it is being written, or the disk refuses.
    """
    out = Path(out)
    if out.exists():
        raise GammaFaceError("there is a file here already", where=out, fix="Give another --out.")
    check_whole(run)
    partial = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        # Stored, not packed: pictures, tables and latents are dense already.
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
            files = {}
            for path in _content(run.path):
                name = path.relative_to(run.path).as_posix()
                files[name] = _pack(archive, path, name)
            head = {"format": FORMAT, "name": run.manifest.name, "files": files}
            archive.writestr(ARCHIVE, json.dumps(head, indent=0))
        with zipfile.ZipFile(partial) as archive:
            check_entries(archive, Limits())  # what is written can be read again
        partial.replace(out)
    except (OSError, zipfile.LargeZipFile) as error:
        raise GammaFaceError(
            f"the archive cannot be written: {error}", where=out, fix="Free disk space or give another --out."
        ) from None
    finally:
        partial.unlink(missing_ok=True)
    return out


def check_whole(run: Run) -> None:
    """Refuse a run, or a run inside it, that is being written or damaged.

    Raises
    ------
    GammaFaceError
        Naming what is wrong with it.
    """
    for part in (run, *map(Run.open, inner_runs(run.path))):
        if part.manifest.state == "running":
            raise GammaFaceError("the run is being written", where=part.path, fix="Wait until it is done.")
        damaged = part.damaged()
        if damaged:
            raise GammaFaceError(
                f"{len(damaged)} files of the run are damaged, the first is {damaged[0]}",
                where=part.path,
                fix="Compute them again before you export the run.",
            )


def _content(folder: Path):
    """Every file of a run and of the runs inside it that an archive holds."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or path.is_dir() or path.is_symlink() or path.name in DERIVED:
            continue
        try:
            check_entry_name(path.relative_to(folder).as_posix())
        except GammaFaceError:
            raise GammaFaceError(
                "a file in the run's folder is of a kind that no run has",
                where=path,
                fix="Move it elsewhere, then export the run.",
            ) from None
        yield path


def _pack(archive: zipfile.ZipFile, path: Path, name: str) -> dict:
    """Copy a file into the archive; its size and sha256."""
    digest, size = hashlib.sha256(), 0
    info = zipfile.ZipInfo(name)
    info.file_size = path.stat().st_size
    with open(path, "rb") as source, archive.open(info, "w") as entry:
        while block := source.read(BLOCK):
            digest.update(block)
            size += len(block)
            entry.write(block)
    return {"size": size, "sha256": digest.hexdigest()}


def import_run(file: Path | str, *, name: str | None = None, limits: Limits | None = None) -> Run:
    """Take an archive in as a run of the user's workspace.

    Parameters
    ----------
    file : Path or str
        What :func:`export_run` has written.
    name : str, optional
        The run's name here; by default the one it had.
    limits : Limits, optional
        How much is accepted.

    Raises
    ------
    GammaFaceError
        For anything that an export would not have written, is over a limit or not as
        listed; nothing of it is kept. Also when the name is taken, or the disk is full.
    """
    limits = limits or Limits()
    file, root = Path(file), home()
    check_end(file, limits)
    with _opened(file) as archive:
        found = _judge(archive, limits)
        name = check_name(name or found.manifest.name)
        if (root / name).exists():
            raise GammaFaceError(
                f"there is a run '{name}' already", fix="Give another name for the one that comes in."
            )
        try:
            root.mkdir(parents=True, exist_ok=True)
            _make_room(root, sum(entry["size"] for entry in found.files.values()))
            aside = Path(tempfile.mkdtemp(prefix=".import-", dir=root))
        except OSError as error:
            raise _unwritable(root, error) from None
        try:
            _unpack(archive, found, aside / name)
            _settle(aside / name, found, name)
            os.rename(aside / name, root / name)
        except OSError as error:
            raise _unwritable(root, error) from None
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return Run.open(root / name)


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise refusal(f"this is no readable zip file: {error}") from None


def _judge(archive: zipfile.ZipFile, limits: Limits) -> Found:
    sizes = check_entries(archive, limits)
    if ARCHIVE not in sizes or "manifest.json" not in sizes:
        raise refusal("the archive holds no run")
    listed = _listed(read_entry(archive, ARCHIVE, limits.head))
    del sizes[ARCHIVE]
    declared = {name: entry["size"] for name, entry in listed["files"].items()}
    if sizes != declared:
        odd = sorted(set(sizes.items()) ^ set(declared.items()))[0][0]
        raise refusal("the archive is not what its list says", odd)
    manifests = [n for n in sizes if n == "manifest.json" or n.endswith("/manifest.json")]
    parsed = {n: parse_manifest(read_entry(archive, n, limits.head), where=n) for n in manifests}
    if any(manifest.state == "running" for manifest in parsed.values()):
        raise refusal("the run was being written when it was packed")
    check_name(listed["name"])
    return Found(replace(parsed["manifest.json"], name=listed["name"]), listed["files"])


def _listed(data: bytes) -> dict:
    """The content of ``archive.json``, of the right shape."""
    try:
        found = json.loads(data)
        fits = (
            set(found) == {"format", "name", "files"}
            and isinstance(found["name"], str)
            and all(
                set(e) == {"size", "sha256"} and type(e["size"]) is int and isinstance(e["sha256"], str)
                for e in found["files"].values()
            )
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        fits = False
    if not fits:
        raise refusal("the archive's list cannot be read")
    if found["format"] != FORMAT:
        raise GammaFaceError(
            f"the archive has format {found['format']!r}, this version knows {FORMAT}",
            where=ARCHIVE,
            fix="Update GammaFace.",
        )
    return found


def _make_room(root: Path, size: int) -> None:
    free = shutil.disk_usage(root).free
    if free < size + ROOM:
        raise GammaFaceError(
            f"the run needs {size / 2**20:,.0f} MB, {free / 2**20:,.0f} MB are free",
            where=root,
            fix="Free disk space, then import it again.",
        )


def _unpack(archive: zipfile.ZipFile, found: Found, folder: Path) -> None:
    for name, entry in found.files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "xb") as out:
            read_entry(archive, name, entry["size"], into=out)
        if place.stat().st_size != entry["size"] or file_hash(place) != entry["sha256"]:
            raise refusal("a file of the archive is damaged", name)


def _settle(folder: Path, found: Found, name: str) -> None:
    """Look into the unpacked files and give the run its name."""
    for file in found.files:
        check_content(folder / file, name=file)
    for part in (folder, *inner_runs(folder)):
        run = Run.open(part)
        damaged = run.damaged()
        if damaged:
            raise refusal("a file of the run is damaged", damaged[0])
    Run.open(folder).update(name=name)


def _unwritable(root: Path, error: OSError) -> GammaFaceError:
    return GammaFaceError(
        f"the run cannot be written: {error.strerror or error}",
        where=root,
        fix="Free disk space or permissions, then import it again.",
    )
