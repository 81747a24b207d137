"""A copy of a rebalancing that is small enough to ship: its tables and first pictures.

Weights, drawn sets and features stay in the working run, which can be continued.
"""

from __future__ import annotations

from pathlib import Path

from gammaface.keeping.shipping import copy_files, shipping
from gammaface.workspace import Run

MOST = 64  # pictures of a copy


def ship(working: Run, out: Path, *, note: str = "") -> Run:
    """Write the copy; a half-written one is replaced.

    Raises
    ------
    GammaFaceError
        When the run is not finished.
    """
    with shipping(working, out, note=note) as copy:
        rows = working.table("rows")["row"]
        for row in rows:
            copy_files(working, copy, f"images/{row}/*.png", most=MOST // len(rows))
        copy_files(working, copy, "rows/*/row.json")
    return Run.open(out)
