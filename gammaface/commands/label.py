"""``gammaface label PATH``: perceived attributes of a folder, a Parquet file or a run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer

from gammaface.commands.progress import progress_bar
from gammaface.datasets.pictures import IMAGE_SUFFIXES, decode_image, encoded_images
from gammaface.errors import GammaFaceError
from gammaface.files import write_whole
from gammaface.workspace import Run, extending


def label(
    path: Annotated[Path, typer.Argument(help="Folder of pictures, Parquet file, or run.")],
    out: Annotated[Path, typer.Option(help="CSV to write.")],
    model: Annotated[str, typer.Option(help="Bundled classifier or its folder.")] = "attributes",
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
) -> None:
    """Write each picture's perceived attributes, probabilities and doubts."""
    from gammaface.attributes import load_attributes

    classifier = load_attributes(model)
    with progress_bar("label") as progress:
        if (path / "manifest.json").is_file():
            with extending(path) as run:
                table = label_run(run, classifier, batch_size=batch_size, progress=progress)
        else:
            named = list(encoded_images(path, split=None, limit=None))
            table = label_encoded(named, classifier, batch_size=batch_size, progress=progress)
    write_whole(out, lambda f: f.write(table.to_csv(index=False).encode()))
    print(out)


def label_encoded(named, classifier, *, batch_size: int = 64, progress=None) -> pd.DataFrame:
    """Labels of (name, bytes) pairs, a row each; names are in the column ``image``."""
    if not named:
        raise GammaFaceError("no pictures were found", fix="Give a folder, Parquet file or run with images.")
    from gammaface.training.autoencoder import to_unit

    tables = []
    for start in range(0, len(named), batch_size):
        chunk = named[start : start + batch_size]
        pixels = [decode_image(d, name=n, resolution=classifier.resolution) for n, d in chunk]
        images = to_unit(torch.stack([torch.from_numpy(p.copy()) for p in pixels]).permute(0, 3, 1, 2))
        tables.append(classifier.label(images, batch_size=batch_size))
        if progress:
            progress(start + len(chunk), len(named))
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "image", [name for name, _ in named])
    return table


def label_run(run: Run, classifier, *, batch_size: int = 64, progress=None) -> pd.DataFrame:
    """Labels of a run's pictures, kept in the run and reused while both contents stay.

    Rows have ``image`` (relative to the run's images), ``seed`` and ``group``.
    """
    root = run.path / "images"
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    named = [(str(p.relative_to(root)), p.read_bytes()) for p in files]
    content = hashlib.sha256(classifier.hash.encode())
    for name, data in named:
        content.update(name.encode() + hashlib.sha256(data).digest())
    place = f"labels-{content.hexdigest()[:16]}"
    if run.has(f"tables/{place}.parquet"):
        return run.table(place)
    table = label_encoded(named, classifier, batch_size=batch_size, progress=progress)
    table.insert(1, "seed", [int(p.stem) if p.stem.isdigit() else -1 for p in files])
    table.insert(2, "group", [str(p.parent.relative_to(root)).removeprefix(".") for p in files])
    run.write_table(place, table)
    return table
