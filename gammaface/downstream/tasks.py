"""Targets and protected attributes, as the paper pairs them, for every data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gammaface.datasets import PRESETS, grouping
from gammaface.downstream.terms import PER_CLASS, TASKS, task_words
from gammaface.errors import GammaFaceError


@dataclass(frozen=True)
class Task:
    """What to predict, for whom it should work alike, and on which set."""

    data: str
    target: str
    protected: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.data}:{self.target}"

    def seen_by(self, protected: Sequence[str] | None) -> Task:
        """The task with some of its protected attributes only; None keeps all.

        Raises
        ------
        GammaFaceError
            For an attribute that the task does not protect.
        """
        if protected is None:
            return self
        if not protected or set(protected) - set(self.protected):
            raise GammaFaceError(
                f"{self.name} does not protect '{', '.join(protected)}'",
                fix=f"Choose from {', '.join(self.protected)}.",
            )
        return replace(self, protected=tuple(name for name in self.protected if name in protected))

    def __str__(self) -> str:
        return task_words(self.data, self.target, "+".join(self.protected))

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

    @property
    def attributes(self) -> tuple[str, ...]:
        """What a labeller calls the target and the protected attributes, in the order of the alphabet."""
        return tuple(sorted(self._of_labeller(name) for name in (self.target, *self.protected)))

    def probability(self) -> str:
        """The column of a labelled set that says how sure the target's label is.

        Raises
        ------
        GammaFaceError
            Where labels are grouped into the target's classes: a label of five races is less sure
            than the same one of three, and not of all races alike.
        """
        column = self._of_labeller(self.target)
        if column != PRESETS[self.data].columns[self.target]:
            raise GammaFaceError(
                f"{self.name} groups the labels it is given; nobody knows how sure a group is",
                fix="Leave the confidence filter out for this task.",
            )
        return f"{column}_p"

    def _of_labeller(self, name: str) -> str:
        column = PRESETS[self.data].columns[name]
        return column if isinstance(column, str) else column.__name__


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
