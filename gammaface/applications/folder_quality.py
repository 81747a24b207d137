"""Distances of a folder's faces to real ones, in a classifier's features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.applications.cells import Report, joined
from gammaface.datasets.pictures import IMAGE_SUFFIXES, decode_image
from gammaface.errors import GammaFaceError
from gammaface.labelling.label_files import LabelledFolder, read_label_file
from gammaface.metrics import precision_recall, quality_by_group
from gammaface.metrics.quality import thin

BATCH = 256
MOST = 2000  # faces of a side for precision and recall
EVERYONE = "all"


def quality_table(
    found: LabelledFolder,
    reference: Path,
    reference_labels: Path | str | None,
    *,
    by: tuple[str, ...],
    extractor,
    report: Report,
) -> pd.DataFrame:
    """Kernel and Fréchet distances, precision and recall against a reference folder.

    Returns
    -------
    DataFrame
        ``kind, group, value, low, high, n, note``; by group where the reference is labelled,
        otherwise of all faces together.

    Raises
    ------
    GammaFaceError
        Without an extractor that has features, or pictures that cannot be read.
    """
    if not hasattr(extractor, "features"):
        raise GammaFaceError(
            "a comparison with a reference needs a classifier with features",
            fix="Take the bundled one, `--extractor attributes`.",
        )
    if reference_labels:
        other = read_label_file(reference, Path(reference_labels))
        pictures, groups = other.pictures, _groups(other.frame, by)
        own_groups = _groups(found.frame, by)
    else:
        pictures = sorted(p for p in reference.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
        if len(pictures) < 2:
            raise GammaFaceError(
                "the reference has no pictures", where=reference, fix="Give a folder of some."
            )
        groups, own_groups = np.full(len(pictures), EVERYONE), np.full(len(found.pictures), EVERYONE)
    own = read_features(found.pictures, extractor, stage="features", report=report)
    real = read_features(pictures, extractor, stage="reference", report=report)
    tables = [
        quality_by_group(own, own_groups, real, groups, kind=kind).assign(kind=kind)
        for kind in ("kernel", "frechet")
    ]
    table = pd.concat(tables, ignore_index=True)
    if not reference_labels:
        table = table[table["group"] == EVERYONE]
    rng, n = np.random.default_rng(0), min(len(own), len(real), MOST)
    both = precision_recall(thin(own, n, rng), thin(real, n, rng))
    rows = [
        {
            "kind": kind,
            "group": EVERYONE,
            "value": float(v),
            "low": np.nan,
            "high": np.nan,
            "n": n,
            "note": v.note,
        }
        for kind, v in zip(("precision", "recall"), both, strict=True)
    ]
    table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
    return table[["kind", "group", "value", "low", "high", "n", "note"]]


def _groups(frame: pd.DataFrame, by: tuple[str, ...]) -> np.ndarray:
    if any(frame[name].isna().all() for name in by):
        raise GammaFaceError(
            f"{', '.join(by)} are not labelled on both sides", fix="Give --by with attributes that are."
        )
    return np.asarray(joined(frame, by).astype(object))


def read_features(pictures: list[Path], extractor, *, stage: str, report: Report) -> np.ndarray:
    """Features (n, d) of pictures at the extractor's resolution."""
    parts = []
    for start in range(0, len(pictures), BATCH):
        report(stage, start, len(pictures))
        chunk = pictures[start : start + BATCH]
        pixels = [decode_image(p.read_bytes(), name=str(p), resolution=extractor.resolution) for p in chunk]
        images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1
        parts.append(extractor.features(images))
    report(stage, len(pictures), len(pictures))
    return np.concatenate(parts)
