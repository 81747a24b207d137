"""One cell of the study: which classifier, and its predictions on disk.

A cell is a folder inside the run, ``cells/<name>/``, that is there whole or not at all::

    cell.json            what it is, everything it was computed from, what went in, seconds
    predictions.parquet  row (in the data set), y, p, score_<class> in ten-thousandths, protected
                         attributes
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from gammaface.baselines import Mix
from gammaface.errors import GammaFaceError
from gammaface.files import write_whole

LABELLERS = ("full", "subset-only")
DIGITS = 4  # of the scores that are kept
SCORE = "score_"


@dataclass(frozen=True)
class Cell:
    """One classifier of the grid.

    ``source`` is the set of generated faces ("" for methods without); ``labeller`` says
    whether the pseudo-labels come from the set (a classifier that knew all training data)
    or from one trained on the task's originals alone; ``min_p`` is the confidence that the
    target's pseudo-label must have.
    """

    data: str
    target: str
    method: str
    seed: int
    source: str = ""
    share: float = 0.0
    design: str = "fixed"
    labeller: str = "full"
    min_p: float = 0.0

    def __post_init__(self) -> None:
        if self.labeller not in LABELLERS:
            raise GammaFaceError(
                f"labeller '{self.labeller}' is not known", fix=f"Choose one of {', '.join(LABELLERS)}."
            )
        if not 0 <= self.min_p <= 1:
            raise GammaFaceError(f"a confidence of {self.min_p:g} is out of range", fix="Give 0 to 1.")
        Mix(self.share, self.design)

    @property
    def mix(self) -> Mix:
        return Mix(self.share, self.design)

    @property
    def settings(self) -> tuple[str, str, float]:
        """How generated faces are mixed in, beside how many."""
        return self.design, self.labeller, self.min_p

    @property
    def arm(self) -> str:
        """What it shares with the same classifier of other seeds and tasks."""
        if not self.source:
            return self.method
        return (
            f"{self.method}.{self.source}.{100 * self.share:g}.{self.design}.{self.labeller}.p{self.min_p:g}"
        )

    @property
    def name(self) -> str:
        return f"{self.data}.{self.target}.{self.arm}.s{self.seed}"

    @property
    def own_set(self) -> str:
        """Key of a set of generated faces that was drawn for its task alone."""
        return f"{self.source}:{self.data}:{self.target}"

    def control(self) -> Cell:
        """The same mix with faces of plain sampling."""
        return replace(self, method="plain-augment", source="plain")


@dataclass(frozen=True)
class Stored:
    """A cell as it was read."""

    cell: Cell
    config: dict
    facts: dict
    seconds: float
    predictions: pd.DataFrame

    @property
    def set_size(self) -> int | None:
        """Faces of its set of generated ones, unsure labels included; None where nobody kept it."""
        # Cells of before `set` was kept: the pool is the whole set where no face was left out.
        pool = None if self.cell.min_p else self.facts.get("pool")
        return self.facts.get("set") or (self.config.get("drawing") or {}).get("n") or pool or None


def predictions_table(
    rows: np.ndarray, labels: pd.DataFrame, target: str, probabilities: np.ndarray
) -> pd.DataFrame:
    """Predictions of test rows: y, p and scores by class, and the protected attributes."""
    y = labels[target]
    p = pd.Categorical.from_codes(probabilities.argmax(1), categories=y.cat.categories)
    table = pd.DataFrame({"row": rows.astype(np.int32), "y": y.array, "p": p})
    for word, column in zip(y.cat.categories, probabilities.T, strict=True):
        table[f"{SCORE}{word}"] = column.round(DIGITS).astype(np.float32)
    for name in labels.columns.drop(target):
        table[name] = labels[name].array
    return table


def write_cell(
    run: Path, cell: Cell, *, config: dict, facts: dict, seconds: float, predictions: pd.DataFrame
) -> None:
    """Write a cell's folder under another name, then move it into place."""
    final = run / "cells" / cell.name
    partial = final.with_name(f".{cell.name}.{os.getpid()}.tmp")
    content = {"cell": asdict(cell), "config": config, "facts": facts, "seconds": round(seconds, 2)}
    try:
        write_whole(partial / "predictions.parquet", lambda f: _write(predictions, f))
        write_whole(partial / "cell.json", lambda f: f.write(json.dumps(content, indent=1).encode()))
        partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def copy_cell(run: Path, stored: Stored) -> None:
    """Write a cell of another run into this one."""
    write_cell(
        run,
        stored.cell,
        config=stored.config,
        facts=stored.facts,
        seconds=stored.seconds,
        predictions=stored.predictions,
    )


def _write(predictions: pd.DataFrame, file: BinaryIO) -> None:
    """A study has hundreds of such tables: as whole numbers, split into bytes, a score takes one to two.

    Row numbers rise, so their steps take a byte each.
    """
    scores = score_columns(predictions)
    whole = (predictions[scores].astype(np.float64) * 10**DIGITS).round().astype(np.uint16)
    encoding = {"row": "DELTA_BINARY_PACKED"} | dict.fromkeys(scores, "BYTE_STREAM_SPLIT")
    words = [name for name in predictions if name not in encoding]
    table = predictions.assign(**whole)
    table.to_parquet(file, compression="zstd", use_dictionary=words, column_encoding=encoding)


def _read(file: Path) -> pd.DataFrame:
    table = pd.read_parquet(file)
    # Cells of before scores were whole numbers hold them as they are.
    whole = table[score_columns(table)].select_dtypes("integer")
    return table.assign(**(whole / 10**DIGITS).astype(np.float32))


def score_columns(predictions: pd.DataFrame) -> list[str]:
    """Names of a table's scores, in the order of the classes."""
    return [name for name in predictions if name.startswith(SCORE)]


def clear_partial(run: Path) -> None:
    """Remove what a killed process left half-written; call it under the run's lock."""
    for leftover in (run / "cells").glob(".*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)


def has_cell(run: Path, cell: Cell) -> bool:
    return (run / "cells" / cell.name / "cell.json").is_file()


def read_cell(run: Path, name: str) -> Stored:
    """Read a stored cell.

    Raises
    ------
    GammaFaceError
        When it is not there or damaged.
    """
    folder = run / "cells" / name
    if not folder.is_dir():
        raise GammaFaceError(
            f"the run has no cell '{name}'", where=run, fix="`table RUN --name cells` lists them."
        )
    try:
        content = json.loads((folder / "cell.json").read_text())
        predictions = _read(folder / "predictions.parquet")
        cell = Cell(**content["cell"])
        return Stored(cell, content["config"], content["facts"], content["seconds"], predictions)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GammaFaceError(
            f"the cell is damaged: {error}", where=folder, fix="Delete this folder and compute it again."
        ) from None


def read_cells(run: Path) -> list[Stored]:
    """Every finished cell of a run, by name."""
    places = sorted(p for p in (run / "cells").glob("*/cell.json") if not p.parent.name.startswith("."))
    return [read_cell(run, place.parent.name) for place in places]
