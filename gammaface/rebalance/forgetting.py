"""What must go before a row is trained again: somebody deleted its folder, as the advice says."""

from __future__ import annotations

import shutil

from gammaface.rebalance.material import BALANCED
from gammaface.rebalance.rows import MAX_GENERATIONS, TUNE, Row, later
from gammaface.rebalance.sets import places_of
from gammaface.workspace import Run


def forget_row(run: Run, row: Row, *, sets: int) -> None:
    """Drop what an earlier training of a row drew and was measured by, `sets` sets of it.

    Of generations that learned from it nothing stays.
    """
    last = MAX_GENERATIONS if row == TUNE or row.generation > 1 else row.generation
    children = [later(g) for g in range(row.generation + 1, last + 1)]
    places = [place for old in (row, *children) for place in places_of(run, old.name, sets)]
    for child in children:
        balanced = f"{BALANCED}-{child.generation}"
        places += [run.path / "rows" / child.name, run.path / "drawn" / balanced]
        places += (run.path / "arrays" / "material").glob(f"{balanced}-*")
    for place in places:
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    if run.has("tables/by_set.parquet"):
        held = run.table("by_set")
        run.write_table("by_set", held[~held["row"].isin([old.name for old in (row, *children)])])
