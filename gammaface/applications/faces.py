"""Faces that an application is tried on: balanced generated ones, or a folder's."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gammaface.applications.cells import Report
from gammaface.balancing import Incomplete, balance
from gammaface.datasets.pictures import IMAGE_SUFFIXES, decode_image
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.sampling import Callback
from gammaface.shares.people import word_of
from gammaface.strategies import Labeller, Target, as_labeller
from gammaface.strategies.labelling import cells_of

LIMIT = 40  # draws an image that a rare group may take


@dataclass(frozen=True)
class Faces:
    """Pictures with their labeller's answers.

    Attributes
    ----------
    images : float tensor of shape (n, 3, H, H)
        In [-1, 1].
    names : list of str
        Seed or file of each.
    probabilities : dict of str to numpy.ndarray
        (n, classes) by attribute.
    classes : dict of str to tuple of str
    note : str
        What is missing of what was asked for, in words.
    """

    images: torch.Tensor
    names: list[str]
    probabilities: Mapping[str, np.ndarray]
    classes: Mapping[str, tuple[str, ...]]
    note: str = ""

    def groups(self, attributes: tuple[str, ...]) -> np.ndarray:
        """The joint cell of each face over these attributes, in words."""
        target = Target.even(attributes, self.classes)
        words = ([word_of(name, word) for word in self.classes[name]] for name in attributes)
        names = [", ".join(cell) for cell in itertools.product(*words)]
        return np.array(names, dtype=object)[cells_of(target, self.probabilities)]

    def words(self, attribute: str) -> np.ndarray:
        """The labeller's word for each face."""
        return np.array(self.classes[attribute], dtype=object)[self.probabilities[attribute].argmax(1)]

    def sure(self, attribute: str) -> np.ndarray:
        """Its probability."""
        return np.asarray(self.probabilities[attribute]).max(1)


def check_attributes(
    attributes: tuple[str, ...], classes: Mapping[str, tuple[str, ...]], *, who: str = "the labeller"
) -> None:
    """Refuse attributes that somebody does not name."""
    for name in attributes:
        if name not in classes:
            raise GammaFaceError(
                f"{who} does not name the attribute '{name}'", fix=f"Choose from {', '.join(classes)}."
            )


def draw_even(
    generator: Generator,
    labeller: Labeller,
    attributes: tuple[str, ...],
    *,
    n: int,
    seed: int,
    steps: int,
    report: Report,
    callback: Callback | None = None,
) -> Faces:
    """n faces, evenly over the joint cells of attributes (strategy ``quota``).

    A group too rare for `LIMIT` draws an image comes short; the note says so.
    """
    reader = as_labeller(labeller)
    check_attributes(attributes, reader.classes)
    try:
        batch = balance(
            generator,
            n=n,
            strategy="quota",
            seed=seed,
            steps=steps,
            target=Target.even(attributes, reader.classes),
            labeller=labeller,
            options={"limit": LIMIT},
            progress=lambda done, total: report("faces", done, total),
            callback=callback,
        )
        note = ""
    except Incomplete as error:
        batch, note = error.batch, f"{len(error.batch.seeds)} of {n} faces were found: {error.what}"
    if not len(batch.seeds):
        raise GammaFaceError("no face was found", fix="Ask for other groups.")
    found = reader.probabilities(batch.images)
    return Faces(batch.images, [str(s) for s in batch.seeds], found, reader.classes, note)


def read_folder(folder: Path, labeller: Labeller, *, resolution: int, limit: int, report: Report) -> Faces:
    """At most `limit` pictures of a folder, evenly spread, at one resolution.

    Raises
    ------
    GammaFaceError
        For a folder without pictures, or one that cannot be decoded.
    """
    files = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise GammaFaceError(
            "the folder has no pictures", where=folder, fix="Give one with JPEG or PNG files."
        )
    rows = np.unique(np.linspace(0, len(files) - 1, min(limit, len(files))).astype(int))
    pixels = []
    for done, row in enumerate(rows):
        if done % 100 == 0:
            report("faces", done, len(rows))
        file = files[row]
        pixels.append(decode_image(file.read_bytes(), name=str(file), resolution=resolution))
    report("faces", len(rows), len(rows))
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1
    reader = as_labeller(labeller)
    names = [str(files[row].relative_to(folder)) for row in rows]
    return Faces(images, names, reader.probabilities(images), reader.classes)
