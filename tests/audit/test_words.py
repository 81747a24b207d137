"""Sentences follow the numbers of the tables."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from gammaface.audit.book import Book
from gammaface.audit.goals import READINGS, goals_table
from gammaface.audit.words import sentences_table
from gammaface.strategies import Target

CLASSES = {"gender": ("female", "male"), "race": ("white", "black", "asian", "indian", "other")}
TARGETS = {name: Target.even((name,), CLASSES) for name in CLASSES}
BOOK = Book(CLASSES, TARGETS, second_missing="it is not installed")
INTERVALS = [f"{kind}_{reference}" for kind in ("kernel", "frechet") for reference in ("real", "base")]


def row(method, target="gender", **changes):
    blank = {
        name: np.nan
        for name in INTERVALS + [f"{i}_vs_plain{e}" for i in INTERVALS for e in ("", "_low", "_high")]
    }
    known = {"method": method, "target": target, "strategy": method, "steered": method != "plain"}
    known |= {"seeds": 5, "n": 2000, "n_second": 0, "note": "", "diversity_high": np.nan}
    known |= {"evaluations": 20.0 * changes.pop("cost", 1.0), "pilot_evaluations": 0.0, "seconds": 1.0}
    for column, floor, _ in READINGS.values():
        known |= {column: np.nan, f"{column}_sd": np.nan, floor: np.nan}
    known |= {"fd": 0.1, "fd_sd": 0.01, "noise_floor": 0.0158, "groups_all": 2}
    known |= {"groups_real": 2, "groups_base": 2, "pooled_real": False, "pooled_base": False}
    return blank | known | changes


def said(*rows, about="goal"):
    summary = pd.DataFrame(rows)
    tables = {"summary": summary, "goals": goals_table(summary, BOOK)}
    tables["moves"] = pd.DataFrame({"method": [], "target": [], "moved": []})
    tables["answers"] = pd.DataFrame({"method": [], "target": [], "sentence": []})
    tables["shares"] = pd.DataFrame({"method": [], "target": [], "attribute": [], "class": [], "count": []})
    tables["agreement"] = pd.DataFrame({"group": [], "method": []})
    found = sentences_table(tables, BOOK)
    return found[found["about"] == about]["sentence"].tolist()


def test_a_met_limit_is_a_fact_with_numbers():
    (words,) = said(row("plain"), row("quota", fd=0.015, fd_sd=0.004, cost=1.8))
    assert words == (
        "Perceived gender, quota: FD 0.015 ± 0.004, plain sampling's is 0.100, at 1.80x its network"
        " evaluations. The limits are 0.020 (a fifth of plain's) and 2x: both are met."
    )
    (words,) = said(row("plain", fd=0.05), row("quota", fd=0.012, cost=2.5))
    assert "0.016 (the noise floor at n = 2,000) and 2x: the cost is above its limit." in words


def test_many_cells_have_wider_limits():
    (words,) = said(row("plain", "race", fd=0.4), row("guided", "race", fd=0.09, cost=3.9))
    assert "0.100 (a quarter of plain's) and 4x: both are met." in words


def test_the_noise_floor_is_no_limit_for_many_cells():
    (words,) = said(row("plain", "race", fd=0.4), row("guided", "race", fd=0.11, cost=3.9, noise_floor=0.15))
    assert "0.100 (a quarter of plain's) and 4x: the FD is above its limit." in words


def test_pilots_are_held_against_each_other_over_as_many_images():
    few = row("guided", fd=0.01, n=500, cost=3.0) | {"pilot_evaluations": 40.0}  # 2x plain's a face
    (words,) = said(row("plain"), few)
    assert "at 1.50x its network evaluations over 2,000 images." in words and "both are met" in words


@settings(deadline=None, max_examples=30)
@given(st.floats(0.001, 0.9), st.floats(0, 0.9), st.floats(0.001, 0.2), st.floats(0.5, 8))
def test_the_verdict_is_that_of_the_numbers(plain, fd, floor, cost):
    (words,) = said(row("plain", fd=plain), row("quota", fd=fd, noise_floor=floor, cost=cost))
    even, cheap = fd <= max(0.2 * plain, floor), cost <= 2
    assert words.endswith("both are met.") == (even and cheap)
    assert words.endswith("both are above their limits.") == (not even and not cheap)
    assert words.endswith("the FD is above its limit.") == (cheap and not even)


def test_every_reading_has_its_own_sentence():
    own = {"fd_corrected": 0.2, "noise_floor_corrected": 0.02}
    second = {"fd_second": 0.1, "noise_floor_second": 0.03, "n_second": 500}
    words = said(row("plain", **own, **second), row("quota", **(own | {"fd_corrected": 0.03}), **second))
    assert len(words) == 3 and "without the classifier's errors, FD 0.030" in words[1]
    assert "by the second opinion, FD 0.100" in words[2] and words[2].endswith("the FD is above its limit.")


def test_evenness_over_components_is_told_as_it_comes_out():
    def of(low, high):
        changes = {"fd_vs_plain": (low + high) / 2, "fd_vs_plain_low": low, "fd_vs_plain_high": high}
        return said(row("plain"), row("component-uniform", **changes), about="components")[0]

    assert "does nothing that shows: the FD differs from plain sampling's by -0.005 [-0.020, +0.010]" in of(
        -0.02, 0.01
    )
    assert "lowers it" in of(-0.03, -0.01) and "raises it" in of(0.01, 0.03)
    assert "one seed gives no interval" in of(np.nan, np.nan)


def test_quality_that_fell_is_said():
    def of(low, high, value=0.06):
        middle = (low + high) / 2
        changes = {"kernel_real": value, "kernel_real_vs_plain": middle, "kernel_real_vs_plain_low": low}
        changes |= {"kernel_real_vs_plain_high": high}
        return said(row("plain"), row("guided", **changes), about="quality")[0]

    assert (
        "on 2 of 2 groups, against real test faces, kernel distance is larger than plain's: +0.01"
        " [+0.005, +0.015], +20%" in of(0.005, 0.015)
    )
    assert "is smaller than plain's" in of(-0.03, -0.01)
    assert "differs from plain's no more than seeds do" in of(-0.01, 0.02)
    (less,) = said(
        row("plain"), row("guided", diversity=0.8, diversity_low=0.7, diversity_high=0.9), about="quality"
    )
    assert "0.80 [0.70, 0.90] times as far apart" in less and less.endswith("less diverse.")


def test_what_is_missing_is_said():
    words = said(row("plain"), about="readings")
    assert "No second opinion stands beside the shares: it is not installed." in words
    assert "Perceived gender: the shares are not corrected: the classifier's recalls are not known." in words
