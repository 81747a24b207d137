"""Joint cells of labelled faces."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from gammaface.audit.terms import attribute_words

JOINED = " × "
Report = Callable[[str, int, int], None]
"""report(stage, done, total): called often, may raise to cancel."""


def words_for(attributes: str) -> str:
    """One attribute, or several joined, as people read them.

    Examples
    --------
    >>> words_for("gender × race")
    'perceived gender × perceived race'
    """
    return JOINED.join(attribute_words(name) for name in attributes.split(JOINED))


def joined(frame: pd.DataFrame, attributes: tuple[str, ...]) -> pd.Categorical:
    """Joint cells in words, the last attribute changing fastest; missing where a part is.

    Examples
    --------
    >>> faces = pd.DataFrame({"a": pd.Categorical(["x", None]), "b": pd.Categorical(["u", "u"])})
    >>> list(joined(faces, ("a", "b")))
    ['x, u', nan]
    """
    known = frame[list(attributes)].notna().all(axis=1)
    words = [frame[name].cat.categories for name in attributes]
    cells = pd.MultiIndex.from_product(words).map(", ".join)
    values = frame[list(attributes)].astype(object).agg(lambda row: ", ".join(map(str, row)), axis=1)
    return pd.Categorical(values.where(known), categories=cells)
