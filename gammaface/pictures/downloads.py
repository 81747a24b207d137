"""Drawn pictures to take along: PNGs that say where they come from, and a table of them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.images import with_text
from gammaface.workspace import Run

MOST_BYTES = 256 * 2**20  # of pictures in one archive: a browser's download is held in memory
PLAIN = "plain"
# Columns of a label table that say nothing to who reads the pictures' table.
INTERNAL = ("image", "group", "content")


def drawn_rows(run: Run, *, group: str = "") -> pd.DataFrame:
    """One row per picture of a batch, or of a study's group, in the order drawn.

    Returns
    -------
    DataFrame
        ``seed, place, component, cell`` (in words; empty for none), ``evaluations`` where
        they were counted, ``file``, and the picture's labels where it has any.

    Raises
    ------
    GammaFaceError
        For a run without drawn pictures.
    """
    table = run.table("images")
    if "group" in table:
        table = table[table["group"] == group]
    table = table.reset_index(drop=True)
    names = run.manifest.config.get("cells", [])
    cells = table["cell"] if "cell" in table else pd.Series(-1, index=table.index)
    rows = pd.DataFrame(
        {
            "seed": table["seed"],
            "place": table.get("place", table.index),
            "component": table["component"],
            "cell": [names[c] if 0 <= c < len(names) else "" for c in cells],
        }
    )
    if "evaluations" in table:
        rows["evaluations"] = table["evaluations"]
    rows["file"] = [run.image(int(seed), group) for seed in table["seed"]]
    labels = labels_in(run, group=group)
    if labels is None:
        return rows
    return rows.merge(labels.drop(columns=list(INTERNAL), errors="ignore"), on="seed", how="left")


def labels_in(run: Run, *, group: str = "") -> pd.DataFrame | None:
    """The labels of a batch's pictures, or of a study's group; None where there are none."""
    if not run.has("tables/labels.parquet"):
        return None
    labels = run.table("labels")
    return labels[labels["group"] == group].reset_index(drop=True)


def facts_of(run: Run, row: pd.Series, *, strategy: str) -> dict[str, object]:
    """What a picture's PNG says of itself: all that is needed to draw it again.

    The model is named without the way to its folder.
    """
    config = run.manifest.config
    facts = {
        "Software": "GammaFace",
        "seed": int(row["seed"]),
        "model": Path(config["model"]).name,
        "weights": next(iter(run.manifest.weights.values()), ""),
        "sampler": config.get("sampler", "ddim"),
        "steps": config["steps"],
        "strategy": strategy,
    }
    if row["component"] >= 0:
        facts |= {"component": int(row["component"]), "injection": config.get("injection", "")}
    if row["cell"]:
        facts["cell"] = row["cell"]
    return facts


def strategy_of(run: Run, group: str = "") -> str:
    """The strategy that drew a batch, or a study's group."""
    if run.manifest.kind == "study":
        return "component-uniform" if group == "balanced" else "plain"
    return run.manifest.config["strategy"]


def marked_png(run: Run, row: pd.Series, *, strategy: str) -> bytes:
    """A row's picture as a PNG with its facts as text.

    Raises
    ------
    GammaFaceError
        When the file is missing or damaged.
    """
    try:
        png = run.read_bytes(Path(row["file"]).relative_to(run.path).as_posix())
    except GammaFaceError as error:
        raise GammaFaceError(
            f"the picture of seed {row['seed']} is missing or damaged: {error.what}",
            fix="Draw the batch again.",
        ) from None
    return with_text(png, facts_of(run, row, strategy=strategy))


Part = tuple[str, Run, pd.DataFrame, str]
"""A folder's name, the run, its rows from `drawn_rows`, and the strategy that drew them."""


def as_csv(parts: Iterable[Part]) -> str:
    """All rows as CSV: the picture's file in the archive, then the columns of `drawn_rows`."""
    tables = [
        rows.drop(columns="file").assign(file=[_name(folder, s) for s in rows["seed"]], drawn=strategy)
        for folder, _, rows, strategy in parts
    ]
    table = pd.concat(tables, ignore_index=True)
    first = ["file", "drawn"]
    return table[[*first, *(c for c in table if c not in first)]].to_csv(index=False)


def check_size(parts: Iterable[Part]) -> None:
    """Refuse more pictures than a browser should be given in one download."""
    files = (file for _, _, rows, _ in parts for file in rows["file"])
    size = sum(file.stat().st_size for file in files if file.is_file())
    if size > MOST_BYTES:
        raise GammaFaceError(
            f"the pictures take {size / 2**20:,.0f} MB, {MOST_BYTES >> 20} are the most for one download",
            fix="Copy the run's folder instead.",
        )


def write_zip(parts: list[Part], out: IO[bytes]) -> None:
    """All pictures with their facts and the table, as a zip archive; one picture in memory at a time.

    Raises
    ------
    GammaFaceError
        As `check_size`, and for a missing or damaged picture.
    """
    check_size(parts)
    # PNGs are compressed already.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, png in _pictures(parts):
            archive.writestr(_entry(name), png)
        archive.writestr(_entry("pictures.csv"), as_csv(parts), compress_type=zipfile.ZIP_DEFLATED)


def _pictures(parts: list[Part]) -> Iterator[tuple[str, bytes]]:
    for folder, run, rows, strategy in parts:
        for _, row in rows.iterrows():
            yield _name(folder, row["seed"]), marked_png(run, row, strategy=strategy)


def _name(folder: str, seed: int) -> str:
    return f"{folder}/{int(seed):08d}.png"


def _entry(name: str) -> zipfile.ZipInfo:
    """One fixed date, so that the same run gives the same archive."""
    return zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0))
