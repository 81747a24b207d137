"""Were the goals met? One answer per target, in words, with by how much.

A goal asks of the best method other than `quota`: a fairness discrepancy under a limit, at
a price under a limit (see `goals`), and quality, group against group, within 10% of plain
sampling's or not significantly worse; confirmed by a classifier that did not steer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gammaface.audit.terms import PLAIN, READINGS, REFERENCES, capital, headline, target_words

WORSE = 0.1  # share of plain's distance that quality may lose
COLUMNS = ["target", "method", "reading", "fd", "limit", "times", "cost", "cost_limit", "met"]
COLUMNS += ["confirmed", "quality_kept", "sentence"]


def answers_table(goals: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """The best method of each target against the goal.

    Returns
    -------
    DataFrame
        ``target, method, reading`` (corrected where recalls are known), ``fd, limit,
        times`` (fd / limit), ``cost, cost_limit, met`` (both limits), ``confirmed`` (by the
        second opinion) and ``quality_kept``, each missing where it was not measured, and
        ``sentence``.
    """
    reading = headline(summary)
    quota = set(summary.loc[summary["strategy"] == "quota", "method"])
    told = goals[(goals["reading"] == reading) & ~goals["method"].isin(quota)]
    rows = []
    for target in dict.fromkeys(summary["target"]):
        arms = told[told["target"] == target]
        if arms.empty:
            rows.append(_unanswered(target, reading))
            continue
        second = goals[(goals["reading"] == "second opinion") & (goals["target"] == target)]
        plain = arms.iloc[0]
        if plain["plain"] <= plain["floor"]:
            rows.append(_nothing_to_gain(plain.to_dict()))
            continue
        doubted = set(second.loc[~second["fd_met"].astype(bool), "method"])
        best = _best(arms, doubted).to_dict()
        key = (summary["method"] == best["method"]) & (summary["target"] == target)
        row = summary[key].iloc[0].to_dict()
        second = second[second["method"] == best["method"]]
        confirmed = None if second.empty else bool(second["fd_met"].iloc[0])
        kept, quality = _quality(row)
        missed = _missed(best, confirmed, kept)
        pilot = row["pilot_evaluations"] / row["evaluations"]
        parts = [_headline(best, missed, pilot), _dearer(arms, best, doubted)]
        parts += [_confirmation(second, confirmed), quality]
        found = {name: best[name] for name in ("target", "method", "reading", "fd", "limit", "cost")}
        rows.append(
            found
            | {"times": best["fd"] / best["limit"], "cost_limit": best["cost_limit"], "met": not missed}
            | {"confirmed": confirmed, "quality_kept": kept, "sentence": " ".join(filter(None, parts))}
        )
    return pd.DataFrame(rows, columns=COLUMNS).astype(
        dict.fromkeys(("met", "confirmed", "quality_kept"), object)
    )


def _best(arms: pd.DataFrame, doubted: set[str]) -> pd.Series:
    """Least discrepancy among those that keep to the price and gain on plain sampling, else the
    least of all; those that the second opinion does not confirm only where there is no other."""
    cheap = arms[arms["cost_met"].astype(bool) & (arms["fd"] < arms["plain"])]
    sure = cheap[~cheap["method"].isin(doubted) & cheap["fd_met"].astype(bool)]
    pool = next((some for some in (sure, cheap) if len(some)), arms)
    return pool.loc[pool["fd"].astype(float).idxmin()]


def _missed(best: Mapping, confirmed: bool | None, kept: bool | None) -> list[str]:
    """Which parts of the goal the best method misses; what was not measured is none of them."""
    parts = {
        f"the FD is {best['fd'] / best['limit']:.1f} times its limit": not best["fd_met"],
        f"the price is {best['cost'] / best['cost_limit']:.1f} times its limit": not best["cost_met"],
        "the second opinion does not confirm it": best["fd_met"] and confirmed is False,
        "the quality is not kept": kept is False,
    }
    return [words for words, missed in parts.items() if missed]


def _unanswered(target: str, reading: str) -> dict:
    text = f"{capital(target_words(target))}: no method besides plain sampling and quotas was drawn."
    return {"target": target, "method": "", "reading": reading, "met": None, "sentence": text}


def _headline(best: Mapping, missed: list[str], pilot: float) -> str:
    where, reader = capital(target_words(best["target"])), READINGS[best["reading"]][2]
    read = f" {reader}" if reader else ""
    of_it = f" ({pilot * best['cost']:.2f}x of it the pilot)" if pilot else ""
    numbers = (
        f"{best['method']} reaches an FD of {best['fd']:.3f}{read}, the limit is {best['limit']:.3f}, at"
        f" {best['cost']:.2f}x the network evaluations of plain sampling{of_it}, the limit is"
        f" {best['cost_limit']:g}x."
    )
    if not missed:
        return f"{where}: the goal is met. {numbers}"
    return f"{where}: the goal is missed, {' and '.join(missed)}. At best, {numbers}"


def _dearer(arms: pd.DataFrame, best: Mapping, doubted: set[str]) -> str:
    """What more evaluations would buy, where the goal's price buys too little."""
    met = arms[arms["fd_met"].astype(bool) & ~arms["method"].isin(doubted)]
    if met.empty or (best["fd_met"] and best["method"] not in doubted):
        return ""
    row = met.loc[met["cost"].astype(float).idxmin()]
    return f"{row['method']} keeps to the limit with {row['fd']:.3f}, at {row['cost']:.2f}x."


def _nothing_to_gain(plain: Mapping) -> dict:
    """Plain sampling meets the goal where it is as even as its noise floor."""
    text = (
        f"{capital(target_words(plain['target']))}: the goal is met by plain sampling itself. Its FD of"
        f" {plain['plain']:.3f} is no larger than the noise floor of {plain['floor']:.3f} at n ="
        f" {plain['n']:,}: no method can be seen to do better."
    )
    limit = {"limit": plain["floor"], "times": plain["plain"] / plain["floor"], "cost": 1.0}
    named = {"target": plain["target"], "method": PLAIN, "reading": plain["reading"], "fd": plain["plain"]}
    return named | limit | {"cost_limit": plain["cost_limit"], "met": True, "sentence": text}


def _confirmation(second: pd.DataFrame, confirmed: bool | None) -> str:
    if confirmed is None:
        return "No second opinion reads this target."
    row = second.iloc[0]
    word = "confirms it" if confirmed else "does not confirm the FD"
    return f"The second opinion {word}: {row['fd']:.3f}, the limit is {row['limit']:.3f}."


def _quality(row: Mapping) -> tuple[bool | None, str]:
    """Whether quality was kept, against real faces where they were given."""
    for short, reference in REFERENCES.items():
        value, difference = row[f"kernel_{short}"], row[f"kernel_{short}_vs_plain"]
        low = row[f"kernel_{short}_vs_plain_low"]
        if np.isnan(difference):
            continue
        before = value - difference
        small = before > 0 and difference <= WORSE * before
        if not small and np.isnan(low):
            return None, f"One seed cannot tell whether quality against {reference} was kept."
        kept = bool(small or low <= 0)
        relative = f" ({difference / before:+.0%})" if before > 0 else ""
        word = "is kept" if kept else "is not kept"
        return kept, (
            f"Quality {word}: within groups, the kernel distance to {reference} differs from plain"
            f" sampling's by {difference:+.3g}{relative}."
        )
    return None, "Quality was not measured: no group had 30 faces on every side."
