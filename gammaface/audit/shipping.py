"""A copy of an audit that is small enough to ship: its tables, seeds and thumbnails.

Features, label tables of single faces and latents stay in the working run, which can be
continued and whose tables can be made again; the copy is for reading only.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.audit.book import FILE
from gammaface.audit.cells import read_cells
from gammaface.errors import GammaFaceError
from gammaface.workspace import Run, writing

SEEDS = "seeds"
LEFT = ("real",)  # tables about single real faces


def ship(working: Run, out: Path, *, note: str = "") -> Run:
    """Write the copy; a half-written one is replaced.

    Parameters
    ----------
    working : Run
        A finished audit.
    out : path
        Its name becomes the copy's.
    note : str
        What a reader should know, kept in the manifest.

    Raises
    ------
    GammaFaceError
        When the audit is not finished.
    """
    if working.manifest.state != "done":
        raise GammaFaceError(
            f"the audit is {working.manifest.state}",
            where=working.path,
            fix="Finish it first: repeat its command.",
        )
    shutil.rmtree(out, ignore_errors=True)
    told = working.manifest
    with writing(out, kind=told.kind, config=told.config, weights=told.weights) as copy:
        copy.update(created=told.created, versions=told.versions, timings=told.timings)
        for name in working.tables():
            if name not in LEFT:
                copy.write_table(name, working.table(name))
        copy.write_table(SEEDS, seeds_table(working.path))
        copy.write_file(FILE, (working.path / FILE).read_bytes())
        for picture in sorted((working.path / "images").rglob("*.png")):
            copy.write_file(str(picture.relative_to(working.path)), picture.read_bytes())
    copy = Run.open(out)
    copy.update(note=note)
    return copy


def seeds_table(run: Path) -> pd.DataFrame:
    """Which image of which seed was delivered: a row of ``cell, seed`` per image, in the order drawn."""
    parts = [
        pd.DataFrame({"cell": stored.cell.name, "seed": stored.labels["seed"].astype(np.int64)})
        for stored in read_cells(run)
        if not stored.refused
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.astype({"cell": "category"})
