"""The one shape that every labelled face set is read into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.datasets.pictures import Framing, decode_image
from gammaface.errors import GammaFaceError
from gammaface.shares.people import CLASSES

AGES = (0, 120)
COLUMNS = ("source", *CLASSES, "age", "identity", "split")
PROBLEMS = ("missing image", "unreadable image", "unknown label", "duplicate row")


@dataclass(frozen=True)
class Faces:
    """Labelled faces: one row each, pictures read when they are asked for.

    Attributes
    ----------
    frame : DataFrame
        Columns ``source`` (file or "file row i"), the attributes of `CLASSES` as
        categoricals in words, ``age`` (years, float), ``identity`` and ``split``; what a
        set does not know is missing.
    pictures : sequence of Path or bytes
        One encoded picture per row.
    problems : DataFrame
        Rows left out: ``source``, ``problem`` (one of `PROBLEMS`), ``detail``.
    """

    frame: pd.DataFrame
    pictures: Sequence[Path | bytes]
    problems: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    def encoded(self, row: int) -> bytes:
        """The stored bytes of one picture."""
        picture = self.pictures[row]
        return picture if isinstance(picture, bytes) else picture.read_bytes()

    def select(self, rows: np.ndarray) -> Faces:
        """The faces of a boolean mask or of row numbers."""
        rows = np.asarray(rows)
        chosen = np.flatnonzero(rows) if rows.dtype == bool else rows
        frame = self.frame.iloc[chosen].reset_index(drop=True)
        return replace(self, frame=frame, pictures=[self.pictures[i] for i in chosen])

    def images(self, *, resolution: int, framing: Framing | None = None) -> torch.Tensor:
        """All pictures as uint8 (n, 3, resolution, resolution).

        Raises
        ------
        GammaFaceError
            For a picture that cannot be decoded (see `read_faces` on leaving those out).
        """
        decoded = np.empty((len(self), resolution, resolution, 3), dtype=np.uint8)
        for row, source in enumerate(self.frame["source"]):
            decoded[row] = decode_image(
                self.encoded(row), name=source, resolution=resolution, framing=framing
            )
        return torch.from_numpy(decoded).permute(0, 3, 1, 2).contiguous()

    def codes(self, attribute: str) -> np.ndarray:
        """Class numbers of an attribute, -1 where it is not known."""
        return self.frame[attribute].cat.codes.to_numpy(dtype=np.int64)

    def summary(self) -> str:
        """What was read and what was left out, in one line."""
        counts = self.problems["problem"].value_counts()
        left_out = ", ".join(f"{counts[name]} {name}" for name in PROBLEMS if name in counts)
        return f"{len(self):,} faces; left out: {left_out or 'none'}"


def typed(rows: pd.DataFrame) -> pd.DataFrame:
    """A frame of exactly `COLUMNS` with their types; ages fill in what follows from them."""
    frame = rows.reindex(columns=COLUMNS).reset_index(drop=True)
    frame["age"] = pd.to_numeric(frame["age"], errors="coerce")
    for name, limit in (("young40", 40), ("young60", 60)):
        known = frame["age"].notna() & frame[name].isna()
        word = pd.Series(np.where(frame["age"] < limit, "young", "old"), index=frame.index)
        frame[name] = frame[name].astype(object).where(~known, word)
    for name, words in CLASSES.items():
        frame[name] = pd.Categorical(frame[name].astype(object), categories=words)
    for name in ("source", "identity", "split"):
        frame[name] = frame[name].astype(object)
    return frame


def unknown_labels(rows: pd.DataFrame) -> pd.Series:
    """What is wrong with each row's labels in words; empty where nothing is."""
    wrong = pd.Series("", index=rows.index)
    for name, words in CLASSES.items():
        if name in rows:
            # A cell may hold anything, a list too, which `isin` does not always survive.
            known = rows[name].map(lambda cell, words=words: isinstance(cell, str) and cell in words)
            bad = rows[name].notna() & ~known.astype(bool)
            wrong = wrong.mask(bad, wrong + name + "=" + rows[name].astype(str) + "; ")
    if "age" in rows:
        years = pd.to_numeric(rows["age"], errors="coerce")
        bad = rows["age"].notna() & ~years.between(*AGES)
        wrong = wrong.mask(bad, wrong + "age=" + rows["age"].astype(str) + "; ")
    return wrong.str.removesuffix("; ")


def refuse_problems(problems: pd.DataFrame) -> None:
    """Raise for the first problem, saying how many there are."""
    if len(problems):
        first = problems.iloc[0]
        raise GammaFaceError(
            f"{len(problems)} rows have problems; the first: {first['problem']} ({first['detail']})",
            where=first["source"],
            fix="Repair the data, or read it with on_problem='skip', which lists what it leaves out.",
        )
