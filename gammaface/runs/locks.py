"""The lock of a run folder: one process writes at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.files import told_when_unwritable


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a run folder's lock, creating both; one process writes at a time."""
    fix = "Give another --out, or free the disk or its permissions."
    with told_when_unwritable(path, what="the run folder", fix=fix):
        path.mkdir(parents=True, exist_ok=True)
        lock = open(path / ".lock", "a")  # noqa: SIM115 - held and closed by the block below
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GammaFaceError(
                "another process is writing this run", where=path, fix="Wait for it, or stop it."
            ) from None
        yield
