"""Whether a drawn batch came nearer its target than plain sampling, in numbers and plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.shares.joint import cell_shares
from gammaface.shares.people import SMALL, name_of

TARGET = "target"  # in the column ``how`` of a table of moves
DRAWN = "drawn"


def named(attributes: Sequence[str]) -> str:
    """A target's attributes in words.

    Examples
    --------
    >>> named(["gender", "race3"])
    'perceived gender and perceived race (White, Black, Other), jointly'
    """
    coarse = {"race3": "perceived race (White, Black, Other)"}
    words = [coarse.get(name) or name_of(name) for name in attributes]
    return words[0] if len(words) == 1 else f"{' and '.join(words)}, jointly"


def reached(
    plain: pd.DataFrame, drawn: pd.DataFrame, attributes: Sequence[str], target: Mapping[str, float]
) -> dict:
    """Distance of two batches from a target, and whether they differ.

    Parameters
    ----------
    plain, drawn : DataFrame
        Labels of the faces.
    attributes : sequence of str
    target : mapping of str to float
        Share of each joint cell, by its name.

    Returns
    -------
    dict
        A row of :func:`gammaface.shares.evenness.moves`, with ``how`` "target".

    Raises
    ------
    GammaFaceError
        When no face of either batch has all the attributes.
    """
    from gammaface.shares.evenness import moved

    counts = [cell_shares(labels, attributes, target)["count"].to_numpy() for labels in (plain, drawn)]
    if not all(c.sum() for c in counts):
        raise GammaFaceError("no face is in a cell of the target", fix="Label the pictures again.")
    row = {"attribute": "+".join(attributes), "how": TARGET}
    row |= moved(*counts, target=np.array(list(target.values())))
    return row | {"sentence": target_sentence(row)}


def target_sentence(row: Mapping) -> str:
    """What became of a target, in words.

    Examples
    --------
    >>> row = {"attribute": "gender", "before": 0.2, "after": 0.05, "low": -0.3, "high": -0.1}
    >>> target_sentence(row | {"difference": -0.15, "n": 100, "noise_floor": 0.07}).split(": ")[0]
    'Perceived gender came nearer the target'
    """
    what = named(row["attribute"].split("+"))
    numbers = (
        f"its distance from the target went from {row['before']:.3f} to {row['after']:.3f}"
        f" (difference {row['difference']:+.3f} [{row['low']:.3f}, {row['high']:.3f}], n = {row['n']:,} each)"
    )
    if row["low"] <= 0 <= row["high"]:
        verdict = "was not moved beyond the noise"
    else:
        verdict = "came nearer the target" if row["high"] < 0 else "moved away from the target"
    end = ""
    if row["after"] <= row["noise_floor"]:
        end = f"; that is within what {row['n']:,} faces drawn exactly with these shares show"
    return f"{what[:1].upper()}{what[1:]} {verdict}: {numbers}{end}."


def verdict(moves: pd.DataFrame, *, by: str) -> tuple[bool, str]:
    """Whether a draw did anything for anyone, and one plain sentence that says so.

    Parameters
    ----------
    moves : DataFrame
        As :func:`gammaface.shares.evenness.moves`, with a row of `reached` where there is a target.
    by : str
        What was done, to begin the sentence with.

    Examples
    --------
    >>> one = {"attribute": ["gender"], "how": ["drawn"], "low": [-0.2], "high": [0.1], "n": [50]}
    >>> verdict(pd.DataFrame(one), by="Sampling evenly over components")[1].split(":")[0]
    'Sampling evenly over components did nothing measurable for people'
    """
    aimed = moves[moves["how"] == TARGET]
    if len(aimed):
        row = aimed.iloc[0]
        return bool(row["high"] < 0), row["sentence"]
    rows = moves[moves["how"] == DRAWN]
    n = int(rows["n"].min())
    nearer = [name_of(a) for a in rows.loc[rows["high"] < 0, "attribute"]]
    farther = [name_of(a) for a in rows.loc[rows["low"] > 0, "attribute"]]
    few = f" With {n} faces only large changes could show." if n < 4 * SMALL else ""
    if not nearer and not farther:
        return False, (
            f"{by} did nothing measurable for people: none of {len(rows)} perceived attributes moved"
            f" beyond the noise (n = {n:,} each).{few}"
        )
    parts = [f"nearer even: {', '.join(nearer)}"] if nearer else []
    parts += [f"farther from even: {', '.join(farther)}"] if farther else []
    rest = len(rows) - len(nearer) - len(farther)
    return bool(nearer), (
        f"{by} moved some perceived attributes beyond the noise (n = {n:,} each): {'; '.join(parts)};"
        f" {rest} of {len(rows)} not.{few}"
    )
