"""What every malformed file and argument must show: one refusal, and nothing else."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gammaface import GammaFaceError
from gammaface.cli import main

MOST_MEMORY = 400  # MB by which one refusal may raise the process's peak
MOST_SECONDS = 30.0  # on a busy machine


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder with its size and time; hidden ones, too."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        found[str(path.relative_to(folder))] = (0, 0) if path.is_dir() else (stat.st_size, stat.st_mtime_ns)
    return found


@contextmanager
def bounded(folder: Path) -> Iterator[None]:
    """Inside, nothing below the folder changes, and little memory and time are taken."""
    before, peak, began = listing(folder), _peak(), time.monotonic()
    yield
    assert listing(folder) == before, "something was left behind"
    assert _peak() - peak < MOST_MEMORY
    assert time.monotonic() - began < MOST_SECONDS


@contextmanager
def refused(folder: Path) -> Iterator[None]:
    """Inside, exactly one `GammaFaceError` with what is wrong and what to do about it."""
    with bounded(folder), pytest.raises(GammaFaceError) as caught:
        yield
    assert caught.value.what.strip() and caught.value.fix.strip()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, (
        "it drags another error along"
    )


def refused_command(folder: Path, capsys, monkeypatch, *arguments) -> str:
    """The command line ends with 2 and one complaint, and without a traceback."""
    monkeypatch.setattr(sys, "argv", ["gammaface", *map(str, arguments)])
    with bounded(folder), pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr()
    assert stop.value.code == 2, said
    assert "Traceback" not in said.err + said.out
    own = [line for line in said.err.splitlines() if line.startswith("gammaface: ")]
    usage = said.err.count("Error")  # typer's own, of options it knows to be out of range
    assert len(own) + (usage if not own else 0) == 1, said.err
    return own[0] if own else said.err


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
