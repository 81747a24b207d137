"""Goals answered: the best method, by how much it met or missed, and who confirms it."""

import numpy as np
import pandas as pd
import pytest

from gammaface.audit.answers import answers_table
from gammaface.audit.terms import headline, in_order, target_words

LIMIT = {"plain": 0.4, "fraction": 0.2, "floor": 0.01, "n": 1000, "limit": 0.08, "cost_limit": 2.0}


def goal(method, fd, cost, reading="corrected", **changes):
    row = {"method": method, "target": "gender", "reading": reading, "fd": fd, "sd": 0.01, "cost": cost}
    row |= LIMIT | changes
    return row | {"fd_met": fd <= row["limit"], "cost_met": cost <= row["cost_limit"]}


def summary(**changes):
    rows = []
    for method in ("plain", "quota", "cheap", "dear"):
        strategy = method if method in ("plain", "quota") else "stratified"
        row = {"method": method, "target": "gender", "strategy": strategy, "seeds": 2, "fd_corrected": 0.1}
        row |= {"evaluations": 20.0, "pilot_evaluations": 5.0 if method == "dear" else 0.0}
        for short in ("real", "base"):
            row |= {f"kernel_{short}": np.nan, f"kernel_{short}_vs_plain": np.nan}
            row |= {f"kernel_{short}_vs_plain_low": np.nan}
        rows.append(row | (changes if method == "cheap" else {}))
    return pd.DataFrame(rows)


def answer(*goals, **changes):
    return answers_table(pd.DataFrame(goals), summary(**changes)).iloc[0]


def test_the_best_within_the_price_is_told():
    row = answer(goal("quota", 0.0, 1.5), goal("cheap", 0.06, 1.8), goal("dear", 0.01, 5.0))
    assert row["method"] == "cheap" and row["met"] is True and row["times"] == pytest.approx(0.75)
    assert row["sentence"].startswith("Perceived gender: the goal is met. cheap reaches an FD of 0.060")
    assert "No second opinion reads this target." in row["sentence"] and row["confirmed"] is None


def test_a_miss_is_told_with_how_far():
    row = answer(goal("cheap", 0.2, 1.8), goal("dear", 0.05, 5.0))
    assert "dear keeps to the limit with 0.050, at 5.00x." in row["sentence"]
    row = answer(goal("cheap", 0.2, 1.8), goal("dear", 0.12, 5.0))
    assert (
        "dear" not in row["sentence"]
        and row["met"] is False
        and "missed, the FD is 2.5 times its limit. At best, cheap" in row["sentence"]
    )
    row = answer(goal("dear", 0.01, 5.0))
    assert "the price is 2.5 times its limit" in row["sentence"]
    assert "at 5.00x the network evaluations of plain sampling (1.25x of it the pilot)" in row["sentence"]
    row = answer(goal("cheap", 0.5, 1.0), goal("dear", 0.3, 5.0))
    assert row["method"] == "dear", "what is no better than plain sampling is not the best"


def test_the_second_opinion_confirms_or_does_not():
    second = {"reading": "second opinion"}
    row = answer(goal("cheap", 0.06, 1.8), goal("cheap", 0.2, 1.8, **second))
    assert (
        row["confirmed"] is False and "does not confirm the FD: 0.200, the limit is 0.080" in row["sentence"]
    )
    assert row["met"] is False and "missed, the second opinion does not confirm it." in row["sentence"]
    assert answer(goal("cheap", 0.06, 1.8), goal("cheap", 0.07, 1.8, **second))["confirmed"] is True


def test_who_is_confirmed_goes_before_who_is_doubted():
    doubt = {"reading": "second opinion"}
    arms = [goal("cheap", 0.07, 1.8), goal("dear", 0.01, 1.9)]
    row = answer(*arms, goal("cheap", 0.07, 1.8, **doubt), goal("dear", 0.2, 1.9, **doubt))
    assert row["method"] == "cheap" and row["met"] is True and row["confirmed"] is True
    arms = [goal("cheap", 0.2, 1.8), goal("dear", 0.01, 1.9)]
    row = answer(*arms, goal("cheap", 0.2, 1.8, **doubt), goal("dear", 0.2, 1.9, **doubt))
    assert row["method"] == "dear" and row["met"] is False, "unconfirmed is nearer than missed"
    arms = [goal("cheap", 0.02, 1.8), goal("dear", 0.01, 2.9)]
    row = answer(*arms, goal("cheap", 0.2, 1.8, **doubt), goal("dear", 0.07, 2.9, **doubt))
    assert row["method"] == "cheap" and "dear keeps to the limit with 0.010, at 2.90x." in row["sentence"]


@pytest.mark.parametrize(
    "value, difference, low, kept, words",
    [
        (1.05, 0.05, 0.01, True, "Quality is kept"),  # 5% more
        (1.5, 0.5, -0.1, True, "Quality is kept"),  # not significantly
        (1.5, 0.5, 0.2, False, "Quality is not kept"),
        (1.5, 0.5, np.nan, None, "One seed cannot tell"),
    ],
)
def test_quality_is_part_of_the_answer(value, difference, low, kept, words):
    measured = {"kernel_real": value, "kernel_real_vs_plain": difference, "kernel_real_vs_plain_low": low}
    row = answer(goal("cheap", 0.06, 1.8), **measured)
    assert row["quality_kept"] is kept and words in row["sentence"]
    assert row["met"] is (kept is not False)


def test_nothing_to_gain_and_nothing_drawn():
    row = answer(goal("cheap", 0.3, 1.8, plain=0.02, floor=0.03, limit=0.03))
    assert row["method"] == "plain" and row["met"] and "met by plain sampling itself" in row["sentence"]
    row = answer(goal("quota", 0.0, 1.5))
    assert row["met"] is None and "no method besides plain sampling and quotas" in row["sentence"]


def test_terms():
    assert in_order(summary()) == ["plain", "quota", "cheap", "dear"]
    assert headline(summary()) == "corrected" and headline(summary(fd_corrected=np.nan)) == "labels"
    assert target_words("race3") == "perceived race (White, Black, Other)"
