"""A copy of a finished working run that is small enough to ship."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.workspace import Run, writing


@contextmanager
def shipping(
    working: Run,
    out: Path,
    *,
    left: Collection[str] = (),
    note: str = "",
    weights: Mapping[str, str] | None = None,
) -> Iterator[Run]:
    """Copy the manifest and the tables of a run; what else belongs to the copy is written inside.

    Parameters
    ----------
    working : Run
        A finished run; its arrays, weights and cells stay where they are.
    out : path
        Its name becomes the copy's; a copy that lies there is replaced.
    left : collection of str
        Tables that stay behind.
    note : str
        What a reader should know, kept in the manifest.
    weights : mapping of str to str, optional
        Hashes of the models it was computed with, where the working run does not hold them.

    Raises
    ------
    GammaFaceError
        When the run is not finished.
    """
    told = working.manifest
    if told.state != "done":
        raise GammaFaceError(
            f"the {told.kind} is {told.state}",
            where=working.path,
            fix="Finish it first: repeat its command.",
        )
    shutil.rmtree(out, ignore_errors=True)
    with writing(out, kind=told.kind, config=told.config, weights=dict(weights or told.weights)) as copy:
        copy.update(created=told.created, versions=told.versions, timings=told.timings)
        for name in working.tables():
            if name not in left:
                copy.write_table(name, working.table(name))
        yield copy
    Run.open(out).update(note=note)


def copy_files(working: Run, copy: Run, pattern: str, *, most: int | None = None) -> None:
    """Copy the files of a run whose paths match, e.g. ``images/**/*.png``; the first ones by name."""
    for file in sorted(working.path.glob(pattern))[:most]:
        copy.write_file(str(file.relative_to(working.path)), file.read_bytes())
