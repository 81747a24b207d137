"""A copy of an audit that is small enough to ship: its tables, seeds and thumbnails.

Features, label tables of single faces and latents stay in the working run, which can be
continued and whose tables can be made again; the copy is for reading only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.audit.book import FILE
from gammaface.audit.cells import read_cells
from gammaface.keeping.shipping import copy_files, shipping
from gammaface.workspace import Run

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
    with shipping(working, out, left=LEFT, note=note) as copy:
        copy.write_table(SEEDS, seeds_table(working.path))
        copy.write_file(FILE, (working.path / FILE).read_bytes())
        copy_files(working, copy, "images/**/*.png")
    return Run.open(out)


def seeds_table(run: Path) -> pd.DataFrame:
    """Which image of which seed was delivered: a row of ``cell, seed`` per image, in the order drawn."""
    parts = [
        pd.DataFrame({"cell": stored.cell.name, "seed": stored.labels["seed"].astype(np.int64)})
        for stored in read_cells(run)
        if not stored.refused
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.astype({"cell": "category"})
