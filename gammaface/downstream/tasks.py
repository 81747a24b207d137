"""Targets and protected attributes, as the paper pairs them, for every data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gammaface.datasets import PRESETS, grouping
from gammaface.errors import GammaFaceError

# Originals a class, by number of classes (GAMMA-FACE, sec. 4.2).
PER_CLASS = {2: 5000, 3: 7000}
_LOOKS = {target: ("age", "gender") for target in ("smile", "glasses", "hair")}
_PEOPLE = {"gender": ("age", "race"), "race": ("age", "gender"), "age": ("race", "gender")}
TASKS: dict[str, dict[str, tuple[str, ...]]] = {
    "celeba": _LOOKS,
    "ffhq": _LOOKS,
    "utkface": _PEOPLE,
    "fairface": _PEOPLE,
}
SET_NAMES = {"celeba": "CelebA", "ffhq": "FFHQ", "utkface": "UTKFace", "fairface": "FairFace"}


@dataclass(frozen=True)
class Task:
    """What to predict, for whom it should work alike, and on which set."""

    data: str
    target: str
    protected: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.data}:{self.target}"

    def __str__(self) -> str:
        return f"{self.target} | {', '.join(self.protected)} ({SET_NAMES[self.data]})"

    def labels(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The target's and the protected attributes' columns, in words.

        Raises
        ------
        GammaFaceError
            When the frame lacks a column that the task needs.
        """
        try:
            columns = grouping(frame, self.data)
        except KeyError as error:
            raise GammaFaceError(
                f"the labels have no column {error} for the task {self.name}",
                fix="Label the pictures with `python -m gammaface label`.",
            ) from None
        return columns[[self.target, *self.protected]]

    def probability(self) -> str:
        """The column of a labelled set that says how sure the target's label is."""
        column = PRESETS[self.data].columns[self.target]
        return f"{column if isinstance(column, str) else self.target}_p"


def get_task(data: str, target: str) -> Task:
    """The task of this name.

    Raises
    ------
    GammaFaceError
        For an unknown set or target.

    Examples
    --------
    >>> str(get_task("utkface", "race"))
    'race | age, gender (UTKFace)'
    """
    targets = get_all(data)
    if target not in targets:
        raise GammaFaceError(
            f"there is no task '{target}' on {data}", fix=f"Choose from {', '.join(targets)}."
        )
    return Task(data, target, targets[target])


def parse_tasks(texts: list[str], data: list[str]) -> list[Task]:
    """``SET:TARGET``, or a target on every given set that has it; nothing means all.

    Examples
    --------
    >>> [task.name for task in parse_tasks(["gender", "celeba:hair"], ["celeba", "utkface"])]
    ['utkface:gender', 'celeba:hair']
    """
    if not texts:
        return [get_task(name, target) for name in data for target in get_all(name)]
    found: list[Task] = []
    for text in texts:
        name, colon, target = text.rpartition(":")
        if colon and name not in data:
            raise GammaFaceError(f"the task '{text}' has no data", fix=f"Give --data {name}=PATH.")
        on = [name] if colon else [n for n in data if target in get_all(n)]
        if not on:
            known = ", ".join(sorted({t for n in data for t in get_all(n)}))
            raise GammaFaceError(f"there is no task '{text}' on the data given", fix=f"Choose from {known}.")
        found += [get_task(n, target) for n in on]
    return list(dict.fromkeys(found))


def get_all(data: str) -> dict[str, tuple[str, ...]]:
    """Targets of a set and their protected attributes."""
    if data not in TASKS:
        raise GammaFaceError(
            f"there are no tasks on '{data}'", fix=f"Name the data one of {', '.join(TASKS)}."
        )
    return TASKS[data]


def class_size(counts: np.ndarray, words: tuple[str, ...], target: str, *, limit: int | None = None) -> int:
    """Originals a class: the paper's number, or what the smallest class has.

    Raises
    ------
    GammaFaceError
        For an empty class.
    """
    if (counts == 0).any():
        word = words[int(counts.argmin())]
        raise GammaFaceError(
            f"class '{word}' of {target} has no training face", fix="Give data with every class."
        )
    return int(min(limit or PER_CLASS.get(len(counts), max(PER_CLASS.values())), counts.min()))
