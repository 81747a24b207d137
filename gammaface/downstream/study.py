"""The study as one run: cells that are missing are computed, finished ones are kept.

The run holds ``cells/<name>/`` (see `cells`) and the tables that `write_tables` makes of
them. A grid may grow: the same run takes more methods, ratios or seeds later, as long as
data and recipe stay.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.downstream.bench import Bench, machine
from gammaface.downstream.cells import (
    Cell,
    Stored,
    clear_partial,
    copy_cell,
    has_cell,
    read_cell,
    write_cell,
)
from gammaface.downstream.tables import write_tables
from gammaface.errors import GammaFaceError
from gammaface.models.precision import precision_of
from gammaface.parallel.workers import ALONE, Workers
from gammaface.workspace import Run, writing

Report = Callable[[str, int, int], None]
"""report(stage, done, total): called often, may raise to cancel."""


def run_downstream(
    bench: Bench,
    cells: list[Cell],
    *,
    out: Path | str,
    known: Path | None = None,
    resamples: int = 1000,
    workers: Workers = ALONE,
    report: Report | None = None,
) -> Run:
    """Compute the cells into the run folder `out`, then its tables.

    Several `workers` share the cells that are missing; each is computed by one of them.

    Parameters
    ----------
    known : Path, optional
        Another run: its cells that would come out the same on this machine are copied.

    Raises
    ------
    GammaFaceError
        A cell that cannot be computed, another study in `out` or one begun in another
        precision, or a stored cell that was computed from something else.
    """
    say = report or (lambda stage, done, total: None)
    bench.check(cells)
    config, precision = bench.run_config(), precision_of(torch.device(bench.recipe.device))
    with writing(out, kind="downstream", config=config, precision=precision, workers=workers) as run:
        todo = workers.on_main(lambda: _missing(run, cells, bench, known))
        # In turns: neighbours in the grid cost alike.
        mine = todo[workers.rank :: workers.count]
        total = len(cells) - len(todo) + len(mine)
        for done, cell in enumerate((cells[i] for i in mine), start=total - len(mine)):
            say("cells", done, total)
            result = bench.compute(cell)
            write_cell(
                run.path,
                cell,
                config=result.config,
                facts=result.facts,
                seconds=result.seconds,
                predictions=result.predictions,
            )
        say("cells", total, total)
        workers.wait()
        if workers.main:
            write_tables(run, resamples=resamples, report=report)
    return Run.open(out)


def _missing(run: Run, cells: list[Cell], bench: Bench, known: Path | None) -> list[int]:
    """Places of the cells to compute; those that are there are checked."""
    clear_partial(run.path)
    there = [has_cell(run.path, cell) for cell in cells]
    for cell, done in zip(cells, there, strict=True):
        if done:
            check_same(read_cell(run.path, cell.name), bench)
    absent = [i for i, done in enumerate(there) if not done]
    return [i for i in absent if known is None or not _taken_over(known, run, cells[i], bench)]


def _taken_over(known: Path, run: Run, cell: Cell, bench: Bench) -> bool:
    """Copy what another run knows already, if it would come out here the same digit by digit."""
    if not has_cell(known, cell):
        return False
    stored = read_cell(known, cell.name)
    if stored.facts.get("machine") != machine(bench.recipe.device) or _changed(stored, bench):
        return False
    copy_cell(run.path, stored)
    return True


def _changed(stored: Stored, bench: Bench) -> list[str]:
    """What a cell was computed from that would be something else now."""
    now = bench.config(stored.cell)
    return [name for name, value in now.items() if stored.config.get(name) != value]


def check_same(stored: Stored, bench: Bench) -> None:
    """Refuse to keep a cell that was computed from something else than would be now."""
    changed = _changed(stored, bench)
    if changed:
        raise GammaFaceError(
            f"the cell '{stored.cell.name}' was computed with another {changed[0]}",
            fix="Give the same data and options as before, or another --out.",
        )


def reproduce(run: Run, name: str, bench: Bench) -> pd.DataFrame:
    """Compute a stored cell again and compare.

    Returns
    -------
    DataFrame
        The test rows whose prediction or scores differ: none on the same machine.

    Raises
    ------
    GammaFaceError
        No such cell, or one computed from something else.
    """
    stored = read_cell(run.path, name)
    check_same(stored, bench)
    again = bench.compute(stored.cell).predictions
    before = stored.predictions
    if len(again) != len(before) or list(again) != list(before):
        raise GammaFaceError("the test rows are others", where=run.path, fix="Give the same data.")
    differs = np.zeros(len(again), dtype=bool)
    for column in again:
        differs |= again[column].astype(object).to_numpy() != before[column].astype(object).to_numpy()
    return before[differs]
