"""Labels of pictures as tables: perceived attributes, how sure, and skin tone beside them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.attributes import BATCH, AttributeClassifier, Progress, load_attributes
from gammaface.datasets.pictures import IMAGE_SUFFIXES, decode_image
from gammaface.errors import GammaFaceError
from gammaface.labelling.skin import typology_angle
from gammaface.parallel.blocks import pieces
from gammaface.parallel.parts import drop_parts, read_parts, write_part
from gammaface.parallel.workers import ALONE, Workers
from gammaface.shares.people import CLASSIFIER
from gammaface.workspace import EXAMPLES, Run

BUNDLED = "attributes"
PART = 4  # batches that are labelled between two writes


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
        in degrees and ``tone`` in words, see :func:`gammaface.labelling.skin.typology_angle`. The
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
    workers: Workers = ALONE,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Labels of (name, bytes) pairs, a row each; names are in the column ``image``.

    Several `workers` are given the same pairs, share the batches, and all get the table.

    Raises
    ------
    GammaFaceError
        For no picture, or one that cannot be decoded.
    """
    from gammaface.images import to_unit

    if not named:
        raise GammaFaceError("no pictures were found", fix="Give a folder, Parquet file or run with images.")
    tables, mine = [], workers.share(range(0, len(named), batch_size))
    for done, start in enumerate(mine):
        chunk = named[start : start + batch_size]
        pixels = [decode_image(d, name=n, resolution=classifier.resolution) for n, d in chunk]
        images = to_unit(torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2))
        tables.append(label_images(classifier, images, batch_size=batch_size))
        if progress:
            progress(min(len(named), (done + 1) * batch_size), min(len(named), len(mine) * batch_size))
    table = _together(tables, workers)
    table.insert(0, "image", [name for name, _ in named])
    table.attrs[CLASSIFIER] = classifier.hash
    return table


def _together(tables: list[pd.DataFrame], workers: Workers) -> pd.DataFrame:
    """One table of all workers' tables, by rank."""
    if workers.count > 1:
        buffer = io.BytesIO()
        if tables:
            pd.concat(tables, ignore_index=True).to_parquet(buffer)
        found = workers.gather(buffer.getvalue())
        tables = [pd.read_parquet(io.BytesIO(data)) for data in found if data]
    return pd.concat(tables, ignore_index=True)


def label_run(
    run: Run,
    classifier: AttributeClassifier,
    *,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Labels of a run's pictures, kept in the run as its table ``labels``.

    A picture is labelled once: again only when its bytes or the classifier change. The runs
    that ship are read, not written. The workers that have opened the run share its pictures;
    what they labelled before they were cut off is kept.

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
    root, folder = run.path / "images", run.path / "parts-of-labels"
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        return label_encoded([], classifier)
    shipped = run.path.parent == EXAMPLES
    workers = ALONE if shipped else run.workers
    _check_same_files(files, workers)
    kept = labels_of(run, classifier)
    known = _known([kept, *read_parts(folder).values()], classifier)
    workers.wait()  # nobody adds parts before all have read those of an earlier attempt
    cuts = pieces([[0, len(files)]], PART * batch_size)
    mine, tables = workers.share(cuts), []
    for start, stop in mine:
        table, new = _label_files(files[start:stop], root, classifier, known, batch_size=batch_size)
        if workers.count > 1 or (new and not shipped):
            write_part(folder, start, table)
        tables.append(table)
        if progress:
            progress(stop - mine[0][0], mine[-1][1] - mine[0][0])
    workers.wait()
    if workers.count > 1:
        if workers.main:
            parts = read_parts(folder)
            run.write_table("labels", _joined([parts[folder / f"{start:09d}.parquet"] for start, _ in cuts]))
            drop_parts(parts)
        workers.wait()
        return run.table("labels")
    table = _joined(tables)
    if not shipped:
        if not table.equals(kept):
            run.write_table("labels", table)
        drop_parts(list(folder.glob("*.parquet")))
    return table


def _check_same_files(files: list[Path], workers: Workers) -> None:
    def names() -> str:
        return hashlib.sha256("\n".join(file.name for file in files).encode()).hexdigest()

    if workers.count > 1 and workers.on_main(names) != names():
        raise GammaFaceError(
            "this worker does not see the pictures that the main one sees",
            where=files[0].parent,
            fix="Give a folder on a file system that all hosts share.",
        )


def _known(tables: Iterable[pd.DataFrame | None], classifier: AttributeClassifier) -> pd.DataFrame | None:
    """What this classifier has said before, a row per picture's content."""
    tables = [t for t in tables if t is not None and t.attrs.get(CLASSIFIER) == classifier.hash]
    if not tables:
        return None
    together = pd.concat(tables, ignore_index=True)
    return together.drop(columns=["image", "seed", "group"]).drop_duplicates("content")


def _label_files(
    files: list[Path], root: Path, classifier: AttributeClassifier, known: pd.DataFrame | None, *, batch_size
) -> tuple[pd.DataFrame, int]:
    """The rows of these files, and how many pictures had to be labelled."""
    data = [file.read_bytes() for file in files]
    content = [hashlib.sha256(each).hexdigest() for each in data]
    said = set() if known is None else set(known["content"])
    names = [str(file.relative_to(root)) for file in files]
    fresh = {c: (name, d) for c, name, d in zip(content, names, data, strict=True) if c not in said}
    if fresh:
        new = label_encoded(list(fresh.values()), classifier, batch_size=batch_size)
        new = new.drop(columns="image").assign(content=list(fresh))
        known = pd.concat([known, new], ignore_index=True)
    places = pd.DataFrame(
        {
            "image": names,
            "seed": [int(file.stem) if file.stem.isdigit() else -1 for file in files],
            "group": [str(file.parent.relative_to(root)).removeprefix(".") for file in files],
            "content": content,
        }
    )
    table = places.merge(known, on="content", how="left", validate="many_to_one")
    table.attrs = {CLASSIFIER: classifier.hash}
    return table, len(fresh)


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    table.attrs = dict(tables[0].attrs)
    return table


def labels_of(run: Run, classifier: AttributeClassifier, *, name: str = "labels") -> pd.DataFrame | None:
    """A run's label table if it holds this classifier's labels, otherwise None."""
    if not run.has(f"tables/{name}.parquet"):
        return None
    table = run.table(name)
    return table if table.attrs.get(CLASSIFIER) == classifier.hash else None
