"""What the paper says about downstream fairness, held against our own figures, in words.

A difference counts where its 95% interval, over two seeds or more, leaves 0 out. Every claim
about evenness is a difference to the same mix of plain samples, not to the originals alone; arms
whose sets of generated faces are of several sizes are not held against each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gammaface.baselines import METHODS
from gammaface.downstream.cells import Cell
from gammaface.downstream.claimed import BASE, COMPARISONS, MAIN, OURS, PLAIN, Comparison, Side
from gammaface.downstream.figures import Interval, TaskFigures
from gammaface.downstream.terms import EVEN, FAILS, HOLDS, LARGER_IS_BETTER, MISSING, OPEN, has_order

WORDS = {"bias": "Bias", "kl": "KL", "ba": "BA x100", "accuracy": "accuracy (points)", "bpc": "BPC"}
NO_ORDER = "a signed Bias has no better side"
FALL, RISE = 0.65, 1.8  # of Bias, relative; of accuracy, in points
SMILE = f"smile Bias falls by {FALL:.0%} and accuracy rises by {RISE} points"


def claims_table(figures: Sequence[TaskFigures]) -> pd.DataFrame:
    """Every claim on every task.

    Returns
    -------
    DataFrame
        claim, where ("text" or "table n" of the paper, or "ours"), data, target, metric,
        difference (better - worse as claimed), low, high, verdict, sentence, contradiction.
    """
    rows = [
        judged(comparison, found)
        for comparison in COMPARISONS
        for found in figures
        if not comparison.targets or found.task.target in comparison.targets
    ]
    rows += [judged(comparison, found) for found in figures for comparison in _other_sets(found)]
    rows += [smile_claim(found) for found in figures if found.task.target == "smile"]
    return pd.DataFrame(rows)


def _other_sets(figures: TaskFigures) -> list[Comparison]:
    """Whether sets of other strategies do what evenness over components is claimed to do."""
    own = METHODS[EVEN].source
    found = {cell.source for cell in figures.arms.values() if cell.method == EVEN} - {own}
    return [
        Comparison(
            f"Faces drawn by {source} lower Bias beside plain ones",
            "ours",
            Side(EVEN, MAIN, source=source),
            PLAIN,
            "bias",
        )
        for source in sorted(found)
    ]


def judged(comparison: Comparison, figures: TaskFigures) -> dict:
    """One claim on one task."""
    better, worse = (main_arm(figures, side) for side in (comparison.better, comparison.worse))
    row = {
        "claim": comparison.claim,
        "where": comparison.where,
        "data": figures.task.data,
        "target": figures.task.target,
        "metric": comparison.metric,
        "contradiction": comparison.contradiction,
    }
    why = ""
    if better is None or worse is None:
        why = f"{comparison.better if better is None else comparison.worse} was not run"
    elif sizes := figures.unequal(better, worse):
        why = "their sets have {:,} and {:,} generated faces".format(*sizes)
    elif not has_order(comparison.metric, figures.variants.get(comparison.metric, "")):
        why = NO_ORDER
    if why:
        sentence = f"{comparison.claim}: {MISSING} on {figures.task} ({why})."
        blank = dict.fromkeys(("difference", "low", "high"), np.nan)
        return row | blank | {"verdict": MISSING, "sentence": sentence}
    difference, low, high = figures.difference(better, worse, comparison.metric)
    seeds = len(figures.shared(better, worse, comparison.metric))
    verdict = _over(seeds, verdict_of(low, high, smaller=comparison.metric not in LARGER_IS_BETTER))
    numbers = f"{WORDS[comparison.metric]} differs by {_ends((difference, low, high))}"
    if np.isnan(difference):
        numbers = f"{WORDS[comparison.metric]} is undefined"
    sentence = f"{comparison.claim}: {verdict} on {figures.task}; {numbers}, {_behind(figures, seeds)}."
    return row | {
        "difference": difference,
        "low": low,
        "high": high,
        "verdict": verdict,
        "sentence": sentence,
    }


def _ends(interval: Interval) -> str:
    return "{:+.3g} [{:+.3g}, {:+.3g}]".format(*interval)


def _behind(figures: TaskFigures, seeds: int) -> str:
    """Test faces and seeds behind a difference."""
    return f"n = {figures.n:,}, " + (
        "1 seed, which knows no noise of training" if seeds == 1 else f"{seeds} seeds"
    )


def _over(seeds: int, verdict: str) -> str:
    """A verdict over so many seeds: one settles nothing, its interval knows the test faces' noise alone."""
    return OPEN if seeds == 1 and verdict in (HOLDS, FAILS) else verdict


def verdict_of(low: float, high: float, *, smaller: bool) -> str:
    """What an interval of (claimed better - claimed worse) says.

    Examples
    --------
    >>> [verdict_of(low, low + .2, smaller=True) for low in (-.3, -.1, .1)]
    ['holds here', 'not settled', 'does not hold here']
    """
    if np.isnan(low):
        return MISSING
    if low <= 0 <= high:
        return OPEN
    return HOLDS if (high < 0) == smaller else FAILS


def smile_claim(figures: TaskFigures) -> dict:
    """The paper's headline number: relative fall of Bias and gain in accuracy, as they are here."""
    arm, base = main_arm(figures, OURS), main_arm(figures, BASE)
    row = {"claim": SMILE, "where": "text", "data": figures.task.data, "target": "smile", "metric": "bias"}
    row["contradiction"] = (
        "The baseline Bias that B and BPC imply is .0162, which fits;"
        " the 70+30 and 30+70 rows imply .0999 and .0044."
    )
    blank = dict.fromkeys(("difference", "low", "high"), np.nan)
    if not has_order("bias", figures.variants["bias"]):
        why = f" ({NO_ORDER})"
        return row | blank | {"verdict": MISSING, "sentence": f"{SMILE}: {MISSING} on {figures.task}{why}."}
    seeds = 0 if arm is None or base is None else len(figures.shared(arm, base, "bias"))
    if not seeds:
        return row | blank | {"verdict": MISSING, "sentence": f"{SMILE}: {MISSING} on {figures.task}."}
    before = figures.value(base, "bias", beside=arm)[0]
    fall, gain = (figures.difference(arm, base, metric) for metric in ("bias", "accuracy"))
    verdict = _over(seeds, smile_verdict(before, fall, gain))
    sentence = (
        f"{SMILE}: {verdict} on {figures.task}; Bias of {before:.4f} moves by {_ends(fall)}"
        f" ({100 * fall[0] / before if before else np.nan:+.0f}%), accuracy by {_ends(gain)} points,"
        f" {_behind(figures, seeds)}."
    )
    difference, low, high = fall
    numbers = {"difference": difference, "low": low, "high": high}
    return row | numbers | {"verdict": verdict, "sentence": sentence}


def smile_verdict(before: float, fall: Interval, gain: Interval) -> str:
    """Whether Bias, `before` at first, and accuracy move as far as the paper says.

    Either interval that leaves the paper's figure out refutes it; an interval that reaches it
    settles nothing as long as it holds 0, too.

    Examples
    --------
    >>> smile_verdict(0.06, (-0.01, -0.03, 0.01), (-0.4, -1.2, 0.3))
    'does not hold here'
    >>> smile_verdict(0.06, (-0.05, -0.07, -0.03), (2.0, 1.0, 3.0))
    'holds here'
    """
    if np.isnan(fall[0]) or np.isnan(gain[0]):
        return MISSING
    if -FALL * before < fall[1] or gain[2] < RISE:
        return FAILS
    return HOLDS if fall[0] <= -FALL * before and fall[2] < 0 and gain[0] >= RISE and gain[1] > 0 else OPEN


def main_arm(figures: TaskFigures, side: Side) -> str | None:
    """The arm that a claim names; None where it was not run. Of several filters the strictest."""
    found = [(cell.min_p, arm) for arm, cell in figures.arms.items() if _is(side, cell, figures)]
    return max(found, key=lambda each: each[0], default=(0, None))[1]


def _is(side: Side, cell: Cell, figures: TaskFigures) -> bool:
    if cell.method != side.method:
        return False
    if not cell.source:
        return True
    if cell.source != (side.source or METHODS[cell.method].source):
        return False
    design, labeller, min_p = figures.main_settings
    as_sure = cell.min_p == min_p if side.filtered is None else (cell.min_p > 0) == side.filtered
    return as_sure and (cell.share, cell.design, cell.labeller) == (
        side.share,
        side.design or design,
        side.labeller or labeller,
    )
