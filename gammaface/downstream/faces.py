"""One task's real faces: training rows, validation and test sets, pictures read once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from gammaface.baselines.mixing import draw_even
from gammaface.baselines.problem import Examples
from gammaface.datasets import Framing
from gammaface.downstream.tasks import Task, class_size
from gammaface.errors import GammaFaceError
from gammaface.training.face_sets import TIGHT, FaceSet

# The bundled generator draws faces as tight as UTKFace's: CelebA's are cut alike.
FRAMINGS = {"celeba": TIGHT}


class Pictures:
    """The pictures of a set at one resolution, decoded when they are first asked for."""

    def __init__(self, face_set: FaceSet, *, resolution: int) -> None:
        self.faces, self.resolution = face_set.faces, resolution
        self.framing = FRAMINGS.get(face_set.name, Framing())
        self._kept = torch.empty((len(self.faces), 3, resolution, resolution), dtype=torch.uint8)
        self._there = np.zeros(len(self.faces), dtype=bool)

    def __getitem__(self, rows: np.ndarray) -> torch.Tensor:
        """uint8 (n, 3, R, R) of these rows."""
        new = np.unique(rows[~self._there[rows]])
        if len(new):
            images = self.faces.select(new).images(resolution=self.resolution, framing=self.framing)
            self._kept[torch.from_numpy(new)] = images
            self._there[new] = True
        return self._kept[torch.from_numpy(rows)]


@dataclass(frozen=True)
class TaskFaces:
    """A set's faces with one task's labels.

    Attributes
    ----------
    task : Task
    labels : DataFrame
        Target and protected attributes of every face of the set, as categoricals.
    pictures : Pictures
    train, validation, test : integer arrays
        Rows whose labels are all known; test and validation are the same for every seed.
    unlabelled : int
        Rows left out because a label is missing.
    """

    task: Task
    labels: pd.DataFrame
    pictures: Pictures
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    unlabelled: int

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.labels[self.task.target].cat.categories)

    @property
    def levels(self) -> tuple[int, ...]:
        return tuple(len(self.labels[name].cat.categories) for name in self.task.protected)

    def codes(self, name: str, rows: np.ndarray) -> np.ndarray:
        return self.labels[name].cat.codes.to_numpy(dtype=np.int64)[rows]

    def examples(self, rows: np.ndarray) -> Examples:
        """Pictures and class numbers of these rows."""
        protected = np.stack([self.codes(name, rows) for name in self.task.protected], axis=1)
        return Examples(self.pictures[rows], self.codes(self.task.target, rows), protected)

    def subset(self, *, seed: int, limit: int | None = None) -> np.ndarray:
        """Training rows of a seed: as many of each class (GAMMA-FACE, sec. 4.2)."""
        y = self.codes(self.task.target, self.train)
        counts = np.bincount(y, minlength=len(self.classes))
        each = class_size(counts, self.classes, self.task.target, limit=limit)
        rng = np.random.default_rng([seed, 0])
        return self.train[draw_even(y, each * len(counts), rng=rng)]


def task_faces(face_set: FaceSet, task: Task, pictures: Pictures, *, validation: int, test: int) -> TaskFaces:
    """Label a set's faces for a task and choose its validation and test faces.

    Raises
    ------
    GammaFaceError
        A label column that is missing, or nothing left to test or to stop by.
    """
    labels = task.labels(face_set.faces.frame)
    known = labels.notna().all(axis=1).to_numpy()
    if not known.any():
        empty = ", ".join(name for name in labels if labels[name].isna().all())
        raise GammaFaceError(
            f"no face has all labels of {task.name}; missing: {empty or 'never together'}",
            fix="Give data that knows these attributes.",
        )
    parts = {}
    for part, most in (("validation", validation), ("test", test)):
        rows = np.flatnonzero(known & (face_set.part == part))
        if not len(rows):
            raise GammaFaceError(f"no labelled {part} face is left for {task.name}", fix="Give more data.")
        parts[part] = np.sort(np.random.default_rng(0).permutation(rows)[:most])
    return TaskFaces(
        task,
        labels,
        pictures,
        np.flatnonzero(known & (face_set.part == "train")),
        parts["validation"],
        parts["test"],
        int((~known).sum()),
    )


def fingerprint(face_set: FaceSet) -> str:
    """A hash of a set's labels and parts, so that a run never mixes two data sets."""
    frame = face_set.faces.frame.astype(str).assign(part=face_set.part)
    hashed = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return hashlib.sha256(hashed.tobytes()).hexdigest()[:16]
