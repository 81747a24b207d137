"""Labels, predictions, groups and scores, checked once and turned into integer codes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.metrics.measure import join_notes

MISSING = "{name} has {count} missing values"
LENGTHS = "{name} has {got} rows where y has {expected}"
EMPTY = "{name} is empty"
KINDS = "y and p hold different kinds of labels: {y} beside {p}"
OUTSIDE = "scores must lie in [0, 1]; they run from {low:.6g} to {high:.6g}"
TRUTHS = ("False", "True")  # what a table calls the classes 0 and 1 where they are truths
COLUMNS = "scores need one column per class ({classes}); they have the shape {shape}"


@dataclass(frozen=True)
class Coded:
    """Integer codes of one test set.

    ``y``, ``p`` and ``g`` index ``classes``, ``classes`` and ``groups``; ``empty`` names
    the groups that were declared but have no row.
    """

    y: np.ndarray
    p: np.ndarray
    g: np.ndarray
    classes: tuple
    groups: tuple[str, ...]
    empty: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.groups), len(self.classes), len(self.classes)

    def cells(self) -> np.ndarray:
        """One code per row for (group, true class, predicted class)."""
        return np.ravel_multi_index((self.g, self.y, self.p), self.shape)

    def counts(self) -> np.ndarray:
        """Contingency table (group, true class, predicted class)."""
        return np.bincount(self.cells(), minlength=np.prod(self.shape)).reshape(self.shape)

    def skipped(self) -> str:
        """Words for what no group-wise figure can use: empty groups and cells."""
        labels = self.counts().sum(-1)
        lacking = int((labels == 0).sum())
        return join_notes(
            f"empty groups skipped: {', '.join(self.empty)}" if self.empty else "",
            f"{lacking} of {labels.size} group-class cells have no samples and were skipped"
            if lacking
            else "",
            "only one group" if len(self.groups) < 2 else "",
        )


def encode(y, p, groups) -> Coded:
    """Check and code labels, predictions and groups (an array, or a frame of attributes)."""
    y = _vector("y", y)
    p = _vector("p", p, n=len(y))
    if pd.api.types.is_numeric_dtype(y.dtype) != pd.api.types.is_numeric_dtype(p.dtype):
        raise GammaFaceError(KINDS.format(y=repr(y[0]), p=repr(p[0])), fix="Write both in the same way.")
    codes, classes = pd.factorize(np.concatenate([y, p]), sort=True)
    if set(classes) <= {0, 1}:  # a single-class test of a 0/1 target still has two classes
        codes, classes = classes.astype(int)[codes], np.array([0, 1])
    g, names, empty = encode_groups(groups, n=len(y))
    return Coded(codes[: len(y)], codes[len(y) :], g, tuple(classes.tolist()), names, empty)


def encode_groups(groups, *, n: int) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Group code per row, names of the groups with rows, names of those without."""
    if isinstance(groups, pd.DataFrame):
        if groups.shape[1] == 0:
            raise GammaFaceError("groups has no columns", fix="Give at least one protected attribute.")
        parts = {str(name): _levels(str(name), groups[name], n=n) for name in groups}
        levels = [[f"{k}={v}" for v in names] for k, (_, names) in parts.items()]
        names = [", ".join(cell) for cell in itertools.product(*levels)]
        codes = np.ravel_multi_index([codes for codes, _ in parts.values()], [len(part) for part in levels])
    else:
        codes, names = _levels("groups", groups, n=n)
    present = np.bincount(codes, minlength=len(names)) > 0
    renumbered = (np.cumsum(present) - 1)[codes]
    kept = tuple(name for name, here in zip(names, present, strict=True) if here)
    empty = tuple(name for name, here in zip(names, present, strict=True) if not here)
    return renumbered, kept, empty


def own_scores(scores, coded: Coded) -> np.ndarray:
    """Per row, the score of the true class's own column; NaN is let through.

    One column is the score of either class of a two-class target. Several columns go by
    name in a frame; in an array by label where the labels are 0..K-1, else by sorted order.
    """
    if isinstance(scores, pd.DataFrame):
        frame = scores.set_axis([str(c) for c in scores.columns], axis=1)
        if coded.classes == (0, 1) and set(TRUTHS) <= set(frame):
            frame = frame.rename(columns=dict(zip(TRUTHS, "01", strict=True)))
        lacking = [str(c) for c in coded.classes if str(c) not in frame]
        if lacking:
            raise GammaFaceError(
                f"scores have no column for class {', '.join(lacking)}",
                fix="Name the columns after the classes.",
            )
        values = frame[[str(c) for c in coded.classes]].to_numpy(dtype=float)
    else:
        values = np.asarray(scores, dtype=float)
    if len(values) != len(coded.y):
        raise GammaFaceError(
            LENGTHS.format(name="scores", got=len(values), expected=len(coded.y)),
            fix="Give one score per row.",
        )
    low, high = (np.nanmin(values), np.nanmax(values)) if not np.isnan(values).all() else (0, 0)
    if low < 0 or high > 1:
        raise GammaFaceError(OUTSIDE.format(low=low, high=high), fix="Give probabilities, not logits.")
    if values.ndim == 1 and len(coded.classes) <= 2:
        return values
    if values.ndim == 2 and _integers_below(coded.classes, values.shape[1]):
        return values[np.arange(len(values)), np.asarray(coded.classes)[coded.y]]
    if values.ndim == 2 and values.shape[1] == len(coded.classes):
        return values[np.arange(len(values)), coded.y]
    raise GammaFaceError(
        COLUMNS.format(classes=", ".join(map(str, coded.classes)), shape=values.shape),
        fix="Give an array (n, classes), or a frame whose columns are named after the classes.",
    )


def _integers_below(classes: tuple, columns: int) -> bool:
    return all(isinstance(c, int) and 0 <= c < columns for c in classes)


def _vector(name: str, values, *, n: int | None = None) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1:
        raise GammaFaceError(
            f"{name} must have one dimension; it has the shape {array.shape}",
            fix="Give one label per row.",
        )
    if len(array) == 0:
        raise GammaFaceError(EMPTY.format(name=name), fix="Give at least one row.")
    if n is not None and len(array) != n:
        raise GammaFaceError(
            LENGTHS.format(name=name, got=len(array), expected=n), fix="Give one label per row."
        )
    missing = int(pd.isna(array).sum())
    if missing:
        raise GammaFaceError(MISSING.format(name=name, count=missing), fix="Fill or drop these rows.")
    return array


def _levels(name: str, values, *, n: int) -> tuple[np.ndarray, list[str]]:
    vector = _vector(name, values, n=n)
    if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
        categorical = pd.Categorical(values)
        return categorical.codes.astype(int), [str(c) for c in categorical.categories]
    codes, levels = pd.factorize(vector, sort=True)
    return codes, [str(level) for level in levels]
