"""Generated faces with pseudo-labels: drawn and labelled once, used by every task."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.baselines.problem import Examples
from gammaface.datasets import CLASSES, decode_image, open_picture
from gammaface.datasets.pictures import UNREADABLE
from gammaface.downstream.tasks import Task
from gammaface.errors import GammaFaceError
from gammaface.workspace import Run

FIX = "Draw with `sample`, then `python -m gammaface label RUN --out CSV`."


@dataclass(frozen=True)
class LabelledSet:
    """Generated faces of one strategy and seed.

    Attributes
    ----------
    images : uint8 tensor of shape (n, 3, H, H)
    labels : DataFrame
        One row per image, as `gammaface.attributes.AttributeClassifier.label` returns:
        words, and ``<attribute>_p``.
    hash : str
        Of both.
    drawing : dict, optional
        How it was drawn, where a study did that: the fields of
        `gammaface.downstream.drawn.Drawing`.
    """

    images: torch.Tensor
    labels: pd.DataFrame
    hash: str
    drawing: dict | None = None

    def __len__(self) -> int:
        return len(self.images)

    def examples(
        self, task: Task, *, resolution: int, min_p: float = 0.0, codes: np.ndarray | None = None
    ) -> Examples:
        """Those with a label for everything the task needs, at a resolution.

        Parameters
        ----------
        min_p : float
            Leave out faces whose target label is less sure than this, 0 to 1.
        codes : array of shape (n, d), optional
            Of all images, where the examples shall know theirs.

        Raises
        ------
        GammaFaceError
            Missing label columns, or a confidence that leaves nothing.
        """
        labels = task.labels(self.labels)
        known = labels.notna().all(axis=1)
        if min_p > 0:
            if task.probability() not in self.labels:
                raise GammaFaceError(
                    f"the labels have no column '{task.probability()}' to filter by", fix=FIX
                )
            known &= self.labels[task.probability()] >= min_p
        rows = np.flatnonzero(known)
        if not len(rows):
            raise GammaFaceError(
                f"no generated face has labels for {task.name} at a confidence of {min_p:g}",
                fix="Ask for less confidence, or label the pictures again.",
            )
        numbers = labels.iloc[rows].apply(lambda column: column.cat.codes).to_numpy(dtype=np.int64)
        images, own = at_resolution(self.images[rows], resolution), None if codes is None else codes[rows]
        return Examples(images, numbers[:, 0], numbers[:, 1:], own)


def at_resolution(images: torch.Tensor, resolution: int) -> torch.Tensor:
    """uint8 images (n, 3, H, H) at another side."""
    if images.shape[-1] == resolution:
        return images
    size = (resolution, resolution)
    scaled = torch.nn.functional.interpolate(images.float(), size, mode="bilinear", antialias=True)
    return scaled.round().clamp(0, 255).to(torch.uint8)


def read_labelled(path: Path | str) -> LabelledSet:
    """Read a labelled set.

    Parameters
    ----------
    path : path
        A run that `sample` drew and `label` labelled; a run with an array ``images`` and a
        table ``labels``; or a folder with ``images.npy`` and ``labels.parquet`` (or .csv).

    Raises
    ------
    GammaFaceError
        Nothing there, no labels, several labellings, or lengths and shapes that differ.
    """
    path = Path(path)
    if (path / "manifest.json").is_file():
        images, labels = _from_run(Run.open(path))
    else:
        images, labels = _from_folder(path)
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise GammaFaceError(
            f"the images are {images.dtype} of shape {images.shape}",
            where=path,
            fix="Give uint8 (n, 3, H, H).",
        )
    if len(images) != len(labels):
        raise GammaFaceError(
            f"{len(images)} images stand beside {len(labels)} labels", where=path, fix="Label them again."
        )
    for name in CLASSES.keys() & set(labels):
        labels[name] = pd.Categorical(labels[name].astype(object), categories=CLASSES[name])
    digest = hashlib.sha256(np.ascontiguousarray(images))
    digest.update(labels.drop(columns="image", errors="ignore").to_csv(index=False).encode())
    return LabelledSet(torch.from_numpy(np.array(images)), labels, digest.hexdigest()[:16])


def _from_run(run: Run) -> tuple[np.ndarray, pd.DataFrame]:
    tables = [name for name in run.tables() if name.startswith("labels")]
    if len(tables) != 1:
        raise GammaFaceError(
            f"the run has {len(tables)} tables of labels",
            where=run.path,
            fix=FIX if not tables else "Keep one.",
        )
    labels = run.table(tables[0]).reset_index(drop=True)
    if run.has("arrays/images.npy"):
        return run.array("images"), labels
    if "image" not in labels:
        raise GammaFaceError("the labels do not name their pictures", where=run.path, fix=FIX)
    files = [run.path / "images" / name for name in labels["image"]]
    return _decoded(files, run.path), labels


def _decoded(files: list[Path], where: Path) -> np.ndarray:
    try:
        with open_picture(files[0].read_bytes()) as first:
            side = min(first.size)
        pictures = [decode_image(file.read_bytes(), name=str(file), resolution=side) for file in files]
    except UNREADABLE as error:
        raise GammaFaceError(f"a picture cannot be read: {error}", where=where, fix=FIX) from None
    return np.stack(pictures).transpose(0, 3, 1, 2)


def _from_folder(path: Path) -> tuple[np.ndarray, pd.DataFrame]:
    readers: dict[str, Callable] = {"labels.parquet": pd.read_parquet, "labels.csv": pd.read_csv}
    found = next((name for name in readers if (path / name).is_file()), None)
    if found is None or not (path / "images.npy").is_file():
        raise GammaFaceError(
            "there is no labelled set here", where=path, fix="Give a run, or images.npy with labels.parquet."
        )
    try:
        return np.load(path / "images.npy", allow_pickle=False), readers[found](path / found)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise GammaFaceError(f"the set is damaged: {error}", where=path, fix="Write it again.") from None
