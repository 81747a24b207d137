"""Real faces that an audit's distances are measured to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from gammaface.audit.reading import label_table
from gammaface.datasets import load_random
from gammaface.generators import Generator
from gammaface.images import to_unit
from gammaface.workspace import Run

LIMIT = 4000  # real test faces
TRAIN_LIMIT = 50_000
ARRAYS = ("real_features", "train_features")


@dataclass(frozen=True)
class Real:
    """Unseen real faces as the classifier sees them.

    Attributes
    ----------
    labels : DataFrame
        As :func:`gammaface.audit.reading.label_table`.
    features : numpy.ndarray
        (n, d).
    train : numpy.ndarray or None
        (m, d) features of the generator's training faces, for the look for copies.
    """

    labels: pd.DataFrame
    features: np.ndarray
    train: np.ndarray | None = None

    def save(self, run: Run) -> None:
        """Keep numbers, not pictures, in a run."""
        run.write_table("real", self.labels)
        for name, array in zip(ARRAYS, (self.features, self.train), strict=True):
            if array is not None:
                run.write_array(name, array.astype(np.float16))

    @classmethod
    def load(cls, run: Run) -> Real | None:
        """What a run holds; None without real faces."""
        if not run.has("tables/real.parquet"):
            return None
        arrays = [
            np.asarray(run.array(name), dtype=np.float32) if run.has(f"arrays/{name}.npy") else None
            for name in ARRAYS
        ]
        return cls(run.table("real"), *arrays)


def read_real(
    generator: Generator,
    classifier,
    data: list[str],
    *,
    split: str | None = "test",
    train_split: str | None = None,
    limit: int = LIMIT,
    seed: int = 0,
) -> Real:
    """Label real faces at the generator's resolution.

    Parameters
    ----------
    data : list of str
        ``PATH`` or ``PATH@left,top,right,bottom`` each, see
        :class:`gammaface.datasets.DataSource`; frame them as the generator draws.
    split : str, optional
        Rows of a ``split`` column to keep; None keeps all.
    train_split : str, optional
        The training faces, for the look for copies; None leaves it out.
    limit : int
        Test faces at most, at random.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.datasets.load_images`, and for a classifier without features.
    """

    def read(part: str | None, most: int) -> torch.Tensor:
        return load_random(data, most=most, seed=seed, resolution=generator.side, split=part)

    test = to_unit(read(split, limit))
    train = None
    if train_split is not None:
        pixels = read(train_split, TRAIN_LIMIT)
        train = np.concatenate([classifier.features(to_unit(part)) for part in pixels.split(4096)])
    return Real(label_table(classifier, test), classifier.features(test), train)
