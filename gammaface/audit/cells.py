"""One cell of an audit on disk: the labels and features of one method's draw at one seed.

A cell is a folder inside the run, ``cells/<name>/``; it is finished when ``cell.json`` is
there, which is written last::

    labels.parquet   seed, component, cell (wanted), <attribute>=<class> probabilities,
                     age, ita, tone, and second:<attribute> class numbers (-1: not asked)
    features.npy     (n, d) float16, the classifier's penultimate features
    cell.json        what it is, everything it was drawn with, cost, what the strategy says
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.files import write_whole

FACTS = ("delivered", "evaluations", "pilot_evaluations", "seconds", "kept_share", "refused", "incomplete")


@dataclass(frozen=True)
class Cell:
    """One draw: ``target`` is "" for methods that follow none."""

    method: str
    target: str
    seed: int

    @property
    def name(self) -> str:
        return ".".join(filter(None, (self.method, self.target, f"s{self.seed}")))


@dataclass(frozen=True)
class Stored:
    """A finished cell; its arrays are read when they are asked for."""

    cell: Cell
    config: dict
    facts: dict
    folder: Path

    @cached_property
    def labels(self) -> pd.DataFrame:
        return self._read("labels.parquet", pd.read_parquet)

    @cached_property
    def features(self) -> np.ndarray | None:
        """(n, d) float32; None for a classifier without any."""
        if not self.facts["features"]:
            return None
        return self._read("features.npy", lambda f: np.load(f, allow_pickle=False)).astype(np.float32)

    @property
    def refused(self) -> str:
        """Why nothing was drawn, in words; empty where something was."""
        return self.facts["refused"]

    def _read(self, name: str, reader):
        try:
            return reader(self.folder / name)
        except (OSError, ValueError, EOFError) as error:
            raise _damaged(self.folder, error) from None


def write_cell(
    run: Path,
    cell: Cell,
    *,
    config: dict,
    facts: dict,
    labels: pd.DataFrame | None = None,
    features: np.ndarray | None = None,
) -> None:
    """Keep a cell; ``cell.json`` last."""
    from gammaface.drawing import as_plain  # which loads torch, and reading a cell does not need it

    folder = run / "cells" / cell.name
    if labels is not None:
        write_whole(folder / "labels.parquet", lambda f: labels.to_parquet(f, compression="zstd"))
    if features is not None:
        half = features.astype(np.float16)
        write_whole(folder / "features.npy", lambda f: np.save(f, half, allow_pickle=False))
    content = {
        "cell": asdict(cell),
        "config": config,
        "facts": facts | {"features": features is not None},
    }
    text = json.dumps(content, indent=1, default=as_plain)
    write_whole(folder / "cell.json", lambda f: f.write(text.encode()))


def read_cell(folder: Path) -> Stored | None:
    """A cell, or None where it is not finished.

    Raises
    ------
    GammaFaceError
        When its file is damaged.
    """
    file = folder / "cell.json"
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text())
        stored = Stored(Cell(**content["cell"]), content["config"], content["facts"], folder)
        if set(FACTS) - set(stored.facts):
            raise KeyError("facts")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, error) from None
    return stored


def read_cells(run: Path) -> list[Stored]:
    """Every finished cell of a run, by name."""
    folders = sorted(place.parent for place in (run / "cells").glob("*/cell.json"))
    return [read_cell(folder) for folder in folders]


def _damaged(folder: Path, error: Exception) -> GammaFaceError:
    return GammaFaceError(
        f"the cell is damaged: {error}", where=folder, fix="Delete this folder and run the audit again."
    )
