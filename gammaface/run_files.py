"""Files of runs by their path: read as their run would read them, checksums compared."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.workspace import Run


def content_of(file: Path) -> bytes:
    """The content of a file in a run's folder.

    Raises
    ------
    GammaFaceError
        When it lies in no run, is missing, or is not as it was when its run was finished.
    """
    file = Path(os.path.abspath(file))
    for folder in file.parents:
        manifest = folder / "manifest.json"
        if manifest.is_file():
            run = _run(folder, manifest.stat().st_mtime_ns)
            return run.read_bytes(file.relative_to(folder).as_posix())
    raise GammaFaceError("the file belongs to no run", where=file, fix="Compute the run again.")


@lru_cache(maxsize=64)
def _run(folder: Path, stamp: int) -> Run:
    return Run.open(folder)
