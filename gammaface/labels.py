"""Labels of pictures as tables: perceived attributes, how sure, and skin tone beside them."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import torch

from gammaface.attributes import BATCH, AttributeClassifier, Progress, load_attributes
from gammaface.datasets.pictures import IMAGE_SUFFIXES, decode_image
from gammaface.errors import GammaFaceError
from gammaface.people import CLASSIFIER
from gammaface.skin import typology_angle
from gammaface.workspace import EXAMPLES, Run

BUNDLED = "attributes"


def find_classifier(
    name: str = BUNDLED, *, device: str | None = None
) -> tuple[AttributeClassifier | None, str]:
    """The classifier, or None and why in words where the bundled one is absent or damaged.

    Raises
    ------
    GammaFaceError
        For another classifier that cannot be loaded: who names one wants its labels.
    """
    try:
        return load_attributes(name, device=device), ""
    except GammaFaceError as error:
        if name != BUNDLED:
            raise
        return None, error.what


def label_images(
    classifier: AttributeClassifier,
    images: torch.Tensor,
    *,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Everything that is measured of each face.

    Parameters
    ----------
    classifier : AttributeClassifier
    images : float tensor of shape (n, 3, H, H)
        In [-1, 1].
    batch_size, progress
        As in :meth:`AttributeClassifier.label`.

    Returns
    -------
    DataFrame
        The columns of :meth:`AttributeClassifier.label`; for each class of each attribute
        ``<attribute>=<class>``, its calibrated probability (age has years instead); ``ita``
        in degrees and ``tone`` in words, see :func:`gammaface.skin.typology_angle`. The
        table's attrs name the classifier's hash.

    Raises
    ------
    GammaFaceError
        For images of another shape or range.
    """
    probabilities = classifier.probabilities(images, batch_size=batch_size, progress=progress)
    table = classifier.describe(probabilities)
    for name, p in probabilities.items():
        if name != "age":
            words = table[name].cat.categories
            columns = [f"{name}={word}" for word in words]
            table[columns] = p.astype(np.float32)
    table[["ita", "tone"]] = typology_angle(images)[["ita", "tone"]]
    table.attrs[CLASSIFIER] = classifier.hash
    return table


def label_encoded(
    named: list[tuple[str, bytes]],
    classifier: AttributeClassifier,
    *,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Labels of (name, bytes) pairs, a row each; names are in the column ``image``.

    Raises
    ------
    GammaFaceError
        For no picture, or one that cannot be decoded.
    """
    from gammaface.training.autoencoder import to_unit

    if not named:
        raise GammaFaceError("no pictures were found", fix="Give a folder, Parquet file or run with images.")
    tables = []
    for start in range(0, len(named), batch_size):
        chunk = named[start : start + batch_size]
        pixels = [decode_image(d, name=n, resolution=classifier.resolution) for n, d in chunk]
        images = to_unit(torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2))
        tables.append(label_images(classifier, images, batch_size=batch_size))
        if progress:
            progress(start + len(chunk), len(named))
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "image", [name for name, _ in named])
    table.attrs[CLASSIFIER] = classifier.hash
    return table


def label_run(
    run: Run,
    classifier: AttributeClassifier,
    *,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Labels of a run's pictures, kept in the run as its table ``labels``.

    A picture is labelled once: again only when its bytes or the classifier change. The runs
    that ship are read, not written.

    Parameters
    ----------
    run : Run
        Open for writing, see :func:`gammaface.workspace.extending`.
    classifier, batch_size, progress
        As in `label_images`.

    Returns
    -------
    DataFrame
        ``image`` (relative to the run's images), ``seed``, ``group`` (the folder), the
        columns of `label_images`, and ``content`` (sha256 of the picture).

    Raises
    ------
    GammaFaceError
        For a run without pictures, or a picture that cannot be decoded.
    """
    root = run.path / "images"
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    named = [(str(p.relative_to(root)), p.read_bytes()) for p in files]
    content = [hashlib.sha256(data).hexdigest() for _, data in named]
    kept = labels_of(run, classifier)
    known = set() if kept is None else set(kept["content"])
    fresh = {c: pair for c, pair in zip(content, named, strict=True) if c not in known}
    if fresh or not named:
        new = label_encoded(list(fresh.values()), classifier, batch_size=batch_size, progress=progress)
        kept = pd.concat([kept, new.assign(content=list(fresh))], ignore_index=True)
    places = pd.DataFrame(
        {
            "image": [name for name, _ in named],
            "seed": [int(p.stem) if p.stem.isdigit() else -1 for p in files],
            "group": [str(p.parent.relative_to(root)).removeprefix(".") for p in files],
            "content": content,
        }
    )
    measured = kept.drop(columns=["image", "seed", "group"], errors="ignore").drop_duplicates("content")
    table = places.merge(measured, on="content", how="left", validate="many_to_one")
    table.attrs = {CLASSIFIER: classifier.hash}
    if (fresh or len(table) != len(kept)) and run.path.parent != EXAMPLES:
        run.write_table("labels", table)
    return table


def labels_of(run: Run, classifier: AttributeClassifier, *, name: str = "labels") -> pd.DataFrame | None:
    """A run's label table if it holds this classifier's labels, otherwise None."""
    if not run.has(f"tables/{name}.parquet"):
        return None
    table = run.table(name)
    return table if table.attrs.get(CLASSIFIER) == classifier.hash else None
