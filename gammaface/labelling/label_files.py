"""Label files for pictures that lie elsewhere: a CSV of ours, of FairFace or of DeepFace."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gammaface.datasets.layouts import FAIRFACE_RACE, FAIRFACE_RANGES, NAME_COLUMNS
from gammaface.datasets.pictures import IMAGE_SUFFIXES
from gammaface.datasets.schema import typed, unknown_labels
from gammaface.errors import GammaFaceError
from gammaface.shares.people import CLASSES

FACE_NUMBER = re.compile(r"_face\d+$")  # FairFace's detector names face i of a picture so
DEEPFACE_GENDER = {"man": "male", "woman": "female", "male": "male", "female": "female"}
DEEPFACE_RACE = {
    "white": "white",
    "black": "black",
    "asian": "asian",
    "indian": "indian",
    "latino hispanic": "other",
    "middle eastern": "other",
}
NAMES = (*NAME_COLUMNS, "face_name_align", "img_path", "image_path")


@dataclass(frozen=True)
class LabelledFolder:
    """Pictures of a folder with what a file says of them.

    Attributes
    ----------
    frame : DataFrame
        ``source`` (the picture's path in the folder) and every attribute the file knows, as
        categoricals in our words; missing where a row says nothing.
    pictures : list of Path
        One per row.
    preset : str
        How the file was read.
    unlabelled : int
        Pictures of the folder that no row names.
    missing : int
        Rows whose picture is not in the folder.
    """

    frame: pd.DataFrame
    pictures: list[Path]
    preset: str
    unlabelled: int
    missing: int

    @property
    def attributes(self) -> list[str]:
        """Those that any row has."""
        return [name for name in CLASSES if self.frame[name].notna().any()]


def fairface_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The words of FairFace's label lists and of its published script's output."""
    decade = (
        table["age"]
        .astype(str)
        .map({word: i for i, word in enumerate(FAIRFACE_RANGES)} | {"70+": len(FAIRFACE_RANGES) - 1})
    )
    rows = pd.DataFrame(index=table.index)
    rows["gender"] = table["gender"].str.lower()
    rows["race"] = table["race"].map(FAIRFACE_RACE).fillna(table["race"])
    for name, limit in (("young40", 5), ("young60", 7)):
        rows[name] = decade.lt(limit).map({True: "young", False: "old"}).where(decade.notna())
    return rows


def deepface_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The words of DeepFace.analyze: ``dominant_gender, dominant_race, age`` (years)."""
    rows = pd.DataFrame(index=table.index)
    for name, words in (("gender", DEEPFACE_GENDER), ("race", DEEPFACE_RACE)):
        column = next((c for c in (f"dominant_{name}", name) if c in table), None)
        if column:
            said = table[column].str.strip().str.lower()
            rows[name] = said.map(words).fillna(table[column])
    if "age" in table:
        rows["age"] = table["age"]
    return rows


def own_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Columns named as ours, in our words; others are left aside."""
    return table[[c for c in table if c in CLASSES or c == "age"]].copy()


PRESETS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "fairface": fairface_rows,
    "deepface": deepface_rows,
    "own": own_rows,
}


def recognise(table: pd.DataFrame) -> str:
    """Which preset a table is written in.

    Examples
    --------
    >>> recognise(pd.DataFrame({"img_path": ["a"], "dominant_race": ["white"]}))
    'deepface'
    >>> recognise(pd.DataFrame({"file": ["a"], "race": ["East Asian"], "age": ["3-9"], "gender": ["Male"]}))
    'fairface'
    """
    if {"dominant_gender", "dominant_race"} & set(table.columns):
        return "deepface"
    if {"age", "gender", "race"} <= set(table.columns) and table["race"].isin(FAIRFACE_RACE).any():
        return "fairface"
    return "own"


def read_label_file(folder: Path, file: Path, *, preset: str | None = None) -> LabelledFolder:
    """Labels of a folder's pictures from a CSV.

    Parameters
    ----------
    folder : Path
        With the pictures, at any depth.
    file : Path
        A row per face; a column names the picture, by path, by file name or as FairFace's
        detector does (``NAME_face0``).
    preset : str, optional
        ``fairface``, ``deepface`` or ``own`` (our words); None recognises it.

    Raises
    ------
    GammaFaceError
        For a file that cannot be read, unknown words, a picture that comes twice, and when
        file and folder have no picture in common.
    """
    if preset is not None and preset not in PRESETS:
        raise GammaFaceError(f"there is no preset '{preset}'", fix=f"Choose from {', '.join(PRESETS)}.")
    if not Path(folder).is_dir():
        raise GammaFaceError("there is no such folder", where=folder, fix="Give the folder of pictures.")
    table = _read(file)
    column = next((c for c in NAMES if c in table), None)
    if column is None:
        raise GammaFaceError(
            f"no column names the pictures; there are {', '.join(map(str, table.columns))}",
            where=file,
            fix=f"Call it one of {', '.join(NAMES[:6])}.",
        )
    preset = preset or recognise(table)
    try:
        rows = PRESETS[preset](table)
    except (KeyError, AttributeError) as error:
        raise GammaFaceError(
            f"the CSV is not written as preset '{preset}': {error}", where=file, fix="Leave out the preset."
        ) from None
    wrong = unknown_labels(rows)
    if (wrong != "").any():
        first = wrong[wrong != ""].iloc[0]
        raise GammaFaceError(
            f"{int((wrong != '').sum())} rows have labels that are not known; the first: {first}",
            where=file,
            fix=f"Use our words, like gender={'/'.join(CLASSES['gender'])}, or give --preset.",
        )
    return _matched(Path(folder), rows.assign(source=table[column].astype(str)), file, preset)


def _read(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, dtype=str, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise GammaFaceError(f"the CSV cannot be read: {error}", where=file, fix="Repair it.") from None
    return table.rename(columns=lambda c: str(c).strip())


def _matched(folder: Path, rows: pd.DataFrame, file: Path, preset: str) -> LabelledFolder:
    pictures = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    places: dict[str, list[Path]] = {}
    for picture in pictures:
        names = {picture.relative_to(folder).as_posix(), picture.name, picture.stem}
        for name in names:
            places.setdefault(name, []).append(picture)
    found = [_find(name, places) for name in rows["source"]]
    known = pd.Series([place is not None for place in found], index=rows.index)
    chosen = [place for place in found if place is not None]
    if not chosen:
        raise GammaFaceError(
            f"none of {len(rows)} rows names one of the folder's {len(pictures)} pictures",
            where=file,
            fix="Give the folder that the CSV's names begin in.",
        )
    twice = pd.Series(chosen)[pd.Series(chosen).duplicated()]
    if len(twice):
        raise GammaFaceError(
            f"{len(twice)} rows name a picture again; the first: {twice.iloc[0].name}",
            where=file,
            fix="Keep one face a picture.",
        )
    kept = rows[known].copy()
    kept["source"] = [str(place.relative_to(folder)) for place in chosen]
    return LabelledFolder(typed(kept), chosen, preset, len(pictures) - len(chosen), int((~known).sum()))


def _find(name: str, places: dict[str, list[Path]]) -> Path | None:
    """The one picture that a row names; None where there is none, or several."""
    path = Path(name)
    # The CSV may have been written from another folder: the longest ending that fits counts.
    endings = ["/".join(path.parts[i:]) for i in range(len(path.parts))]
    for guess in (*endings, path.stem, FACE_NUMBER.sub("", path.stem)):
        if len(places.get(guess, ())) == 1:
            return places[guess][0]
    return None
