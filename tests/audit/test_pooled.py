"""Seeds put together to compare a rare group, with cells whose faces are known."""

import numpy as np

from gammaface.audit import quality
from gammaface.audit.answers import answers_table
from gammaface.audit.book import Book
from gammaface.audit.options import BASE
from gammaface.audit.pooled import pooled_distances
from gammaface.audit.quality import Faces, few_of_each, quality_table
from gammaface.audit.reference import Real
from gammaface.audit.tables import audit_tables
from gammaface.strategies import Target
from tests.audit.toy_classifier import labels_with, written_cell
from tests.strategies.toy import CLASSES

SIDE = Book({"side": CLASSES["side"]}, {"side": Target.even(("side",), CLASSES)}, second_missing="none")
REAL = {"side": [200, 200]}


def drawn(counts, seed=0, shift=0.0):
    """Labels and features: groups lie apart, and each seed has noise of its own."""
    labels, rng = labels_with(counts), np.random.default_rng(seed)
    codes = labels["side=right"].to_numpy() > 0.5
    return labels, rng.normal(size=(len(labels), 8)) + codes[:, None] + shift


def cell(run, method, seed, counts, **rest):
    return written_cell(run, method, seed, *drawn(counts, seed, **rest))


def tables(run, plain, other, seeds=(0, 1), **rest):
    cells = [cell(run, BASE, 40, {"side": [300, 100]})]
    for seed in seeds:
        cells += [cell(run, "plain", seed, plain), cell(run, "other", seed, other, **rest)]
    return audit_tables(cells, SIDE, Real(*drawn(REAL, 50)), resamples=50)


def test_a_group_that_is_rare_in_each_seed_is_compared_over_all(tmp_path):
    found = tables(tmp_path, {"side": [150, 20]}, {"side": [60, 60]}, shift=0.5)
    seeds = found["by_seed"].query("metric == 'groups_real'")["value"]
    assert (seeds == 1).all(), "20 faces a seed are too few"
    row = found["summary"].set_index("method").loc["other"]
    assert row[["groups_real", "groups_all", "left_out_real", "pooled_real"]].tolist() == [2, 2, "", True]
    assert row["kernel_real_vs_plain_low"] > 0, "these are worse, and two seeds together tell"
    assert row["kernel_real_low"] < row["kernel_real"] < row["kernel_real_high"]
    told = found["sentences"].query("about == 'quality' and method == 'other'")["sentence"].iloc[0]
    assert "on 2 of 2 groups, seeds together, against real test faces" in told
    assert np.isnan(found["summary"].set_index("method").at["plain", "kernel_real_vs_plain"])


def test_two_seeds_tell_a_loss_by_their_faces(tmp_path):
    """Student's interval over two seeds reaches 12.7 standard errors, and every loss is kept."""
    found = tables(tmp_path, {"side": [150, 40]}, {"side": [60, 60]}, shift=0.3)
    row = found["summary"].set_index("method").loc["other"]
    assert row["groups_real"] == 2 and row["pooled_real"] and row["kernel_real_vs_plain_low"] > 0
    figures = found["figures"].query("method == 'other'").set_index("metric")
    by_seed = found["by_seed"].query("method == 'other' and metric == 'recall_real'")["value"]
    assert figures.at["recall_real", "value"] == by_seed.mean(), "every seed has both groups"
    assert figures.at["recall_real", "vs_plain_low"] < figures.at["recall_real", "vs_plain"]
    answer = found["answers"].iloc[0]
    assert answer["quality_kept"] is False and "seeds together," in answer["sentence"]


def test_one_seed_has_no_interval(tmp_path):
    found = tables(tmp_path, {"side": [150, 40]}, {"side": [60, 60]}, seeds=(0,))
    row = found["summary"].set_index("method").loc["other"]
    assert not row["pooled_real"] and np.isnan(row["kernel_real_vs_plain_low"])


def test_enough_faces_in_every_one_of_four_seeds_are_compared_seed_by_seed(tmp_path):
    found = tables(tmp_path, {"side": [150, 40]}, {"side": [60, 60]}, seeds=range(4))
    row = found["summary"].set_index("method").loc["other"]
    assert row["groups_real"] == 2 and not row["pooled_real"]
    figures = found["figures"].query("method == 'other' and metric == 'kernel_real'").iloc[0]
    assert figures["sd"] > 0 and row["kernel_real"] == figures["value"]


def test_a_group_that_cannot_be_compared_is_named_and_leaves_quality_unknown(tmp_path):
    found = tables(tmp_path, {"side": [150, 10]}, {"side": [60, 60]})
    row = found["summary"].set_index("method").loc["other"]
    assert (row["groups_real"], row["groups_all"], row["left_out_real"]) == (1, 2, "right")
    answer = answers_table(found["goals"], found["summary"]).iloc[0]
    assert answer["quality_kept"] is None and answer["met"] is None
    assert "Not compared, with under 30 faces on a side: right." in answer["sentence"]


def test_intervals_of_pooled_distances_hold_what_drawing_again_gives():
    def faces(n, seed, shift=0.0):
        return Faces(drawn({"side": [n, n]}, seed, shift)[1], np.repeat([0, 1], n))

    found = [
        pooled_distances(faces(60, s, 0.2), faces(60, 100 + s), faces(60, 200 + s), 2, resamples=60)
        for s in range(40)
    ]
    # Resampled faces repeat: their Fréchet distances vary by more than those of fresh ones.
    for metric, most in (("kernel", 1.7), ("frechet", 2.5)):
        differences = np.array([f[metric]["vs_plain"] for f in found])
        reach = np.array([f[metric]["vs_plain_high"] - f[metric]["vs_plain"] for f in found]) / 1.96
        assert 0.6 < reach.mean() / differences.std(ddof=1) < most, metric
    assert np.isnan(found[0]["precision"]["low"]) and found[0]["groups"]["value"] == 2
    differences = [f["precision"]["vs_plain"] for f in found]
    assert np.mean(differences) < 0 < np.std(differences), "precision is held against plain's, too"


def test_a_rare_group_is_not_thinned_away_by_the_others():
    labels = {"side": [9900, 100]}
    faces = Faces(drawn(labels)[1], np.repeat([0, 1], [9900, 100]))
    assert few_of_each(faces, 2).counts(2).tolist() == [1000, 100]
    same = Faces(faces.features[-300:], faces.cells[-300:])
    assert few_of_each(same, 2).features.tolist() == same.features.tolist()


def test_the_table_of_distances_keeps_a_rare_group(tmp_path):
    from gammaface.audit.arms import Arm

    stored = cell(tmp_path, "plain", 0, {"side": [4900, 50]})
    base = cell(tmp_path, BASE, 40, {"side": [300, 100]})
    target = {"side": Target.even(("side",), CLASSES)}
    table = quality_table([Arm("plain", "side", {0: stored})], target, base, None, resamples=4)
    assert table.set_index(["kind", "group"]).loc[("kernel", "right"), "n"] == 50


def test_near_copies_are_looked_for_once_a_cell(tmp_path, monkeypatch):
    both = {name: CLASSES[name] for name in ("side", "level")}
    two = Book(both, {name: Target.even((name,), both) for name in both}, second_missing="none")
    sides = {"side": [60, 60], "level": [60, 60]}
    cells = [cell(tmp_path, method, seed, sides) for method, seed in ((BASE, 40), ("plain", 0), ("other", 0))]
    looked, real_look = [], quality.near_copies
    monkeypatch.setattr(quality, "near_copies", lambda *args: looked.append(1) or real_look(*args))
    labels, features = drawn({"side": [100, 100], "level": [100, 100]}, 50)
    found = audit_tables(cells, two, Real(labels, features, features[:50]), resamples=4)
    assert len(looked) == 2
    values = found["summary"].set_index(["method", "target"])["near_copies"]
    assert values["plain", "side"] == values["plain", "level"] and values.notna().all()
