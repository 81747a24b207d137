"""Distances between groups, and skin tone by group, on data whose answer is known."""

import numpy as np
import pytest

from gammaface.audit.between import KINDS, REAL, group_distances
from gammaface.audit.quality import Faces
from gammaface.audit.tones import QUANTILES
from gammaface.strategies import Target
from tests.strategies.toy import CLASSES


def faces(counts, gap):
    rng, cells = np.random.default_rng(0), np.repeat(np.arange(len(counts)), counts)
    return Faces(rng.normal(size=(len(cells), 6)) + gap * cells[:, None], cells)


def test_groups_lie_apart_and_halves_do_not():
    target = Target.even(("colour",), CLASSES)
    table = group_distances(faces([200, 200, 200], gap=2.0), target).set_index(["kind", "group", "other"])
    for kind in KINDS:
        value = table["value"].loc[kind]
        assert value["red", "blue"] > value["red", "green"] > 5 * abs(value["red", "red"])
        assert value["red", "green"] == value["green", "red"]
    assert (table["n"] == 100).all()


def test_small_groups_are_left_out_in_words():
    target = Target.even(("colour",), CLASSES)
    table = group_distances(faces([200, 200, 59], gap=1.0), target)
    few = table[(table["group"] == "blue") | (table["other"] == "blue")]
    assert few["value"].isna().all() and few["note"].str.contains("59 faces of blue: 60 are needed").all()
    assert table.loc[~table.index.isin(few.index), "value"].notna().all()


def test_an_audit_has_both_tables(drawn):
    run, _ = drawn
    between = run.table("between")
    assert set(between["method"]) == {"plain", "even", "quota", REAL}
    quota = between.query("method == 'quota' and target == 'side' and kind == 'kernel'")
    apart = quota.set_index(["group", "other"])["value"]
    assert apart["left", "right"] > 10 * abs(apart["left", "left"])
    assert set(QUANTILES) < set(run.table("tones"))


def test_tones_are_quantiles_of_each_group(tmp_path):
    from gammaface.audit.arms import Arm
    from gammaface.audit.cells import Cell, Stored
    from gammaface.audit.tones import tones_table
    from tests.audit.toy_classifier import labels_with

    labels = labels_with({"side": [101, 4]}).assign(ita=np.r_[np.arange(101.0), np.full(4, -20.0)])
    stored = Stored(Cell("plain", "", 0), {}, {}, tmp_path)
    stored.__dict__["labels"] = labels
    table = tones_table([Arm("plain", "side", {0: stored})], {"side": Target.even(("side",), CLASSES)})
    rows = table.set_index("group")
    assert rows.loc["left", ["p05", "median", "p95", "n"]].tolist() == [5, 50, 95, 101]
    assert rows.at["left", "low"] < 50 < rows.at["left", "high"] and np.isnan(rows.at["right", "low"])
    assert rows.at["all", "n"] == 105 and rows.at["right", "median"] == pytest.approx(-20)
