"""A copy of a rebalancing that is small enough to ship: its tables and first pictures.

Weights, drawn sets and features stay in the working run, which can be continued.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.workspace import Run, writing


def ship(working: Run, out: Path) -> Run:
    """Write the copy; a half-written one is replaced.

    Raises
    ------
    GammaFaceError
        When the run is not finished.
    """
    told = working.manifest
    if told.state != "done":
        raise GammaFaceError(
            f"the run is {told.state}", where=working.path, fix="Finish it first: repeat its command."
        )
    shutil.rmtree(out, ignore_errors=True)
    with writing(out, kind=told.kind, config=told.config, weights=told.weights) as copy:
        copy.update(created=told.created, versions=told.versions, timings=told.timings)
        for name in working.tables():
            copy.write_table(name, working.table(name))
        for picture in sorted((working.path / "images").rglob("*.png")):
            copy.write_file(str(picture.relative_to(working.path)), picture.read_bytes())
        for facts in sorted((working.path / "rows").glob("*/row.json")):
            copy.write_file(str(facts.relative_to(working.path)), facts.read_bytes())
    return Run.open(out)
