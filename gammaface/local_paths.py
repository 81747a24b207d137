"""Paths that a person names on the server's disk: read where they lie, or refused in words."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from gammaface.errors import GammaFaceError

MOST_FILES = 500_000  # below a folder: more is a disk, not a face set


def local_path(text: str) -> Path:
    """A readable folder or file on this machine.

    Raises
    ------
    GammaFaceError
        For an address, nothing, what is not there, may not be read, or is a device.
    """
    text = text.strip().strip("'\"")
    if not text or "\0" in text:
        raise GammaFaceError("no folder is named", fix="Give the path of a folder or a Parquet file.")
    if "://" in text:
        raise GammaFaceError(
            "this is an address, not a path", where=text[:80], fix="Download the set and give its folder."
        )
    try:
        path = Path(text).expanduser()
        if not path.exists():
            raise GammaFaceError(
                "there is no such folder or file on the server's disk",
                where=text[:200],
                fix="Check the path.",
            )
        kind = path.is_dir() or path.is_file()
    except (OSError, RuntimeError) as error:
        raise GammaFaceError(
            f"the path cannot be read: {error}", fix="Check it and its permissions."
        ) from None
    if not kind:
        raise GammaFaceError("this is neither a folder nor a file", where=path, fix="Check the path.")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise GammaFaceError("this may not be read", where=path, fix="Change its permissions.")
    return path


def count_files(path: Path) -> dict[str, int]:
    """Files below a folder by ending, the most common first; hidden ones are left out.

    Raises
    ------
    GammaFaceError
        For more than `MOST_FILES`.
    """
    if path.is_file():
        return {path.suffix.lower() or "no ending": 1}
    counts: Counter[str] = Counter()
    for _, _, names in os.walk(path):
        counts.update(Path(name).suffix.lower() or "no ending" for name in names if not name.startswith("."))
        if counts.total() > MOST_FILES:
            raise GammaFaceError(
                f"more than {MOST_FILES:,} files lie below this folder",
                where=path,
                fix="Give the folder of the face set itself.",
            )
    return dict(counts.most_common())
