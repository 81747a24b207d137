"""The audit's names as people read them; needs no network to be loaded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gammaface.shares.people import name_of, word_of

PLAIN = "plain"  # the arm that every other one is held against
TARGETS = ("gender", "young40", "race3", "race", "gender+race")
BASELINES = (PLAIN, "quota", "component-uniform")  # strategies that stand first in every table
COARSE = {"race3": "perceived race (White, Black, Other)"}
# Reading: its column in the summary, its noise floor's, and its words in a sentence.
READINGS = {
    "labels": ("fd", "noise_floor", ""),
    "corrected": ("fd_corrected", "noise_floor_corrected", "without the classifier's errors"),
    "second opinion": ("fd_second", "noise_floor_second", "by the second opinion"),
}
REFERENCES = {"real": "real test faces", "base": "the base generator's own faces"}


def attribute_words(name: str) -> str:
    """An attribute, a coarser one included."""
    return COARSE.get(name, name_of(name))


def target_words(name: str) -> str:
    """A target by its name in the tables.

    Examples
    --------
    >>> target_words("gender+race"), target_words("gender@female0.7-male0.3")
    ('perceived gender x perceived race', 'perceived gender (female 0.7, male 0.3)')
    """
    attributes, _, shares = name.partition("@")
    words = " x ".join(attribute_words(a) for a in attributes.split("+"))
    cells = [_share_words(part) for part in shares.split("-") if part]
    return f"{words} ({', '.join(cells)})" if cells else words


def short_words(name: str) -> str:
    """A target in as few words as a choice needs.

    Examples
    --------
    >>> short_words("gender+race"), short_words("race3")
    ('Gender x race', 'Race (White, Black, Other)')
    """
    return capital(target_words(name).replace("perceived ", ""))


def _share_words(part: str) -> str:
    number = part.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return f"{part[: len(part) - len(number)]} {number}"


def cell_words(target: str, cell: str) -> str:
    """A joint cell as people read it.

    Examples
    --------
    >>> cell_words("gender+young40", "female, young")
    'female, under 40'
    """
    attributes = target.partition("@")[0].split("+")
    parts = cell.split(", ")
    if len(parts) != len(attributes):
        return cell
    return ", ".join(word_of(name, value) for name, value in zip(attributes, parts, strict=True))


def cells_in_words(target: str, cells: str) -> str:
    """Several cells, joined by semicolons, as people read them.

    Examples
    --------
    >>> cells_in_words("gender+young40", "female, young; male, old")
    'female, under 40; male, 40 or over'
    """
    return "; ".join(cell_words(target, cell) for cell in cells.split("; "))


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def in_order(summary: pd.DataFrame) -> list[str]:
    """Methods of an audit, the baselines first, then by name.

    Examples
    --------
    >>> rows = [("strong", "stratified"), ("quota", "quota"), ("plain", "plain")]
    >>> in_order(pd.DataFrame(rows, columns=["method", "strategy"]))
    ['plain', 'quota', 'strong']
    """
    strategy = summary[summary["strategy"] != ""].groupby("method")["strategy"].first()
    place = {name: i for i, name in enumerate(BASELINES)}
    return sorted(summary["method"].unique(), key=lambda m: (place.get(strategy.get(m, m), len(place)), m))


def relative(difference: float, before: float, short: str) -> str:
    """A distance's difference in per cent of plain sampling's; "" against the base generator's own faces,
    where plain sampling's distance is 0 but for noise.

    Examples
    --------
    >>> relative(0.001, 0.004, "real"), relative(0.001, 0.0001, "base")
    ('+25%', '')
    """
    return f"{difference / before:+.0%}" if before > 0 and short != "base" else ""


def headline(summary: pd.DataFrame) -> str:
    """The reading that counts for one target's rows: corrected where every arm that was drawn has it."""
    drawn = summary[summary["seeds"] > 0]
    known = len(drawn) and not np.isnan(drawn["fd_corrected"].to_numpy(dtype=float)).any()
    return "corrected" if known else "labels"
