"""What an audit found, in sentences made from its tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gammaface.audit.book import Book
from gammaface.audit.terms import PLAIN, READINGS, REFERENCES, attribute_words, capital, cell_words, relative
from gammaface.shares.people import SMALL, name_of

COLUMNS = ["about", "method", "target", "sentence"]
FRACTIONS = {0.2: "a fifth", 0.25: "a quarter"}


def sentences_table(tables: Mapping[str, pd.DataFrame], book: Book) -> pd.DataFrame:
    """Every sentence: ``about, method, target, sentence``; the answers to the goals come first.

    They say what was measured of methods. None judges a group.
    """
    rows = [_row("answer", row, row["sentence"]) for row in _records(tables["answers"])]
    rows += _readings(tables, book)
    rows += [_plain(row, book) for row in _records(tables["summary"]) if row["method"] == PLAIN]
    rows += [_goal(row, book) for row in _records(tables["goals"])]
    for row in _records(tables["summary"]):
        if row["note"]:
            told = "was refused" if not row["seeds"] else "did not find every image"
            rows.append(_row("limits", row, f"{_where(row, book)}: it {told}. {row['note']}"))
        if row["strategy"] == "component-uniform" and row["seeds"]:
            rows.append(_components(row, book))
        if row["method"] != PLAIN and row["seeds"]:
            rows += _quality(row, book)
    rows += _small(tables["shares"], book)
    moved = tables["moves"][tables["moves"]["moved"].astype(bool)]
    steered = tables["summary"].groupby("method")["steered"].any()
    for (method, target), part in moved.groupby(["method", "target"], sort=False):
        if steered[method]:
            where = _where({"method": method, "target": target}, book)
            rows.append(_moved(f"{where}: what was not steered differs", method, target, part))
        elif target == moved.loc[moved["method"] == method, "target"].iloc[0]:
            rows.append(_moved(f"{method}, which follows no target, differs", method, "", part))
    return pd.DataFrame(rows, columns=COLUMNS)


def target_words(name: str, book: Book) -> str:
    """A target as people read it."""
    target = book.targets[name]
    words = " x ".join(map(attribute_words, target.attributes))
    if np.allclose(target.shares, 1 / len(target.shares)):
        return words
    shares = ", ".join(f"{cell} {share:.2f}" for cell, share in zip(target.names, target.shares, strict=True))
    return f"{words} ({shares})"


def _readings(tables: Mapping[str, pd.DataFrame], book: Book) -> list[dict]:
    """What the numbers were read with, and what is missing."""
    rows, blank = [], {"method": "", "target": ""}
    for name, target in book.targets.items():
        source, words = book.recalls_in_words(target.attributes), target_words(name, book)
        told = (
            f"the shares are corrected for the classifier's errors with recalls from {source}"
            if source
            else "the shares are not corrected: the classifier's recalls are not known"
        )
        rows.append(_row("readings", {"method": "", "target": name}, f"{capital(words)}: {told}."))
    if not book.second:
        text = f"No second opinion stands beside the shares: {book.second_missing}."
        return [*rows, _row("readings", blank, text)]
    if book.second_missing:
        rows.append(_row("readings", blank, f"A second opinion is missing: {book.second_missing}."))
    for row in _records(tables["agreement"]):
        if row["group"] == "all" and row["method"] == PLAIN:
            who = book.reader((row["attribute"],))
            text = (
                f"On plain faces, {who} and the classifier agree on {name_of(row['attribute'])} in"
                f" {row['agreement']:.1%} [{row['low']:.1%}, {row['high']:.1%}] of {row['n']:,} faces."
            )
            rows.append(_row("readings", row, text))
    return [row for i, row in enumerate(rows) if row["sentence"] not in {r["sentence"] for r in rows[:i]}]


def _plain(row: Mapping, book: Book) -> dict:
    if not row["seeds"]:
        return _row("plain", row, f"{_where(row, book)}: nothing was drawn.")
    ratio = row["fd"] / row["noise_floor"]
    seeds = f"{row['seeds']} seed{'s' if row['seeds'] > 1 else ''}"
    text = (
        f"{_where(row, book)}: FD {_with_sd(row['fd'], row['fd_sd'])}, {ratio:.1f} times the noise floor"
        f" ({row['noise_floor']:.3f} at n = {int(row['n']):,}), {seeds}."
    )
    return _row("plain", row, text)


def _goal(row: Mapping, book: Book) -> dict:
    """One arm against the limits, as facts."""
    fraction = FRACTIONS[row["fraction"]]
    floored = row["limit"] > row["fraction"] * row["plain"]
    why = f"the noise floor at n = {row['n']:,}" if floored else f"{fraction} of plain's"
    verdict = {
        (True, True): "both are met",
        (False, True): "the FD is above its limit",
        (True, False): "the cost is above its limit",
        (False, False): "both are above their limits",
    }[bool(row["fd_met"]), bool(row["cost_met"])]
    reader = READINGS[row["reading"]][2]
    over = f" over {row['price_n']:,} images" if row["pilot_cost"] else ""
    text = (
        f"{_where(row, book)}: {reader + ', ' if reader else ''}FD {_with_sd(row['fd'], row['sd'])}, plain"
        f" sampling's is {row['plain']:.3f}, at {row['cost']:.2f}x its network evaluations{over}. The limits"
        f" are {row['limit']:.3f} ({why}) and {row['cost_limit']:g}x: {verdict}."
    )
    return _row("goal", row, text)


def _small(shares: pd.DataFrame, book: Book) -> list[dict]:
    """Groups of the target with too few faces to say much of."""
    rows = []
    for target in book.targets:
        attribute = "+".join(book.targets[target].attributes)
        few = shares[(shares["target"] == target) & (shares["attribute"] == attribute)]
        told = [
            f"{method} ({', '.join(_sizes(part, target))})"
            for method, part in few[few["count"] < SMALL].groupby("method", sort=False)
        ]
        if told:
            text = (
                f"{capital(target_words(target, book))}: groups of under {SMALL} faces, all seeds together:"
                f" {'; '.join(told)}. Read their intervals; their distances are not measured."
            )
            rows.append(_row("small", {"method": "", "target": target}, text))
    return rows


def _sizes(few: pd.DataFrame, target: str) -> list[str]:
    return [f"{cell_words(target, c)} {n}" for c, n in zip(few["class"], few["count"], strict=True)]


def _components(row: Mapping, book: Book) -> dict:
    """Whether evenness over components did anything for the target."""
    low, high, difference = (row[f"fd_vs_plain{end}"] for end in ("_low", "_high", ""))
    numbers = f"the FD differs from plain sampling's by {difference:+.3f}"
    if np.isnan(low):
        told = f"{numbers}; one seed gives no interval"
    elif low <= 0 <= high:
        told = f"sampling evenly over components does nothing that shows: {numbers} [{low:+.3f}, {high:+.3f}]"
    else:
        word = "lowers" if high < 0 else "raises"
        told = (
            f"sampling evenly over components {word} it: {numbers} [{low:+.3f}, {high:+.3f}]; evenness is"
            " not told apart from where images begin, such as at their component's mean"
        )
    return _row("components", row, f"{_where(row, book)}: {told}.")


def _quality(row: Mapping, book: Book) -> list[dict]:
    """Where quality fell, rose, or did neither."""
    rows = []
    for short, reference in REFERENCES.items():
        told, together = [], bool(row[f"pooled_{short}"])
        for kind, words in (("kernel", "kernel distance"), ("frechet", "Fréchet distance")):
            difference = row[f"{kind}_{short}_vs_plain"]
            low, high = (row[f"{kind}_{short}_vs_plain_{end}"] for end in ("low", "high"))
            if np.isnan(difference):
                continue
            before = row[f"{kind}_{short}"] - difference
            percent = relative(difference, before, short)
            verdict = _verdict(low, high, by="faces" if together else "seeds")
            told.append(
                f"{words} {verdict}: {difference:+.3g}{_ends(low, high)}{f', {percent}' if percent else ''}"
            )
        if told:
            groups = f"on {row[f'groups_{short}']} of {row['groups_all']} groups"
            groups += ", seeds together" if together else ""
            text = (
                f"{_where(row, book)}: within each group, {groups}, against {reference}, {'; '.join(told)}."
            )
            rows.append(_row("quality", row, text))
    if row["diversity_high"] < 1:
        text = (
            f"{_where(row, book)}: faces of a group are {row['diversity']:.2f}"
            f" [{row['diversity_low']:.2f}, {row['diversity_high']:.2f}] times as far apart as the base"
            " generator's: less diverse."
        )
        rows.append(_row("quality", row, text))
    return rows


def _verdict(low: float, high: float, *, by: str) -> str:
    if np.isnan(low):
        return "differs from plain's (one seed, no interval)"
    if low > 0:
        return "is larger than plain's"
    return "is smaller than plain's" if high < 0 else f"differs from plain's no more than {by} do"


def _moved(start: str, method: str, target: str, moved: pd.DataFrame) -> dict:
    """Attributes that differ from plain sampling by more than noise."""
    told = [
        f"{attribute_words(r['attribute'])} ({r['class']} {r['plain']:.2f} to"
        f" {r['share']:.2f}, p = {r['p_holm']:.2g})"
        for r in _records(moved)
    ]
    text = f"{start} from plain sampling by more than noise: {'; '.join(told)}."
    return _row("moved", {"method": method, "target": target}, text)


def _where(row: Mapping, book: Book) -> str:
    return f"{capital(target_words(row['target'], book))}, {row['method']}"


def _with_sd(value: float, sd: float) -> str:
    return f"{value:.3f}" if np.isnan(sd) else f"{value:.3f} ± {sd:.3f}"


def _ends(low: float, high: float) -> str:
    return "" if np.isnan(low) else f" [{low:+.3g}, {high:+.3g}]"


def _row(about: str, key: Mapping, sentence: str) -> dict:
    text = " ".join(sentence.split())
    return {"about": about, "method": key["method"], "target": key["target"], "sentence": text}


def _records(table: pd.DataFrame) -> list[dict]:
    return table.to_dict(orient="records")
