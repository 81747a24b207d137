"""Quality is told of the groups that a target asks for, and of no other."""

import numpy as np
import pytest

from gammaface.audit.book import Book
from gammaface.audit.options import BASE
from gammaface.audit.reference import Real
from gammaface.audit.tables import audit_tables
from gammaface.metrics.quality_by_group import MEAN
from gammaface.strategies import Target
from tests.audit.toy_classifier import labels_with, written_cell
from tests.strategies.toy import CLASSES

COLOUR = {"colour": CLASSES["colour"]}
TWO = Book(COLOUR, {"colour": Target.of(("colour",), COLOUR, [0.5, 0.5, 0.0])}, second_missing="none")


def drawn(counts, seed, spoilt=False):
    """Labels and features; of spoilt faces the blue ones lie elsewhere, and all in one place."""
    labels, rng = labels_with({"colour": counts}), np.random.default_rng(seed)
    features = rng.normal(size=(len(labels), 8))
    blue = labels["colour=blue"].to_numpy() > 0.5
    return labels, np.where(blue[:, None] & spoilt, 5 + features / 10, features)


def tables(run, plain, other):
    """Of a method that spoils blue faces, which the target does not ask for."""

    def cell(method, seed, counts, **rest):
        return written_cell(run, method, seed, *drawn(counts, seed + sum(map(ord, method)), **rest))

    cells = [cell(BASE, 40, [100, 100, 100])]
    for seed in (0, 1):
        cells += [cell("plain", seed, plain), cell("other", seed, other, spoilt=True)]
    return audit_tables(cells, TWO, Real(*drawn([100, 100, 100], 50)), resamples=20)


def test_a_group_that_is_not_asked_for_moves_no_quality(tmp_path):
    found = tables(tmp_path, [60, 40, 100], [80, 80, 40])
    row = found["summary"].set_index("method").loc["other"]
    for short in ("real", "base"):
        assert row[f"groups_{short}"] == row["groups_all"] == 2
        assert abs(row[f"kernel_{short}_vs_plain"]) < 0.5, "the spoilt group's alone is over 100"
        assert row[f"precision_{short}"] > 0.8
    assert row["diversity"] == pytest.approx(1, abs=0.05)
    by_seed = found["by_seed"]
    assert (by_seed.loc[by_seed["metric"].isin(["groups_real", "groups_base"]), "value"] == 2).all()
    quality = found["quality"]
    assert set(quality["group"]) == {"red", "green", MEAN}
    assert (quality.loc[quality["kind"] == "kernel", "value"].abs() < 0.5).all()
    assert "blue" in set(found["between"]["group"]), "how far groups lie apart is no quality"


def test_large_groups_that_are_not_asked_for_are_no_comparison(tmp_path):
    found = tables(tmp_path, [10, 2, 100], [10, 10, 80])
    row = found["summary"].set_index("method").loc["other"]
    assert row["groups_real"] == 0 and np.isnan(row["kernel_real"]) and np.isnan(row["diversity"])
    answer = found["answers"].iloc[0]
    assert answer["quality_kept"] is None and "0 of 2 groups" not in answer["sentence"]
    assert "Quality was not measured: no group had 30 faces on every side." in answer["sentence"]
    assert not found["sentences"]["sentence"].str.contains("0 of 2 groups").any()


def test_no_face_of_a_group_that_is_asked_for_is_no_error(tmp_path):
    found = tables(tmp_path, [0, 0, 100], [40, 40, 20])
    assert set(found["quality"]["method"]) == {"other"}
