"""One function per published layout: files in, rows of words out.

Each returns ``source``, ``picture`` (a path, bytes, or None when it is missing) and what
the set knows; `readers` checks the words and the pictures.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.datasets.pictures import IMAGE_SUFFIXES, read_image_table
from gammaface.datasets.schema import COLUMNS
from gammaface.errors import GammaFaceError

UTK_NAME = re.compile(r"(\d+)_([^_]*)_([^_]*)_(\d{8,})")
UTK_GENDER = {"0": "male", "1": "female"}
UTK_RACE = dict(enumerate(("white", "black", "asian", "indian", "other")))
FAIRFACE_RACE = {
    "White": "white",
    "Black": "black",
    "East Asian": "asian",
    "Southeast Asian": "asian",
    "Indian": "indian",
    "Latino_Hispanic": "other",  # UTKFace's "other" is Latino and Middle Eastern too
    "Middle Eastern": "other",
}
FAIRFACE_RANGES = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70")
CELEBA_SPLITS = {"0": "train", "1": "valid", "2": "test"}
CELEBA_WORDS = {
    "Male": ("gender", ("female", "male")),
    "Young": ("young", ("old", "young")),
    "Smiling": ("smile", ("not smiling", "smiling")),
    "Eyeglasses": ("glasses", ("no glasses", "glasses")),
}
NAME_COLUMNS = ("source", "file", "image", "path", "filename", "image_id", "name")


def fairface(path: Path) -> pd.DataFrame:
    """``fairface_label_train.csv`` and ``_val.csv`` beside their picture folders.

    Its ages are ranges: they give young40 and young60, and no age in years.
    """
    tables = []
    for file in sorted(path.glob("fairface_label_*.csv")):
        table = _read_table(file, needs=("file", "age", "gender", "race"))
        table["split"] = file.stem.removeprefix("fairface_label_")
        tables.append(table)
    if not tables:
        raise GammaFaceError("there is no fairface_label_*.csv", where=path, fix="Give FairFace's folder.")
    table = pd.concat(tables, ignore_index=True)
    decade = table["age"].map({word: i for i, word in enumerate(FAIRFACE_RANGES)})
    known = decade.notna()
    rows = pd.DataFrame(
        {
            "source": table["file"],
            "picture": [_existing(path / name) for name in table["file"]],
            "gender": table["gender"].str.lower(),
            "race": table["race"].map(FAIRFACE_RACE).fillna(table["race"]),
            "young40": np.where(decade < 5, "young", "old"),
            "young60": np.where(decade < 7, "young", "old"),
            "split": table["split"],
        }
    )
    rows.loc[~known, "wrong"] = "age=" + table["age"].astype(str)
    return rows


def ffhq(path: Path) -> pd.DataFrame:
    """FFHQ pictures or thumbnails with one JSON of face features each.

    Smile is a score over .5; hair is the surest colour; the first face of a picture counts.
    """
    pictures = {p.stem: str(p) for p in _pictures(path)}
    rows = []
    for file in sorted(path.rglob("*.json")):
        if not file.stem.isdigit():
            continue
        row = {"source": file.stem, "picture": pictures.get(file.stem)}
        try:
            features = json.loads(file.read_text())[0]["faceAttributes"]
            row |= _ffhq_labels(features)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            row["wrong"] = f"{file.name} has no readable face: {type(error).__name__}"
        rows.append(row)
    return pd.DataFrame(rows)


def _ffhq_labels(features: dict) -> dict:
    hair = features.get("hair") or {}
    colours = sorted(hair.get("hairColor") or [], key=lambda c: c["confidence"])
    if colours:
        colour = colours[-1]["color"].lower()
        word = {"black": "black", "brown": "brown/blond", "blond": "brown/blond"}.get(colour, "other")
    else:
        word = "other" if hair.get("bald", 0) >= 0.5 else None
    return {
        "gender": features["gender"].lower(),
        "age": float(features["age"]),
        "smile": "smiling" if float(features["smile"]) > 0.5 else "not smiling",
        "glasses": "no glasses" if features["glasses"] == "NoGlasses" else "glasses",
        "hair": None if hair.get("invisible") else word,
    }


def celeba(path: Path) -> pd.DataFrame:
    """``img_align_celeba`` with its attribute, partition and identity lists."""
    table = _celeba_list(path, "list_attr_celeba")
    if table is None:
        raise GammaFaceError("there is no list_attr_celeba", where=path, fix="Give CelebA's folder.")
    missing = [c for c in (*CELEBA_WORDS, "Black_Hair", "Bald") if c not in table]
    if missing:
        raise GammaFaceError(f"the attribute list has no {missing[0]}", where=path, fix="Download it again.")
    rows = celeba_words(_flags(table.set_index(table.columns[0]), path))
    rows.insert(0, "source", rows.index)
    folder = path / "img_align_celeba"
    rows["picture"] = [
        _existing(folder / n) or _existing(folder / "img_align_celeba" / n) for n in rows["source"]
    ]
    partition, identity = (_celeba_list(path, n) for n in ("list_eval_partition", "identity_CelebA"))
    if partition is not None:
        rows["split"] = _lookup(partition, rows["source"]).map(CELEBA_SPLITS)
    if identity is not None:
        rows["identity"] = _lookup(identity, rows["source"])
    return rows


def _celeba_list(path: Path, stem: str) -> pd.DataFrame | None:
    """One of CelebA's lists as text, from the published .txt or the common .csv."""
    if (path / f"{stem}.csv").is_file():
        return _read_table(path / f"{stem}.csv", needs=())
    file = path / f"{stem}.txt"
    if not file.is_file():
        return None
    lines = [line.split() for line in file.read_text().splitlines() if line.strip()]
    if len(lines) > 2 and len(lines[0]) == 1:  # a count, then the names of the attributes
        return pd.DataFrame(
            [line for line in lines[2:] if len(line) == len(lines[1]) + 1], columns=["image_id", *lines[1]]
        )
    return pd.DataFrame([line for line in lines if len(line) == 2], columns=["image_id", "value"])


def _flags(table: pd.DataFrame, where: Path) -> pd.DataFrame:
    """Columns of -1, 0, 1, true and false as booleans."""
    numbers = table.apply(pd.to_numeric, errors="coerce")
    wrong = numbers.columns[numbers.isna().any()]
    if len(wrong):
        raise GammaFaceError(
            f"the column {wrong[0]} holds something else than -1, 0 and 1",
            where=where,
            fix="Download the attribute list again.",
        )
    return numbers > 0


def _lookup(table: pd.DataFrame, names: pd.Series) -> pd.Series:
    return names.map(table.drop_duplicates(table.columns[0]).set_index(table.columns[0]).iloc[:, 0])


def celeba_words(flags: pd.DataFrame) -> pd.DataFrame:
    """CelebA's boolean attributes as words.

    Hair: exactly one of black, brown or blond, grey or bald; a face with none of them, or
    with several, has no hair label.
    """
    rows = pd.DataFrame(index=flags.index)
    for flag, (name, words) in CELEBA_WORDS.items():
        if flag in flags:
            rows[name] = np.where(flags[flag], words[1], words[0])
    colours = {
        "black": ("Black_Hair",),
        "brown/blond": ("Brown_Hair", "Blond_Hair"),
        "other": ("Gray_Hair", "Bald"),
    }
    chosen = pd.DataFrame(
        {word: flags[[n for n in names if n in flags]].any(axis=1) for word, names in colours.items()}
    )
    rows["hair"] = chosen.idxmax(axis=1).where(chosen.sum(axis=1) == 1, None)
    return rows


def utkface(path: Path) -> pd.DataFrame:
    """Pictures named ``age_gender_race_date``; a name without all of them has no labels."""
    rows = []
    for file in _pictures(path):
        match = UTK_NAME.match(file.name)
        row = {"source": str(file.relative_to(path)), "picture": str(file)}
        if match and match[2] in UTK_GENDER and match[3] in map(str, UTK_RACE):
            row |= {"age": int(match[1]), "gender": UTK_GENDER[match[2]], "race": UTK_RACE[int(match[3])]}
        else:
            row["wrong"] = f"the name {file.name} is not age_gender_race_date"
        rows.append(row)
    return pd.DataFrame(rows)


def folder_csv(path: Path) -> pd.DataFrame:
    """Pictures and one CSV whose columns are named as in the schema, in its words."""
    files = [path] if path.is_file() else sorted(path.glob("*.csv"))
    if len(files) != 1:
        raise GammaFaceError(f"{len(files)} CSV files lie here", where=path, fix="Give the CSV itself.")
    table = _read_table(files[0], needs=())
    name = next((c for c in NAME_COLUMNS if c in table), None)
    if name is None:
        raise GammaFaceError(
            f"no column names the pictures; there are {', '.join(table.columns)}",
            where=files[0],
            fix=f"Call it one of {', '.join(NAME_COLUMNS)}.",
        )
    rows = table[[c for c in table if c in COLUMNS and c != "source"]].copy()
    rows["source"] = table[name]
    rows["picture"] = [_existing(files[0].parent / str(n)) for n in table[name]]
    return rows


def parquet(path: Path) -> pd.DataFrame:
    """An ``image`` column of structs {bytes, path} with the schema's or CelebA's columns."""
    frame = read_image_table(path)
    flags = frame[[c for c in frame if c in CELEBA_WORDS or c.endswith("_Hair") or c == "Bald"]]
    rows = celeba_words(_flags(flags, path)) if "Male" in flags else pd.DataFrame(index=frame.index)
    rows = rows.join(frame[[c for c in frame if c in COLUMNS and c not in rows and c != "source"]])
    cells = [cell if isinstance(cell, dict) else {} for cell in frame["image"]]
    rows["source"] = [f"{path.name} row {i}" for i in range(len(cells))]
    rows["picture"] = [
        cell["bytes"]
        if isinstance(cell.get("bytes"), bytes)
        else _existing(path.parent / cell["path"])
        if cell.get("path") and isinstance(cell["path"], str)
        else None
        for cell in cells
    ]
    return rows


def _pictures(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)


def _existing(file: Path) -> str | None:
    return str(file) if os.path.isfile(file) else None  # also of a name that no system takes


def _read_table(file: Path, *, needs: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, dtype=str, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise GammaFaceError(f"the CSV cannot be read: {error}", where=file, fix="Repair it.") from None
    missing = [name for name in needs if name not in table]
    if missing:
        raise GammaFaceError(
            f"the CSV has no column {missing[0]!r}", where=file, fix=f"It needs {', '.join(needs)}."
        )
    return table
