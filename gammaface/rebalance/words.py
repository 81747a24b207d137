"""What a rebalancing found, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gammaface.rebalance.bias_term import BiasTerm
from gammaface.rebalance.rows import PLAIN, Row

REFERENCES = {"real": "real test pictures", "base": "plain draws of another seed, for want of real pictures"}


def sentences_table(
    rows: pd.DataFrame,
    between: pd.DataFrame,
    *,
    target: str,
    reference: str,
    original: str,
    bias: BiasTerm,
    stopped: Sequence[Row] = (),
) -> pd.DataFrame:
    """One sentence per row: ``about`` (result, method, distances or guard), ``row``, ``sentence``.

    Parameters
    ----------
    target : str
        What was evened out, in words.
    reference : {"real", "base"}
        What distances are measured to.
    original : str
        Where the biased data came from, in words.
    stopped : sequence of Row
        Generations that the guard did not let begin.
    """
    plain = rows.set_index("row").loc[PLAIN.name]
    found = [_row("result", PLAIN.name, _plain(plain, target))]
    trained = rows[rows["row"] != PLAIN.name]
    found += [_row("result", r["row"], _trained(r, plain)) for r in trained.to_dict(orient="records")]
    answers_only = trained["fd_corrected"] > plain["fd_corrected"]  # never of what was not measured
    met = trained["goal_met"].astype(bool) & trained["quality_kept"].fillna(False).astype(bool)
    best = trained[met & ~answers_only]
    found.append(_row("result", "", _conclusion(trained, best)))
    found += [
        _row("guard", r["row"], f"{_capital(r['title'])}: {r['guard']}.")
        for r in trained.to_dict(orient="records")
    ]
    found += [
        _row("guard", row.name, f"{_capital(row.title)} was not begun: the generation before shows collapse.")
        for row in stopped
    ]
    if len(between):
        found.append(_row("distances", "", _between(between, reference)))
    weighed = rows["row"].isin(["reweighing", "density-ratio", "tiw", "plain-bias"]).any()
    if weighed:
        found.append(_row("method", "", f"The biased data are {original}."))
    found.append(_row("method", "", f"The bias loss: {bias.words()}."))
    found.append(_row("method", "", f"Distances are to {REFERENCES[reference]}."))
    return pd.DataFrame(found)


def _plain(plain: Mapping, target: str) -> str:
    return (
        f"{_capital(target)}: plain sampling's FD is {_with_sd(plain)} over {_sets(plain)};"
        f" an even sampler would show {plain['noise_floor']:.3f}."
    )


def _trained(row: Mapping, plain: Mapping) -> str:
    low, high = row["fd_vs_plain_low"], row["fd_vs_plain_high"]
    if np.isnan(low):
        moved = "one set gives no interval"
    elif low <= 0 <= high:
        moved = f"it does nothing that shows: {row['fd_vs_plain']:+.3f} [{low:+.3f}, {high:+.3f}]"
    else:
        verb = "falls" if high < 0 else "rises"
        moved = f"it {verb} by {abs(row['fd_vs_plain']):.3f} [{low:+.3f}, {high:+.3f}]"
    limit = "what an even sampler would show" if row["goal"] <= row["noise_floor"] else "a fifth of plain's"
    goal = "met" if row["goal_met"] else "missed"
    text = (
        f"{_capital(row['title'])} ({row['words']}): FD {_with_sd(row)}, {row['fd_times']:.2f} times plain's"
        f" ({moved}). The goal, {row['goal']:.3f} ({limit}), is {goal}."
    )
    return f"{text}{_corrected(row, plain)} {_quality(row)}"


def _corrected(row: Mapping, plain: Mapping) -> str:
    """What is left of it without the classifier's errors, "" where they were not measured."""
    found, before = row["fd_corrected"], plain["fd_corrected"]
    if np.isnan(found) or np.isnan(before):
        return ""
    if found <= before or row["fd"] >= plain["fd"]:
        return f" Without the classifier's errors the FD is {found:.3f}, plain's {before:.3f}."
    return (
        f" But without the classifier's errors the FD is {found:.3f}, above plain's {before:.3f}: if its"
        " recalls hold on drawn pictures, its answers were evened out, not the people."
    )


def _quality(row: Mapping) -> str:
    difference, plain = row["frechet_vs_plain"], row["frechet_plain"]
    if np.isnan(difference):
        return "No group is large enough to compare quality."
    low, high = row["frechet_vs_plain_low"], row["frechet_vs_plain_high"]
    ends = "" if np.isnan(low) else f" [{low:+.3g}, {high:+.3g}]"
    kept = "kept" if row["quality_kept"] else "not kept"
    share = f" ({difference / plain:+.0%})" if plain > 0 else ""
    text = (
        f"Group against group, the Fréchet distance moves by {difference:+.3g}{ends}{share} on"
        f" {row['compared']} groups: quality is {kept}."
    )
    return text + (" Trained anew, it has no quality goal." if row["start"] == "anew" else "")


def _conclusion(trained: pd.DataFrame, best: pd.DataFrame) -> str:
    if trained.empty:
        return "Nothing was trained: only the plain generator is measured."
    if best.empty:
        lowest = trained.loc[trained["fd"].idxmin()]
        return (
            "No row meets the goal and keeps the quality, with more evened out than answers; the lowest FD"
            f" is {lowest['fd']:.3f}, of {lowest['title']}."
        )
    titles = ", ".join(f"{r['title']} ({r['fd']:.3f})" for r in best.sort_values("fd").to_dict("records"))
    return f"What worked, with the goal met and the quality kept: {titles}."


def _between(between: pd.DataFrame, reference: str) -> str:
    part = between[(between["kind"] == "frechet") & between["value"].notna()]
    within, across = part[part["group"] == part["other"]], part[part["group"] != part["other"]]
    if within.empty or across.empty:
        return "Too few pictures of each group to tell distances between groups from those within one."
    whose = "real pictures" if reference == "real" else "plain draws"
    return (
        f"Between groups of {whose} the Fréchet distance is {across['value'].min():.3g} to"
        f" {across['value'].max():.3g}, within one {within['value'].mean():.3g} (disjoint halves, n ="
        f" {int(part['n'].max())}): shares that differ move a distance over all pictures by themselves."
    )


def _with_sd(row: Mapping) -> str:
    return f"{row['fd']:.3f}" if np.isnan(row["fd_sd"]) else f"{row['fd']:.3f} ± {row['fd_sd']:.3f}"


def _sets(row: Mapping) -> str:
    return f"{int(row['sets'])} set{'s' if row['sets'] > 1 else ''} of {int(row['n']):,}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _row(about: str, row: str, sentence: str) -> dict:
    return {"about": about, "row": row, "sentence": sentence}
