"""What lies in a person's folder of faces: its layout, who is in it, what is missing or broken.

Everything is read where it lies; nothing is copied.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from gammaface.datasets.pictures import IMAGE_SUFFIXES, UNREADABLE, decode_image, is_whole, open_picture
from gammaface.datasets.presets import PRESETS, grouping
from gammaface.datasets.readers import READERS, read_faces
from gammaface.datasets.schema import Faces, typed
from gammaface.errors import GammaFaceError
from gammaface.local_paths import count_files, local_path
from gammaface.shares.people import CLASSES, SMALL, shares

LAYOUTS = {
    "fairface": "FairFace: label lists beside picture folders",
    "ffhq": "FFHQ: pictures with one JSON of face features each",
    "celeba": "CelebA: aligned pictures and an attribute list",
    "utkface": "UTKFace: pictures named age_gender_race_date",
    "csv": "pictures and one CSV",
    "parquet": "a Parquet file with an image column",
    "pictures": "pictures without labels",
}
CHECKED = 5_000  # pictures that are read through without being asked
PREVIEW, SIDE = 12, 128  # pictures shown, and their side in pixels
UNLABELLED = "Label them: `python -m gammaface label FOLDER --out labels.csv`."
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FolderReport:
    """What was found.

    Attributes
    ----------
    path : Path
    kind : str
        A key of `LAYOUTS`.
    files : dict of str to int
        Files below the folder, by ending.
    labels : DataFrame
        One row per usable face, one column per attribute that any of them has.
    splits : dict of str to int
        Faces per split, where the set names any.
    problems : DataFrame
        ``source, problem, detail`` of every row that was left out.
    checked : bool
        Whether every picture was read to its end.
    sizes : tuple of str
        Width x height of the pictures shown.
    preview : tuple of (str, bytes)
        Source and PNG of a few faces, evenly spread.
    """

    path: Path
    kind: str
    files: dict[str, int]
    labels: pd.DataFrame
    splits: dict[str, int]
    problems: pd.DataFrame
    checked: bool
    sizes: tuple[str, ...]
    preview: tuple[tuple[str, bytes], ...]

    @property
    def n(self) -> int:
        return len(self.labels)

    @property
    def layout(self) -> str:
        return LAYOUTS[self.kind]

    def grouped(self, preset: str | None) -> pd.DataFrame:
        """The labels, in a preset's groups where one is named; columns nobody knows are left out."""
        if preset is None:
            return self.labels
        groups = grouping(self.labels.reindex(columns=list(CLASSES)), preset)
        known = groups.loc[:, groups.notna().any()]
        if not known.shape[1]:
            needed = ", ".join(PRESETS[preset].columns)
            raise GammaFaceError(
                f"the preset '{preset}' needs {needed}; nothing of it is labelled here",
                fix="Choose another preset, or none.",
            )
        return known


def report_folder(
    path: Path | str,
    *,
    kind: str | None = None,
    check: bool | None = None,
    progress: Progress | None = None,
) -> FolderReport:
    """Look at a labelled face set, or at bare pictures.

    Parameters
    ----------
    path : Path or str
        A folder, or a CSV or Parquet file, as :func:`gammaface.datasets.read_faces` takes it.
    kind : str, optional
        The layout; None recognises it.
    check : bool, optional
        Read every picture to its end; None: where there are at most `CHECKED`.
    progress : callable, optional
        ``progress(done, total)`` while pictures are read; may raise to stop.

    Raises
    ------
    GammaFaceError
        For a path that cannot be read, too many files, or a layout that is not known.
    """
    path = local_path(str(path))
    files = count_files(path)
    try:
        found, faces = _read(path, kind, files)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise GammaFaceError(
            f"the set cannot be read: {type(error).__name__}: {str(error)[:200]}",
            where=path,
            fix="Repair its list of labels, or name another layout.",
        ) from None
    faces = _inside(faces, path)
    checked = check if check is not None else len(faces) <= CHECKED
    if checked:
        faces = _whole(faces, progress)
    preview, sizes = _preview(faces)
    frame = faces.frame
    return FolderReport(
        path=path,
        kind=found,
        files=files,
        labels=frame[[name for name in CLASSES if frame[name].notna().any()]],
        splits={str(k): int(v) for k, v in frame["split"].value_counts().items()},
        problems=faces.problems,
        checked=checked,
        sizes=sizes,
        preview=preview,
    )


def class_counts(labels: pd.DataFrame) -> pd.DataFrame:
    """Faces per class of every attribute: ``attribute, value, count, n, share, even, small``."""
    if not labels.shape[1]:
        return pd.DataFrame(columns=["attribute", "value", "count", "n", "share", "even", "small"])
    table = shares(labels, list(labels.columns))
    table["small"] = table["count"] < SMALL
    return table[["attribute", "value", "count", "n", "share", "even", "small"]]


def cell_counts(labels: pd.DataFrame, attributes: list[str]) -> pd.DataFrame:
    """Faces per joint cell of some attributes, empty cells included.

    Returns
    -------
    DataFrame
        One column per attribute, ``count``, ``share`` of the faces with all of them known,
        ``small`` (fewer than `SMALL`).

    Examples
    --------
    >>> faces = pd.DataFrame({a: pd.Categorical(["x", "y", "y"]) for a in ("p", "q")})
    >>> cell_counts(faces, ["p", "q"])["count"].tolist()
    [1, 0, 0, 2]
    """
    known = labels[attributes].dropna()
    counts = known.groupby(attributes, observed=False).size().rename("count").reset_index()
    counts["share"] = counts["count"] / max(len(known), 1)
    counts["small"] = counts["count"] < SMALL
    return counts


def in_words(report: FolderReport, labels: pd.DataFrame) -> list[str]:
    """What to know before using the set: what is missing, broken, unlabelled or scarce."""
    said = []
    counts = report.problems["problem"].value_counts()
    if len(counts):
        parts = ", ".join(f"{n:,} {name}" for name, n in counts.items())
        said.append(
            f"{len(report.problems):,} of {report.n + len(report.problems):,} rows are left out: {parts}."
        )
    if not report.checked:
        said.append("Not every picture has been read to its end yet: broken ones may be among them.")
    if not labels.shape[1]:
        return [*said, f"No attribute is labelled here. {UNLABELLED}"]
    for name in labels:
        missing = int(labels[name].isna().sum())
        if missing:
            said.append(f"{missing:,} of {report.n:,} faces have no {name}.")
    for name, part in class_counts(labels).groupby("attribute", sort=False):
        for row in part[part["small"]].itertuples():
            many = "no face" if not row.count else f"only {row.count} faces"
            said.append(f"{name} = {row.value}: {many}; under {SMALL}, shares and recalls say little.")
    return said


def _read(path: Path, kind: str | None, files: dict[str, int]) -> tuple[str, Faces]:
    """The layout and the faces; a folder of pictures that no reader knows is taken as that."""
    bare = path.is_dir() and any(files.get(suffix) for suffix in IMAGE_SUFFIXES)
    for name in [kind] if kind else [n for n in READERS if _fits(n, path)]:
        return name, read_faces(path, kind=name, check_pictures=False)
    if not bare:
        raise GammaFaceError(
            "no layout of a face set is recognised here",
            where=path,
            fix=f"Give a folder in one of these layouts: {'; '.join(LAYOUTS.values())}.",
        )
    pictures = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    rows = pd.DataFrame({"source": [str(p.relative_to(path)) for p in pictures]})
    return "pictures", Faces(typed(rows), pictures, pd.DataFrame(columns=["source", "problem", "detail"]))


def _fits(kind: str, path: Path) -> bool:
    """Whether a reader's files lie here, the surest signs first in the order of `READERS`."""
    signs = {
        "fairface": "fairface_label_*.csv",
        "ffhq": "**/[0-9][0-9][0-9][0-9][0-9].json",
        "celeba": "list_attr_celeba.*",
        "utkface": "**/[0-9]*_[01]_[0-4]_*.jpg",
        "csv": "*.csv",
    }
    if path.is_file():
        return path.suffix.lower() == {"csv": ".csv", "parquet": ".parquet"}.get(kind)
    return kind in signs and next(path.glob(signs[kind]), None) is not None


def _inside(faces: Faces, path: Path) -> Faces:
    """Leave out pictures that a list looks for outside of the folder."""
    root = os.path.abspath(path if path.is_dir() else path.parent) + os.sep
    inside = np.array(
        [isinstance(p, bytes) or os.path.abspath(p).startswith(root) for p in faces.pictures], dtype=bool
    )
    return _without(faces, ~inside, "outside the folder", "its list leads elsewhere on the disk")


def _whole(faces: Faces, progress: Progress | None) -> Faces:
    broken = np.zeros(len(faces), dtype=bool)
    for row in range(len(faces)):
        try:
            broken[row] = not is_whole(faces.encoded(row))
        except OSError:
            broken[row] = True
        if progress:
            progress(row + 1, len(faces))
    return _without(faces, broken, "unreadable image", "broken or half-written")


def _without(faces: Faces, bad: np.ndarray, problem: str, detail: str) -> Faces:
    if not bad.any():
        return faces
    rows = pd.DataFrame({"source": faces.frame.loc[bad, "source"], "problem": problem, "detail": detail})
    kept = faces.select(~bad)
    return Faces(kept.frame, kept.pictures, pd.concat([faces.problems, rows], ignore_index=True))


def _preview(faces: Faces) -> tuple[tuple[tuple[str, bytes], ...], tuple[str, ...]]:
    """Small pictures of a few faces, and the sizes they have on disk."""
    shown, sizes = [], []
    for row in np.unique(np.linspace(0, len(faces) - 1, PREVIEW).astype(int)) if len(faces) else []:
        source = str(faces.frame["source"].iloc[row])
        try:
            data = faces.encoded(int(row))
            with open_picture(data) as image:
                sizes.append(f"{image.width} x {image.height}")
            small = Image.fromarray(decode_image(data, name=source, resolution=SIDE))
        except (GammaFaceError, *UNREADABLE):
            continue  # counted once the pictures are checked
        buffer = io.BytesIO()
        small.save(buffer, "PNG")
        shown.append((source, buffer.getvalue()))
    return tuple(shown), tuple(dict.fromkeys(sizes))
