"""Finished blocks of a cell that is still being drawn: a killed audit goes on inside it.

A part holds what the cell will hold of its block, and few pictures of the first::

    cells/<name>/parts/<first place>.npy       features, (n, d) float16
    cells/<name>/parts/<first place>.parquet   labels; written last, with cost and config
    cells/<name>/parts/shown.npz               thumbnails, (n, H, W, 3) uint8
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.balancing import Batch
from gammaface.drawing import as_plain
from gammaface.files import write_whole
from gammaface.parallel.parts import drop_parts, read_parts, write_part

SHOWN = "shown.npz"


class Parts:
    """The parts of one cell; those that were drawn with another `config` are dropped.

    Attributes
    ----------
    stop : int
        Places before this one are there.
    incomplete : str
        Why the last block ended early, in words; no block follows it.
    """

    def __init__(self, cell: Path, config: Mapping) -> None:
        self.folder, self.config = cell / "parts", _plain(config)
        self.stop, self.incomplete = 0, ""
        for part in read_parts(self.folder).values():
            told = part.attrs
            if (told.get("config"), told.get("first")) != (self.config, self.stop):
                self.drop()
                self.stop, self.incomplete = 0, ""
                break
            self.stop, self.incomplete = told["stop"], told["incomplete"]

    def add(
        self,
        places: np.ndarray,
        labels: pd.DataFrame,
        features: np.ndarray | None,
        *,
        spent: Mapping,
        incomplete: str,
    ) -> None:
        """Keep a block."""
        first, self.stop, self.incomplete = int(places[0]), int(places[-1]) + 1, incomplete
        if features is not None:
            half = features.astype(np.float16)
            write_whole(self._features(first), lambda f: np.save(f, half, allow_pickle=False))
        told = {"config": self.config, "first": first, "stop": self.stop}
        labels.attrs = _plain(told | {"spent": spent, "incomplete": incomplete})
        write_part(self.folder, first, labels)

    def show(self, pictures: np.ndarray) -> None:
        """Keep the thumbnails of the first block, before it is added."""
        write_whole(self.folder / SHOWN, lambda f: np.savez_compressed(f, pictures=pictures))

    def shown(self) -> np.ndarray:
        """The thumbnails; none in parts of before, which kept them elsewhere."""
        file = self.folder / SHOWN
        if not file.is_file():
            return np.empty((0, 0, 0, 3), np.uint8)
        with np.load(file, allow_pickle=False) as held:
            return held["pictures"]

    def together(self) -> tuple[pd.DataFrame, np.ndarray | None, dict]:
        """Labels, features and cost of the whole cell, as they were stored."""
        parts = list(read_parts(self.folder).values())
        facts = total([part.attrs["spent"] for part in parts])
        files = [file for part in parts if (file := self._features(part.attrs["first"])).is_file()]
        tables = [part for part in parts if len(part)]
        labels = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        labels.attrs = {}
        features = np.concatenate([np.load(file, allow_pickle=False) for file in files]) if files else None
        return labels, features, facts

    def drop(self) -> None:
        """Remove them, once the cell is written."""
        drop_parts([file for file in self.folder.glob("*") if file.is_file()])

    def _features(self, first: int) -> Path:
        return self.folder / f"{first:09d}.npy"


def spent_on(batch: Batch, *, new: bool, seconds: float) -> dict:
    """What a block has cost; its pilot, if it is the first to learn from one, stands apart."""
    pilot = batch.learned.evaluations if new and batch.learned is not None else 0
    n = len(batch.seeds)
    return {
        "delivered": n,
        "evaluations": batch.evaluations - pilot,
        "pilot": pilot,
        "seconds": seconds,
        "draws": drawn_for(n, batch.notes),
        "notes": dict(batch.notes),
    }


def total(blocks: Sequence[Mapping]) -> dict:
    """The cost of a cell; a pilot that was drawn again after an interruption counts once, its time
    as often as it passed."""
    pilot = max((block["pilot"] for block in blocks), default=0)
    delivered, evaluations, seconds, draws = (
        sum(block[name] for block in blocks) for name in ("delivered", "evaluations", "seconds", "draws")
    )
    return {
        "delivered": delivered,
        "evaluations": evaluations + pilot,
        "pilot_evaluations": pilot,
        "seconds": round(float(seconds), 3),
        "kept_share": delivered / draws if draws else float("nan"),
        "notes": [block["notes"] for block in blocks],
    }


def drawn_for(n: int, notes: Mapping) -> float:
    """Draws behind n delivered images, from what a strategy says.

    Examples
    --------
    >>> drawn_for(10, {}), drawn_for(10, {"draws": 40}), drawn_for(10, {"draws_per_image": 1.5})
    (10, 40, 15.0)
    """
    if "draws" in notes:
        return notes["draws"] + notes.get("mutations_tried", 0)
    return n * notes.get("draws_per_image", 1)


def _plain(told: Mapping) -> dict:
    return json.loads(json.dumps(told, default=as_plain))
