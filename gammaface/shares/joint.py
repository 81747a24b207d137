"""Joint cells of perceived attributes, from label tables: the groups that a target names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.shares.people import CLASSES, wilson

# The paper's grouping of race.
WHITE_BLACK_OTHER = {
    "white": "white",
    "black": "black",
    "asian": "other",
    "indian": "other",
    "other": "other",
}
TARGETS: dict[str, tuple[str, ...]] = {
    "gender": CLASSES["gender"],
    "race3": tuple(dict.fromkeys(WHITE_BLACK_OTHER.values())),
    **{name: words for name, words in CLASSES.items() if name != "gender"},
}
"""Attributes that a target may be made of, and their classes."""


def column_of(labels: pd.DataFrame, attribute: str) -> pd.Series:
    """An attribute of a label table in words; ``race3`` is read from ``race``.

    Raises
    ------
    GammaFaceError
        When the table does not have it.
    """
    source = "race" if attribute == "race3" else attribute
    if source not in labels:
        raise GammaFaceError(f"the labels do not name '{attribute}'", fix="Label the pictures again.")
    words = labels[source].astype(object)
    return words.map(WHITE_BLACK_OTHER) if attribute == "race3" else words


def cells_in(labels: pd.DataFrame, attributes: Sequence[str]) -> pd.Series:
    """The joint cell of each face in words, as :class:`gammaface.strategies.Target` names it.

    Examples
    --------
    >>> faces = pd.DataFrame({"gender": ["male"], "race": ["indian"]})
    >>> cells_in(faces, ["gender", "race3"]).tolist()
    ['male, other']
    """
    columns = [column_of(labels, name) for name in attributes]
    rows = zip(*columns, strict=True)
    cells = [None if any(pd.isna(value) for value in row) else ", ".join(map(str, row)) for row in rows]
    return pd.Series(cells, index=labels.index, dtype=object)


def cell_shares(labels: pd.DataFrame, attributes: Sequence[str], target: Mapping[str, float]) -> pd.DataFrame:
    """Share of every cell of a target among the faces.

    Returns
    -------
    DataFrame
        ``value`` (the cell), ``n, count, share, low, high`` (95%, Wilson), ``target``.
    """
    found = cells_in(labels, attributes)
    n = int(found.notna().sum())
    counts = np.array([int((found == cell).sum()) for cell in target])
    low, high = wilson(counts, n)
    share = counts / n if n else np.full(len(counts), np.nan)
    return pd.DataFrame(
        {
            "value": list(target),
            "n": n,
            "count": counts,
            "share": share,
            "low": low,
            "high": high,
            "target": list(target.values()),
        }
    )
