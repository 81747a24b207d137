"""Labelled faces cut into training, validation and test parts that share no person."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.datasets import (
    Faces,
    Framing,
    difference_hash,
    grouped_holdout,
    lookalike_groups,
    read_faces,
)
from gammaface.datasets.lookalikes import DEFAULT_DISTANCE, HASH_SIDE
from gammaface.errors import GammaFaceError
from gammaface.files import kept_array
from gammaface.workspace import home

VALIDATION, TEST = 0.1, 0.15
HASH_RESOLUTION = 68
CACHE = ".lookalikes"  # in the folder for runs: group numbers, and nothing of the pictures
MIN_FACES = 20
# CelebA's square around UTKFace's framing, (27, 44, 101, 118) of 128, and some air to move in.
TIGHT = Framing(27 / 128, 44 / 128, 101 / 128, 118 / 128)
TIGHT_LOOSER = Framing(20 / 128, 37 / 128, 108 / 128, 125 / 128)
TRAIN_FRAMINGS = {"celeba": (Framing(), TIGHT_LOOSER)}
TEST_FRAMINGS = {"celeba": {"whole": Framing(), "tight": TIGHT}}


@dataclass(frozen=True)
class FaceSet:
    """One labelled set and its parts: ``part`` is train, validation, test or unused."""

    name: str
    faces: Faces
    part: np.ndarray
    dropped: int

    def only(self, part: str) -> Faces:
        return self.faces.select(self.part == part)

    def framings(self) -> dict[str, Framing]:
        """How its faces are shown to the finished classifier."""
        return TEST_FRAMINGS.get(self.name, {"whole": Framing()})

    def views(self, *, resolution: int) -> torch.Tensor:
        """Training pictures in every framing, one after the other, uint8 (v * n, 3, R, R)."""
        train = self.only("train")
        framings = TRAIN_FRAMINGS.get(self.name, (Framing(),))
        return torch.cat([train.images(resolution=resolution, framing=f) for f in framings])

    def summary(self) -> str:
        sizes = ", ".join(f"{(self.part == p).sum():,} {p}" for p in ("train", "validation", "test"))
        return (
            f"{self.name}: {self.faces.summary()}; {sizes};"
            f" {self.dropped} training faces dropped that look like test faces"
        )


def parse_data(text: str) -> tuple[str, Path]:
    """``NAME=PATH`` as the command line takes it."""
    name, equals, path = text.partition("=")
    if not (equals and name and path):
        raise GammaFaceError(f"'{text}' names no data", fix="Write NAME=PATH, like celeba=faces.parquet.")
    return name, Path(path)


def load_face_sets(data: list[str], *, seed: int) -> list[FaceSet]:
    """Read every NAME=PATH and carve its validation part from its training part."""
    return [load_face_set(*parse_data(text), seed=seed) for text in data]


def load_face_set(name: str, path: Path, *, seed: int) -> FaceSet:
    """Read one set; persons, or look-alikes where no identity is known, stay in one part.

    A set's own splits are kept: "train" trains, anything else tests. Without any, a part is
    drawn for testing.
    """
    faces = read_faces(path)
    groups = person_groups(faces)
    if faces.frame["split"].notna().any():
        test = (faces.frame["split"] != "train").to_numpy()
    else:
        test = grouped_holdout(groups, share=TEST, seed=seed + 1)
    twin = ~test & np.isin(groups, groups[test])
    part = np.where(test, "test", np.where(twin, "unused", "train")).astype(object)
    rows = np.flatnonzero(part == "train")
    if len(rows) < MIN_FACES:
        raise GammaFaceError(
            f"{len(rows)} training faces are too few", where=path, fix=f"Give {MIN_FACES} or more."
        )
    part[rows[grouped_holdout(groups[rows], share=VALIDATION, seed=seed)]] = "validation"
    return FaceSet(name, faces, part, int(twin.sum()))


def person_groups(faces: Faces) -> np.ndarray:
    """A number for each face: equal for one identity, or for look-alikes without one.

    Look-alikes are sought once per content: decoding every picture takes minutes.
    """
    identity = faces.frame["identity"]
    if identity.notna().all():
        return pd.factorize(identity)[0]
    alike = kept_array(home() / CACHE / f"{_content(faces)}.npy", lambda: _alike(faces))
    known = pd.factorize(identity)[0]  # -1 where unknown
    return np.where(known >= 0, known + alike.max() + 1, alike)


def _alike(faces: Faces) -> np.ndarray:
    pictures = faces.images(resolution=HASH_RESOLUTION).permute(0, 2, 3, 1).numpy()
    return lookalike_groups(difference_hash(pictures))


def _content(faces: Faces) -> str:
    """A hash of all pictures as they are stored, and of how they are compared."""
    digest = hashlib.sha256(f"{HASH_RESOLUTION} {HASH_SIDE} {DEFAULT_DISTANCE}".encode())
    for row in range(len(faces)):
        digest.update(hashlib.sha256(faces.encoded(row)).digest())
    return digest.hexdigest()[:32]
