"""Real faces that an audit's distances are measured to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.audit.reading import read_faces
from gammaface.datasets import DataSource, load_random
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.images import to_unit
from gammaface.parallel.workers import ALONE, Workers
from gammaface.workspace import Run

LIMIT = 4000  # real test faces
TRAIN_LIMIT = 50_000
ARRAYS = ("real_features", "train_features")
KEY = "real.json"


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
    key : str
        A hash of what it was read from and with; "" where that is not known.
    """

    labels: pd.DataFrame
    features: np.ndarray
    train: np.ndarray | None = None
    key: str = ""

    def save(self, run: Run) -> None:
        """Keep numbers, not pictures, in a run; the key last, it says that the rest is whole."""
        run.write_file(KEY, json.dumps({"key": ""}))
        run.write_table("real", self.labels)
        for name, array in zip(ARRAYS, (self.features, self.train), strict=True):
            if array is None:
                (run.path / "arrays" / f"{name}.npy").unlink(missing_ok=True)
            else:
                run.write_array(name, array.astype(np.float16))
        run.write_file(KEY, json.dumps({"key": self.key}))

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
    kept: Path | None = None,
    workers: Workers = ALONE,
) -> Real | None:
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
    kept : path, optional
        A run that may hold the same numbers already: then no picture is read.
    workers : Workers, optional
        They share the training faces.

    Returns
    -------
    Real
        For the main worker, who alone tells of them; None for the others.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.datasets.load_images`, and for a classifier without features.
    """
    if not hasattr(classifier, "features"):
        raise GammaFaceError(
            "distances to real faces need a classifier with features, which this one does not have",
            fix="Leave the real faces out, or give a classifier that `train attributes` wrote.",
        )
    asked = {"split": split, "train_split": train_split, "limit": limit, "train_limit": TRAIN_LIMIT}
    asked |= {"seed": seed, "side": generator.side, "classifier": getattr(classifier, "hash", "")}
    key = _key(data, asked)
    found = _held(kept, key) if workers.main and kept is not None else None
    if workers.on_main(lambda: found is not None):
        return found

    how = {"seed": seed, "resolution": generator.side}
    told, train = None, None
    if workers.main:
        told = read_faces(classifier, to_unit(load_random(data, most=limit, split=split, **how)))
    if train_split is not None:
        pixels = load_random(data, most=TRAIN_LIMIT, split=train_split, workers=workers, **how)
        chunks = (classifier.features(to_unit(part)) for part in pixels.split(4096) if len(part))
        own = b"".join(chunk.astype(np.float32).tobytes() for chunk in chunks)
        train = np.frombuffer(b"".join(workers.gather(own)), dtype=np.float32)
    if told is None:
        return None
    labels, features = told
    return Real(labels, features, train if train is None else train.reshape(-1, features.shape[1]), key)


def _key(data: list[str], asked: dict) -> str:
    """A hash of the files' names, sizes and times, their crops, and what else decides the numbers."""
    files = []
    for source in map(DataSource.parse, data):
        inside = sorted(source.path.rglob("*")) if source.path.is_dir() else [source.path]
        for file in (p for p in inside if p.is_file()):
            told, name = file.stat(), file.relative_to(source.path.parent).as_posix()
            files.append((name, told.st_size, told.st_mtime_ns, source.crop))
    return hashlib.sha256(json.dumps([files, asked], sort_keys=True).encode()).hexdigest()


def _held(place: Path, key: str) -> Real | None:
    """The faces that a run holds under this key; whatever cannot be read is read anew from the pictures."""
    try:
        run = Run.open(place)
        if json.loads((run.path / KEY).read_text())["key"] != key:
            return None
        real = Real.load(run)
    except (GammaFaceError, OSError, ValueError, KeyError, TypeError):
        return None
    return real and Real(real.labels, real.features, real.train, key)
