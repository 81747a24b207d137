"""Were the goals met? One answer per target, in words, with by how much.

A goal asks of the best method other than `quota`: a fairness discrepancy under a limit, at
a price under a limit (see `goals`), and quality within groups, on average over them, within
10% of plain sampling's or not significantly worse; confirmed by a classifier that did not
steer. What was not measured, or not of every group, is neither met nor missed: the goal is met
as far as measured.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gammaface.audit.terms import (
    PLAIN,
    READINGS,
    REFERENCES,
    capital,
    cells_in_words,
    headline,
    relative,
    target_words,
)
from gammaface.shares.people import SMALL

WORSE = 0.1  # share of plain's distance that quality may lose
COLUMNS = ["target", "method", "reading", "fd", "limit", "times", "cost", "cost_limit", "met"]
COLUMNS += ["confirmed", "quality_kept", "sentence"]


def answers_table(goals: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """The best method of each target against the goal.

    Returns
    -------
    DataFrame
        ``target, method, reading`` (corrected where recalls are known), ``fd, limit,
        times`` (fd / limit), ``cost, cost_limit``, ``confirmed`` (by the second opinion) and
        ``quality_kept``, each missing where it was not measured; ``met``: every part of the
        goal, missing where none is missed and not all were measured; and ``sentence``.
    """
    quota = set(summary.loc[summary["strategy"] == "quota", "method"])
    opinion = bool(summary["fd_second"].notna().any())
    rows = []
    for target, of_target in summary.groupby("target", sort=False):
        reading = headline(of_target)
        told = goals[(goals["target"] == target) & ~goals["method"].isin(quota)]
        arms = told[told["reading"] == reading]
        if arms.empty:
            rows.append(_unanswered(target, reading))
            continue
        second = goals[(goals["reading"] == "second opinion") & (goals["target"] == target)]
        own = of_target[of_target["method"] == PLAIN].iloc[0].to_dict()
        if _as_even_as_can_be_seen(own, reading):
            rows.append(_nothing_to_gain(own, reading, float(arms["cost_limit"].iloc[0])))
            continue
        doubted = set(second.loc[~second["fd_met"].astype(bool), "method"])
        spoilt = {row["method"] for row in of_target.to_dict("records") if _quality(row)[0] is False}
        best = _best(arms, doubted, spoilt).to_dict()
        row = of_target[of_target["method"] == best["method"]].iloc[0].to_dict()
        second = second[second["method"] == best["method"]]
        confirmed = None if second.empty else bool(second["fd_met"].iloc[0])
        kept, doubt, quality = _quality(row)
        missed = _missed(best, confirmed, kept)
        reader = "the second opinion does not read it" if opinion else "there is no second opinion"
        unknown = [f"nobody confirmed it: {reader}"] if confirmed is None else []
        unknown += [doubt] if kept is None else []
        parts = [_verdict(best, missed, unknown), _numbers(best, row, own), _dearer(arms, best, doubted)]
        parts += [_confirmation(second, row)]
        parts += [_between_readers(goals, target, quota) if confirmed is False else "", quality]
        found = {name: best[name] for name in ("target", "method", "reading", "fd", "limit", "cost")}
        rows.append(
            found
            | {"times": best["fd"] / best["limit"], "cost_limit": best["cost_limit"]}
            | {"met": False if missed else None if unknown else True}
            | {"confirmed": confirmed, "quality_kept": kept, "sentence": " ".join(filter(None, parts))}
        )
    return pd.DataFrame(rows, columns=COLUMNS).astype(
        dict.fromkeys(("met", "confirmed", "quality_kept"), object)
    )


def _best(arms: pd.DataFrame, doubted: set[str], spoilt: set[str]) -> pd.Series:
    """Least discrepancy among those that keep to the price and gain on plain sampling or keep to
    the limit, else the least of all; those that the second opinion does not confirm only where
    there is no other, and those that lose quality only where there is no other confirmed one."""
    gains = (arms["fd"] < arms["plain"]) | arms["fd_met"].astype(bool)
    cheap = arms[arms["cost_met"].astype(bool) & gains]
    sure = cheap[~cheap["method"].isin(doubted) & cheap["fd_met"].astype(bool)]
    whole = sure[~sure["method"].isin(spoilt)]
    pool = next((some for some in (whole, sure, cheap) if len(some)), arms)
    return pool.loc[pool["fd"].astype(float).idxmin()]


def _missed(best: Mapping, confirmed: bool | None, kept: bool | None) -> list[str]:
    """Which parts of the goal the best method misses; what was not measured is none of them."""
    parts = {
        f"the FD is {best['fd'] / best['limit']:.2f} times its limit": not best["fd_met"],
        f"the price is {best['cost'] / best['cost_limit']:.2f} times its limit": not best["cost_met"],
        "the second opinion does not confirm it": best["fd_met"] and confirmed is False,
        "the quality is not kept": kept is False,
    }
    return [words for words, missed in parts.items() if missed]


def _unanswered(target: str, reading: str) -> dict:
    text = f"{capital(target_words(target))}: no method besides plain sampling and quotas was drawn."
    return {"target": target, "method": "", "reading": reading, "met": None, "sentence": text}


def _verdict(best: Mapping, missed: list[str], unknown: list[str]) -> str:
    where = capital(target_words(best["target"]))
    if missed:
        return f"{where}: the goal is missed, {' and '.join(missed)}. At best,"
    if unknown:
        return f"{where}: the goal is met as far as measured; {', and '.join(unknown)}."
    return f"{where}: the goal is met."


def _numbers(best: Mapping, row: Mapping, plain: Mapping) -> str:
    reader, pilot = READINGS[best["reading"]][2], best["pilot_cost"]
    read = f" {reader}" if reader else ""
    of_it = f" ({pilot:.2f}x of it the pilot, over {best['price_n']:,} images)" if pilot else ""
    wall = row["seconds"] / plain["seconds"]
    seeds = f"{row['seeds']} seed{'s' if row['seeds'] > 1 else ''}"
    return (
        f"{best['method']} ({seeds}) reaches an FD of {best['fd']:.3f}{read}, the limit is"
        f" {best['limit']:.3f}, at {best['cost']:.2f}x the network evaluations of plain sampling{of_it},"
        f" the limit is {best['cost_limit']:g}x."
        f" At n = {row['n']:,} it took {wall:.1f}x plain's time."
    )


def _dearer(arms: pd.DataFrame, best: Mapping, doubted: set[str]) -> str:
    """What more evaluations would buy, where the goal's price buys too little."""
    met = arms[arms["fd_met"].astype(bool) & ~arms["method"].isin(doubted)]
    if met.empty or (best["fd_met"] and best["method"] not in doubted):
        return ""
    row = met.loc[met["cost"].astype(float).idxmin()]
    return f"{row['method']} keeps to the limit with {row['fd']:.3f}, at {row['cost']:.2f}x."


def _as_even_as_can_be_seen(plain: Mapping, reading: str) -> bool:
    """Whether plain sampling is within its noise floor, also by the second opinion where there is one."""
    seen = (READINGS[reading], READINGS["second opinion"])
    return not any(plain[fd] > plain[floor] for fd, floor, _ in seen)  # NaN where nobody was asked


def _nothing_to_gain(plain: Mapping, reading: str, cost_limit: float) -> dict:
    """Plain sampling meets the goal where it is as even as its noise floor, whoever reads it."""
    fd, floor = (float(plain[name]) for name in READINGS[reading][:2])
    text = (
        f"{capital(target_words(plain['target']))}: the goal is met by plain sampling itself. Its FD of"
        f" {fd:.3f} is no larger than the noise floor of {floor:.3f} at n = {plain['n']:,}: no method can"
        " be seen to do better."
    )
    named = {"target": plain["target"], "method": PLAIN, "reading": reading, "fd": fd, "limit": floor}
    prices = {"times": fd / floor, "cost": 1.0, "cost_limit": cost_limit}
    confirmed = None if np.isnan(plain["fd_second"]) else True
    return named | prices | {"met": True, "confirmed": confirmed, "sentence": text}


def _confirmation(second: pd.DataFrame, row: Mapping) -> str:
    if second.empty:
        return "No second opinion reads this target."
    told = second.iloc[0]
    word = "confirms it" if told["fd_met"] else "does not confirm the FD"
    return f"The second opinion ({row['second']}) {word}: {told['fd']:.3f}, the limit is {told['limit']:.3f}."


def _between_readers(goals: pd.DataFrame, target: str, quota: set[str]) -> str:
    """Whether faces that are even by the labels themselves would be confirmed: where they are not,
    the two classifiers differ by that much, and no choice among faces can mend it."""
    of_quota = goals[(goals["target"] == target) & goals["method"].isin(quota)]
    first = of_quota[of_quota["method"] == of_quota["method"].min()].set_index("reading")
    if not {"labels", "second opinion"} <= set(first.index):
        return ""
    own, second = first.loc["labels"], first.loc["second opinion"]
    if not own["fd_met"] or second["fd_met"]:
        return ""
    return (
        f"Nor does it confirm {own['method']}, whose labels have an FD of {own['fd']:.3f}:"
        f" {second['fd']:.3f}. That much lies between the two classifiers."
    )


def _quality(row: Mapping) -> tuple[bool | None, str, str]:
    """Whether quality was kept, against real faces where they were given; what is not known of it,
    and what was measured. A loss against the other reference is told and decides nothing."""
    known = [short for short in REFERENCES if not np.isnan(row[f"kernel_{short}_vs_plain"])]
    if not known:
        told = f"Quality was not measured: no group had {SMALL} faces on every side."
        return None, "quality was not measured", told
    kept, doubt, told = _kept(row, known[0])
    return kept, doubt, " ".join(filter(None, (told, *(_loss(row, short) for short in known[1:]))))


def _kept(row: Mapping, short: str) -> tuple[bool | None, str, str]:
    """`_quality` against one reference. A loss that was seen is one, whichever groups were left out."""
    small, low, groups, differs = _against(row, short)
    if not small and np.isnan(low):
        told = f"One seed cannot tell whether quality against {REFERENCES[short]} was kept, on {groups}."
        return None, "one seed cannot tell whether quality was kept", told
    kept = bool(small or low <= 0)
    whole = row[f"groups_{short}"] == row["groups_all"]
    word = ("is kept" if whole else "is kept as far as measured") if kept else "is not kept"
    told = f"Quality {word}: {differs}."
    if whole:
        return kept, "", told
    left = cells_in_words(row["target"], row[f"left_out_{short}"])
    told += f" Not compared, with under {SMALL} faces on a side: {left}."
    return (None if kept else False), f"quality was compared on {groups} only", told


def _loss(row: Mapping, short: str) -> str:
    """A loss against one reference that is more than noise, in words."""
    small, low, _, differs = _against(row, short)
    return f"There is a loss by the other reference: {differs}." if not small and low > 0 else ""


def _against(row: Mapping, short: str) -> tuple[bool, float, str, str]:
    """Whether a difference to plain sampling is small, its low end, the groups and all of it in words."""
    low, high, difference = (row[f"kernel_{short}_vs_plain{end}"] for end in ("_low", "_high", ""))
    before = row[f"kernel_{short}"] - difference
    groups = f"{row[f'groups_{short}']} of {row['groups_all']} groups"
    together = ", seeds together," if row[f"pooled_{short}"] else ""
    ends = "" if np.isnan(low) else f" [{low:+.3g}, {high:+.3g}]"
    percent = relative(difference, before, short)
    differs = (
        f"on {groups}{together} the kernel distance to {REFERENCES[short]} within groups, on average,"
        f" differs from plain sampling's by {difference:+.3g}{ends}{f' ({percent})' if percent else ''}"
    )
    return bool(before > 0 and difference <= WORSE * before), low, groups, differs
