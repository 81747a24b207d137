"""What the paper says about downstream fairness, held against our own figures, in words.

A difference counts where its 95% interval leaves 0 out. Every claim about evenness is a
difference to the same mix of plain samples, not to the originals alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gammaface.baselines import METHODS
from gammaface.downstream.figures import TaskFigures
from gammaface.downstream.terms import CONTROL, EVEN, FAILS, HOLDS, LARGER_IS_BETTER, MISSING, OPEN, REFERENCE

WORDS = {"bias": "Bias", "kl": "KL", "ba": "BA x100", "accuracy": "accuracy (points)", "bpc": "BPC"}
MAIN = 0.5


@dataclass(frozen=True)
class Comparison:
    """``better`` is claimed to beat ``worse`` in a metric; both are (method, share).

    ``source`` is the better one's set of generated faces, where it is not the method's own;
    ``contradiction`` is what the paper's own tables say against the claim.
    """

    claim: str
    where: str
    better: tuple[str, float]
    worse: tuple[str, float]
    metric: str
    targets: tuple[str, ...] = ()
    contradiction: str = ""
    source: str = ""


RIVALS = {"ramaswamy": "Ramaswamy 2021", "diga": "DiGA 2024", "pass": "PASS 2021"}
COMPARISONS = (
    Comparison("GAMMA-FACE lowers Bias", "text", (EVEN, MAIN), (REFERENCE, 0), "bias"),
    Comparison(
        "GAMMA-FACE raises accuracy on smile", "text", (EVEN, MAIN), (REFERENCE, 0), "accuracy", ("smile",)
    ),
    Comparison(
        "KL falls on all tasks",
        "text",
        (EVEN, MAIN),
        (REFERENCE, 0),
        "kl",
        contradiction="In table 2 FairFace age rises from .769 to .783.",
    ),
    *(
        Comparison(
            f"GAMMA-FACE has less Bias than {name}",
            "table 1",
            (EVEN, MAIN),
            (rival, MAIN),
            "bias",
            contradiction="In table 1 GAMMA-FACE is not the best row for age Bias.",
        )
        for rival, name in RIVALS.items()
    ),
    Comparison(
        "Training on generated faces alone hurts accuracy", "text", (REFERENCE, 0), (EVEN, 1), "accuracy"
    ),
    Comparison("Training on generated faces alone hurts Bias", "text", (REFERENCE, 0), (EVEN, 1), "bias"),
    *(
        Comparison(
            f"BPC is higher at 1:1 than at {round(100 * share)}% generated",
            "text",
            (EVEN, MAIN),
            (EVEN, share),
            "bpc",
            contradiction="In table 4 FairFace gender is .117 at 30+70, above .085." if share < MAIN else "",
        )
        for share in (0.3, 0.7, 1.0)
    ),
    Comparison(
        "70+30 is a little better than 100% generated",
        "text",
        (EVEN, 0.7),
        (EVEN, 1),
        "bias",
        contradiction="In the tables smile Bias is .119, above .0204, and hair BPC -.376, below -.176.",
    ),
    Comparison("Evenness over components lowers Bias", "ours", (EVEN, MAIN), ("plain-augment", MAIN), "bias"),
    Comparison(
        "Evenness over components raises accuracy", "ours", (EVEN, MAIN), ("plain-augment", MAIN), "accuracy"
    ),
    Comparison("Any generated faces lower Bias", "ours", ("plain-augment", MAIN), (REFERENCE, 0), "bias"),
    Comparison(
        "Filling the gaps has less Bias than even faces", "ours", ("targeted", MAIN), (EVEN, MAIN), "bias"
    ),
    Comparison(
        "Filling the gaps has less Bias than weighing groups alike",
        "ours",
        ("targeted", MAIN),
        ("group-reweigh", 0),
        "bias",
    ),
    Comparison(
        "GAMMA-FACE has less Bias than weighing groups alike",
        "ours",
        (EVEN, MAIN),
        ("group-reweigh", 0),
        "bias",
    ),
)
SMILE = "smile Bias falls by 65% and accuracy rises by 1.8 points"


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
            (EVEN, MAIN),
            (CONTROL, MAIN),
            "bias",
            source=source,
        )
        for source in sorted(found)
    ]


def judged(comparison: Comparison, figures: TaskFigures) -> dict:
    """One claim on one task."""
    better = main_arm(figures, *comparison.better, source=comparison.source)
    worse = main_arm(figures, *comparison.worse)
    row = {
        "claim": comparison.claim,
        "where": comparison.where,
        "data": figures.task.data,
        "target": figures.task.target,
        "metric": comparison.metric,
        "contradiction": comparison.contradiction,
    }
    if better is None or worse is None:
        method, share = comparison.better if better is None else comparison.worse
        arm = f"{method} at {share:.0%}" if share not in (0, MAIN) else method
        sentence = f"{comparison.claim}: {MISSING} on {figures.task} ({arm} was not run)."
        blank = dict.fromkeys(("difference", "low", "high"), np.nan)
        return row | blank | {"verdict": MISSING, "sentence": sentence}
    difference, low, high = figures.difference(better, worse, comparison.metric)
    verdict = verdict_of(low, high, smaller=comparison.metric not in LARGER_IS_BETTER)
    numbers = f"{WORDS[comparison.metric]} differs by {difference:+.3g} [{low:+.3g}, {high:+.3g}]"
    if np.isnan(difference):
        numbers = f"{WORDS[comparison.metric]} is undefined"
    seeds = len(figures.seeds[better])
    sentence = (
        f"{comparison.claim}: {verdict} on {figures.task}; {numbers},"
        f" n = {figures.n:,}, {seeds} seed{'s' if seeds > 1 else ''}."
    )
    return row | {
        "difference": difference,
        "low": low,
        "high": high,
        "verdict": verdict,
        "sentence": sentence,
    }


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
    arm, base = main_arm(figures, EVEN, MAIN), main_arm(figures, REFERENCE, 0)
    row = {"claim": SMILE, "where": "text", "data": figures.task.data, "target": "smile", "metric": "bias"}
    row["contradiction"] = (
        "The baseline Bias that B and BPC imply is .0162, which fits;"
        " the 70+30 and 30+70 rows imply .0999 and .0044."
    )
    blank = dict.fromkeys(("difference", "low", "high"), np.nan)
    if arm is None or base is None:
        return row | blank | {"verdict": MISSING, "sentence": f"{SMILE}: {MISSING} on {figures.task}."}
    before, after = (figures.value(a, "bias")[0] for a in (base, arm))
    gain = figures.difference(arm, base, "accuracy")[0]
    difference, low, high = figures.difference(arm, base, "bias")
    relative = 100 * (after - before) / before if before else np.nan
    verdict = verdict_of(low, high, smaller=True)
    if verdict == HOLDS and not (relative <= -65 and gain >= 1.8):
        verdict = FAILS
    sentence = (
        f"{SMILE}: {verdict} on {figures.task}; Bias moves by {relative:+.0f}% from {before:.4f},"
        f" accuracy by {gain:+.1f} points."
    )
    numbers = {"difference": difference, "low": low, "high": high}
    return row | numbers | {"verdict": verdict, "sentence": sentence}


def main_arm(figures: TaskFigures, method: str, share: float, *, source: str = "") -> str | None:
    """The arm of a method at a share, under the mix that most arms have; None without one.

    ``source`` is its set of generated faces; by default the method's own.
    """
    for arm, cell in figures.arms.items():
        own_set = cell.method != EVEN or cell.source == (source or METHODS[EVEN].source)
        same_mix = cell.share == share and cell.settings == figures.main_settings
        if cell.method == method and own_set and (same_mix or not cell.source):
            return arm
    return None
