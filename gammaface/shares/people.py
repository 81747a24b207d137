"""Who is drawn, as a classifier perceives it: shares with intervals, from label tables.

Functions over tables of :mod:`gammaface.labelling.labels`; pages call them, so nothing here needs
torch or SciPy, which take seconds to import.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError

Z = 1.959963984540054  # 97.5% point of the standard normal: 95% intervals
SMALL = 30  # faces below which a group is called small in words
CLASSIFIER = "classifier"  # a label table says in its attrs whose labels it holds, by hash
# Every attribute in words; a value that is not known is missing (NaN), never a class.
CLASSES: dict[str, tuple[str, ...]] = {
    "gender": ("female", "male"),
    "race": ("white", "black", "asian", "indian", "other"),
    "young40": ("young", "old"),
    "young60": ("young", "old"),
    "young": ("young", "old"),  # CelebA's own word, which names no age
    "smile": ("smiling", "not smiling"),
    "glasses": ("glasses", "no glasses"),
    "hair": ("black", "brown/blond", "other"),
}
# Skin tones by the typology angle of the cheeks, lower ends in degrees (Chardon et al. 1991,
# Del Bino et al. 2006).
BANDS = {"very light": 55, "light": 41, "intermediate": 28, "tan": 10, "brown": -30, "dark": -90}
NAMES = {
    "gender": "perceived gender",
    "race": "perceived race",
    "young40": "perceived age under 40",
    "young60": "perceived age under 60",
    "young": "perceived youth",
    "smile": "smile",
    "glasses": "glasses",
    "hair": "hair",
    "tone": "skin tone (ITA)",
    "ita": "ITA, degrees",
    "light_from_left": "light from the left",
}
WORDS = {
    ("young40", "young"): "under 40",
    ("young40", "old"): "40 or over",
    ("young60", "young"): "under 60",
    ("young60", "old"): "60 or over",
    ("young", "old"): "not young",
}


def name_of(attribute: str) -> str:
    """An attribute as people read it."""
    return NAMES.get(attribute, attribute)


def word_of(attribute: str, value: str) -> str:
    """One of its classes as people read it."""
    return WORDS.get((attribute, value), value)


def attributes_of(labels: pd.DataFrame) -> list[str]:
    """Attributes with classes that a label table holds, in its order."""
    return [c for c in labels if f"{c}_p" in labels and isinstance(labels[c].dtype, pd.CategoricalDtype)]


def wilson(count, n) -> tuple[np.ndarray, np.ndarray]:
    """95% interval of shares count / n; NaN where n is 0. Source: Wilson 1927.

    Examples
    --------
    >>> [round(float(end), 4) for end in wilson(1, 4)]
    [0.0456, 0.6994]
    """
    count, n = np.asarray(count, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = count / n
        middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
        reach = Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    # Rounding must not push the share itself out of its interval.
    return np.clip(middle - reach, 0, p), np.clip(middle + reach, p, 1)


def shares(labels: pd.DataFrame, attributes: list[str] | None = None) -> pd.DataFrame:
    """Share of every class of every attribute among the faces.

    Parameters
    ----------
    labels : DataFrame
        As :func:`gammaface.labelling.labels.label_images` makes it, one row per face.
    attributes : list of str, optional
        Categorical columns; by default all attributes.

    Returns
    -------
    DataFrame
        ``attribute, value, n`` (faces with a value), ``count, share, low, high`` (95%,
        Wilson), ``even`` (1 / classes) and ``probability``, the class's mean probability
        (NaN where the table has none).

    Raises
    ------
    GammaFaceError
        For a table without attributes.

    Examples
    --------
    >>> faces = pd.DataFrame({"hair": pd.Categorical(["black", "other", "black", "black"])})
    >>> shares(faces, ["hair"])[["value", "count", "share", "even"]].values.tolist()
    [['black', 3, 0.75, 0.5], ['other', 1, 0.25, 0.5]]
    """
    rows = []
    for attribute in attributes_of(labels) if attributes is None else attributes:
        values, codes = _coded(labels, attribute)
        n, counts = int((codes >= 0).sum()), np.bincount(codes[codes >= 0], minlength=len(values))
        low, high = wilson(counts, n)
        for i, value in enumerate(values):
            column = f"{attribute}={value}"
            rows.append(
                {
                    "attribute": attribute,
                    "value": value,
                    "n": n,
                    "count": int(counts[i]),
                    "share": counts[i] / n if n else np.nan,
                    "low": low[i],
                    "high": high[i],
                    "even": 1 / len(values),
                    "probability": float(labels[column].mean()) if column in labels else np.nan,
                }
            )
    if not rows:
        raise GammaFaceError("the table has no perceived attributes", fix="Label the pictures first.")
    return pd.DataFrame(rows)


def group_shares(labels: pd.DataFrame, groups, attributes: list[str] | None = None) -> pd.DataFrame:
    """Shares within each group, against all faces together.

    Parameters
    ----------
    labels : DataFrame
        As in `shares`.
    groups : array of shape (n,)
        The group of each face, e.g. its component.
    attributes : list of str, optional
        As in `shares`.

    Returns
    -------
    DataFrame
        ``attribute, value, group, n, count, share, low, high, overall, difference,
        difference_low, difference_high``. The difference is the group's share minus that of
        all faces. The group is part of all, so its interval is that of group minus rest
        (Newcombe 1998, method 10) times the rest's part of all faces.

    Raises
    ------
    GammaFaceError
        For groups of another length, or a table without attributes.

    Examples
    --------
    >>> faces = pd.DataFrame({"hair": pd.Categorical(["black", "other", "black", "black"])})
    >>> table = group_shares(faces, [0, 0, 1, 1], ["hair"])
    >>> table[["value", "group", "share", "overall", "difference"]].values.tolist()[:2]
    [['black', 0, 0.5, 0.75, -0.25], ['black', 1, 1.0, 0.75, 0.25]]
    """
    groups = np.asarray(groups)
    if groups.shape != (len(labels),):
        raise GammaFaceError(
            f"{groups.shape} groups beside {len(labels)} faces", fix="Give one group per face."
        )
    parts = {group: shares(labels[groups == group], attributes) for group in pd.unique(np.sort(groups))}
    if not parts:
        raise GammaFaceError("there are no faces to compare", fix="Choose some that are labelled.")
    everyone = shares(labels, attributes)
    tables = []
    for group, part in parts.items():
        table = part[["attribute", "value", "n", "count", "share", "low", "high"]].copy()
        table.insert(2, "group", group)
        table["overall"] = everyone["share"]
        rest = everyone["n"] - part["n"]
        low, high = _difference(part["count"], part["n"], everyone["count"] - part["count"], rest)
        weight = rest / everyone["n"]
        table["difference"] = table["share"] - table["overall"]
        # Without a rest the group is all there is, and nothing differs.
        table["difference_low"] = (weight * low).where(rest > 0, 0.0)
        table["difference_high"] = (weight * high).where(rest > 0, 0.0)
        tables.append(table)
    joined = pd.concat(tables, keys=range(len(tables)), names=["place", "row"]).reset_index()
    return joined.sort_values(["row", "place"]).drop(columns=["place", "row"]).reset_index(drop=True)


def doubts(labels: pd.DataFrame) -> pd.DataFrame:
    """How sure the answers are: ``attribute, n, uncertain, mean_probability``.

    ``uncertain`` is the share of faces below the threshold that gave 95% precision on
    validation data; ``mean_probability`` is that of the class named.
    """
    return pd.DataFrame(
        {
            "attribute": attribute,
            "n": len(labels),
            "uncertain": float(labels[f"{attribute}_uncertain"].mean()),
            "mean_probability": float(labels[f"{attribute}_p"].mean()),
        }
        for attribute in attributes_of(labels)
    )


def _coded(labels: pd.DataFrame, attribute: str) -> tuple[list[str], np.ndarray]:
    column = labels[attribute].astype("category")
    return [str(v) for v in column.cat.categories], column.cat.codes.to_numpy()


def _difference(count, n, other_count, other_n) -> tuple[pd.Series, pd.Series]:
    """95% interval of the difference of two independent shares (Newcombe 1998, method 10)."""
    p, q = count / n.where(n > 0), other_count / other_n.where(other_n > 0)
    low, high = wilson(count, n)
    other_low, other_high = wilson(other_count, other_n)
    below = np.sqrt((p - low) ** 2 + (other_high - q) ** 2)
    above = np.sqrt((high - p) ** 2 + (q - other_low) ** 2)
    return p - q - below, p - q + above
