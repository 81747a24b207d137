"""Goals answered: the best method, by how much it met or missed, and who confirms it."""

import numpy as np
import pandas as pd
import pytest

from gammaface.audit.answers import answers_table
from gammaface.audit.terms import headline, in_order, target_words

LIMIT = {"plain": 0.4, "fraction": 0.2, "floor": 0.01, "n": 1000, "limit": 0.08, "cost_limit": 2.0}
LIMIT |= {"price_n": 1000}


def goal(method, fd, cost, reading="corrected", **changes):
    row = {"method": method, "target": "gender", "reading": reading, "fd": fd, "sd": 0.01, "cost": cost}
    row |= LIMIT | {"pilot_cost": 1.25 if method == "dear" else 0.0} | changes
    return row | {"fd_met": fd <= row["limit"], "cost_met": cost <= row["cost_limit"]}


FLOORS = {"noise_floor": 0.01, "noise_floor_corrected": 0.01, "noise_floor_second": 0.01}


def summary(plain=None, **changes):
    rows = []
    for method in ("plain", "quota", "cheap", "dear"):
        strategy = method if method in ("plain", "quota") else "stratified"
        row = {"method": method, "target": "gender", "strategy": strategy, "seeds": 2, "fd_corrected": 0.1}
        row |= {"fd": 0.1, "n": 1000, "seconds": 1.0 if method == "plain" else 3.0} | FLOORS
        row |= {"evaluations": 20.0, "pilot_evaluations": 5.0 if method == "dear" else 0.0}
        row |= {"fd_second": np.nan, "second": "another", "groups_all": 2}
        for short in ("real", "base"):
            row |= {f"groups_{short}": 2, f"left_out_{short}": "", f"pooled_{short}": False}
            row |= {f"kernel_{short}": np.nan, f"kernel_{short}_vs_plain": np.nan}
            row |= {f"kernel_{short}_vs_plain_{end}": np.nan for end in ("low", "high")}
        rows.append(row | {"cheap": changes, "plain": plain or {}}.get(method, {}))
    return pd.DataFrame(rows)


KEPT = {"kernel_real": 1.0, "kernel_real_vs_plain": 0.0, "kernel_real_vs_plain_low": -0.1}
KEPT |= {"kernel_real_vs_plain_high": 0.1}


def answer(*goals, **changes):
    return answers_table(pd.DataFrame(goals), summary(**changes)).iloc[0]


def test_the_best_within_the_price_is_told():
    row = answer(goal("quota", 0.0, 1.5), goal("cheap", 0.06, 1.8), goal("dear", 0.01, 5.0))
    assert row["method"] == "cheap" and row["times"] == pytest.approx(0.75)
    assert " cheap (2 seeds) reaches an FD of 0.060" in row["sentence"]
    assert "No second opinion reads this target." in row["sentence"] and row["confirmed"] is None
    row = answer(goal("cheap", 0.06, 1.8), goal("cheap", 0.07, 1.8, "second opinion"), seeds=1, **KEPT)
    assert row["sentence"].startswith("Perceived gender: the goal is met. cheap (1 seed) reaches an FD")
    assert row["met"] is True


def test_what_was_not_measured_is_neither_met_nor_missed():
    row = answer(goal("cheap", 0.06, 1.8), **KEPT)
    assert row["met"] is None and row["quality_kept"] is True
    start = "Perceived gender: the goal is met as far as measured; nobody confirmed it: "
    assert row["sentence"].startswith(f"{start}there is no second opinion. cheap")
    row = answer(goal("cheap", 0.06, 1.8), fd_second=0.1, **KEPT)
    assert row["sentence"].startswith(f"{start}the second opinion does not read it. cheap")
    second = goal("cheap", 0.07, 1.8, "second opinion")
    row = answer(goal("cheap", 0.06, 1.8), second)
    assert row["met"] is None and row["confirmed"] is True
    assert "met as far as measured; quality was not measured. cheap" in row["sentence"]
    row = answer(goal("cheap", 0.2, 1.8))
    assert row["met"] is False, "a miss is one, whatever else is not known"


def test_quality_of_some_groups_is_not_quality_of_all():
    second = goal("cheap", 0.07, 1.8, "second opinion")
    some = {"groups_real": 1, "left_out_real": "male", "pooled_real": True}
    row = answer(goal("cheap", 0.06, 1.8), second, **KEPT, **some)
    assert row["met"] is None and row["quality_kept"] is None
    assert "as far as measured; quality was compared on 1 of 2 groups only." in row["sentence"]
    assert "on 1 of 2 groups, seeds together, the kernel distance" in row["sentence"]
    assert row["sentence"].endswith("Not compared, with under 30 faces on a side: male.")
    lost = {"kernel_real": 1.5, "kernel_real_vs_plain": 0.5, "kernel_real_vs_plain_low": 0.2}
    row = answer(goal("cheap", 0.06, 1.8), second, **(KEPT | lost), **some)
    assert row["met"] is False and row["quality_kept"] is False


def test_a_miss_is_told_with_how_far():
    row = answer(goal("cheap", 0.2, 1.8), goal("dear", 0.05, 5.0))
    assert "dear keeps to the limit with 0.050, at 5.00x." in row["sentence"]
    row = answer(goal("cheap", 0.2, 1.8), goal("dear", 0.12, 5.0))
    assert (
        "dear" not in row["sentence"]
        and row["met"] is False
        and "missed, the FD is 2.50 times its limit. At best, cheap" in row["sentence"]
    )
    row = answer(goal("dear", 0.01, 5.0))
    assert "the price is 2.50 times its limit" in row["sentence"]
    assert (
        "at 5.00x the network evaluations of plain sampling (1.25x of it the pilot, over 1,000 images)"
        in row["sentence"]
    )
    assert "At n = 1,000 it took 3.0x plain's time." in row["sentence"]
    row = answer(goal("cheap", 0.5, 1.0), goal("dear", 0.3, 5.0))
    assert row["method"] == "dear", "what is no better than plain sampling is not the best"


def test_the_second_opinion_confirms_or_does_not():
    second = {"reading": "second opinion"}
    row = answer(goal("cheap", 0.06, 1.8), goal("cheap", 0.2, 1.8, **second))
    assert (
        row["confirmed"] is False and "does not confirm the FD: 0.200, the limit is 0.080" in row["sentence"]
    )
    assert row["met"] is False and "missed, the second opinion does not confirm it." in row["sentence"]
    row = answer(goal("cheap", 0.06, 1.8), goal("cheap", 0.07, 1.8, **second))
    assert row["confirmed"] is True and "The second opinion (another) confirms it" in row["sentence"]
    row = answer(goal("cheap", 0.06, 2.05))
    assert "the price is 1.02 times its limit" in row["sentence"], "not 1.0 times"


def test_who_keeps_quality_goes_before_who_loses_it():
    sure = {"reading": "second opinion"}
    arms = [goal("cheap", 0.03, 1.8), goal("cheap", 0.03, 1.8, **sure)]
    arms += [goal("dear", 0.07, 1.9), goal("dear", 0.07, 1.9, **sure)]
    lost = {"kernel_real": 1.5, "kernel_real_vs_plain": 0.5, "kernel_real_vs_plain_low": 0.2}
    assert answer(*arms, **KEPT)["method"] == "cheap"
    assert answer(*arms, **(KEPT | lost))["method"] == "dear"
    row = answer(*arms[:2], **(KEPT | lost))
    assert row["method"] == "cheap" and row["quality_kept"] is False


def test_what_lies_between_the_two_classifiers_is_told():
    doubted = [goal("cheap", 0.06, 1.8), goal("cheap", 0.2, 1.8, "second opinion")]
    even = goal("quota", 0.0, 3.0, "labels")
    words = "Nor does it confirm quota, whose labels have an FD of 0.000: 0.150."
    assert words in answer(*doubted, even, goal("quota", 0.15, 3.0, "second opinion"))["sentence"]
    for others in (
        [even, goal("quota", 0.05, 3.0, "second opinion")],  # it confirms quota
        [goal("quota", 0.1, 3.0, "labels"), goal("quota", 0.15, 3.0, "second opinion")],  # not even itself
        [even],
    ):
        assert "Nor does it" not in answer(*doubted, *others)["sentence"]
    sure = [goal("cheap", 0.06, 1.8), goal("cheap", 0.07, 1.8, "second opinion")]
    row = answer(*sure, even, goal("quota", 0.15, 3.0, "second opinion"))
    assert "Nor does it" not in row["sentence"]


def test_who_is_confirmed_goes_before_who_is_doubted():
    doubt = {"reading": "second opinion"}
    arms = [goal("cheap", 0.07, 1.8), goal("dear", 0.01, 1.9)]
    row = answer(*arms, goal("cheap", 0.07, 1.8, **doubt), goal("dear", 0.2, 1.9, **doubt), **KEPT)
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
    row = answer(goal("cheap", 0.06, 1.8), goal("cheap", 0.07, 1.8, "second opinion"), **measured)
    assert row["quality_kept"] is kept and words in row["sentence"]
    told = "the kernel distance to real test faces within groups, on average, differs"
    assert kept is None or told in row["sentence"]
    assert row["met"] is kept


@pytest.mark.parametrize("low, named", [(0.2, True), (-0.1, False), (np.nan, False)])
def test_a_loss_by_the_base_generators_faces_is_named_and_decides_nothing(low, named):
    base = {"kernel_base": 0.5, "kernel_base_vs_plain": 0.4, "kernel_base_vs_plain_low": low}
    base |= {"kernel_base_vs_plain_high": 0.6}
    row = answer(goal("cheap", 0.06, 1.8), goal("cheap", 0.07, 1.8, "second opinion"), **KEPT, **base)
    assert row["quality_kept"] is True
    assert "differs from plain sampling's by +0 [-0.1, +0.1]" in row["sentence"]
    told = "There is a loss by the other reference: on 2 of 2 groups the kernel distance to the base"
    assert (told in row["sentence"]) is named
    assert ("+0.4 [+0.2, +0.6]." in row["sentence"]) is named


def test_nothing_to_gain_and_nothing_drawn():
    even = {"fd_corrected": 0.005, "n": 10_000}
    # The floor is that of plain's own number of pictures, not of the arm beside it.
    row = answer(goal("cheap", 0.3, 1.8, plain=0.005, floor=0.03, limit=0.03), plain=even)
    assert row["method"] == "plain" and row["met"] and "met by plain sampling itself" in row["sentence"]
    assert "the noise floor of 0.010 at n = 10,000" in row["sentence"] and row["times"] == 0.5
    assert "second opinion" not in row["sentence"]
    row = answer(goal("cheap", 0.3, 1.8, plain=0.02, floor=0.03), plain={"fd_corrected": 0.02})
    assert row["method"] == "cheap"
    row = answer(goal("cheap", 0.3, 1.8, plain=0.005), plain=even | {"fd_second": 0.01})
    assert row["method"] == "plain" and row["met"] is row["confirmed"] is True


def test_what_the_second_opinion_does_not_see_even_is_not_done():
    uneven = {"fd_corrected": 0.005, "fd_second": 0.2}
    arms = [goal("cheap", 0.007, 1.8, plain=0.005, floor=0.01, limit=0.01)]
    told = {"reading": "second opinion", "plain": 0.2, "limit": 0.04}
    row = answer(*arms, goal("cheap", 0.03, 1.8, **told), plain=uneven, **KEPT)
    assert row["method"] == "cheap" and row["met"] is True, "no more even to the one, seen to be to the other"
    row = answer(*arms, goal("cheap", 0.1, 1.8, **told), plain=uneven, **KEPT)
    assert row["met"] is False and "the second opinion does not confirm it" in row["sentence"]


def test_without_arms_nothing_is_answered():
    row = answer(goal("quota", 0.0, 1.5))
    assert row["met"] is None and "no method besides plain sampling and quotas" in row["sentence"]


def test_each_target_has_its_own_reading():
    """One target without recalls leaves the others corrected."""
    two = pd.concat([summary(), summary().assign(target="hat", fd_corrected=np.nan)])
    rows = [goal("cheap", 0.06, 1.8), goal("cheap", 0.3, 1.8, "labels")]
    rows += [goal("cheap", 0.07, 1.8, "labels", target="hat")]
    found = answers_table(pd.DataFrame(rows), two).set_index("target")
    assert found["reading"].to_dict() == {"gender": "corrected", "hat": "labels"}
    assert found["fd"].to_dict() == {"gender": 0.06, "hat": 0.07}


def test_terms():
    assert in_order(summary()) == ["plain", "quota", "cheap", "dear"]
    assert headline(summary()) == "corrected" and headline(summary(fd_corrected=np.nan)) == "labels"
    assert target_words("race3") == "perceived race (White, Black, Other)"
