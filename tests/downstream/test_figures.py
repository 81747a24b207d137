import dataclasses

import numpy as np
import pandas as pd
import pytest

from gammaface import GammaFaceError, metrics
from gammaface.downstream.cells import Stored, predictions_table
from gammaface.downstream.claims import MISSING, claims_table
from gammaface.downstream.figures import recall_table, task_figures
from gammaface.downstream.tables import figures_table, ratios_table, study_tables
from tests.downstream.conftest import EVEN, PLAIN, stored

FAIR, UNFAIR = (0.85, 0.85), (0.95, 0.7)


@pytest.fixture(scope="module")
def cells():
    found = []
    for seed in (0, 1, 2):
        found += [
            stored("baseline", seed, right=UNFAIR),
            stored("plain-augment", seed, right=(0.92, 0.75), **PLAIN),
            stored("gamma-face", seed, right=FAIR, **EVEN),
            stored("gamma-face", seed, right=(0.7, 0.6), source="component-uniform", share=1.0),
        ]
    return found


@pytest.fixture(scope="module")
def figures(cells):
    return task_figures(cells, resamples=300)


def arm_of(cells, method, share=0.5):
    return next(s.cell.arm for s in cells if s.cell.method == method and s.cell.share in (share, 0.0))


def test_values_are_means_over_the_seeds(cells, figures):
    arm = arm_of(cells, "gamma-face")
    mine = [s.predictions for s in cells if s.cell.arm == arm]
    groups = mine[0][["age", "race"]]
    expected = {
        "accuracy": [100 * metrics.accuracy(f["y"].astype(str), f["p"].astype(str)) for f in mine],
        "bias": [metrics.bias(f["y"].astype(str), f["p"].astype(str), groups) for f in mine],
        "kl": [
            metrics.kl_divergence(
                f[["score_female", "score_male"]].set_axis(["female", "male"], axis=1),
                f["y"].astype(str),
                groups,
            )
            for f in mine
        ],
    }
    for metric, values in expected.items():
        value, low, high = figures.value(arm, metric)
        assert value == pytest.approx(np.mean(values)), metric
        assert low < high


def test_bpc_is_of_the_means(cells, figures):
    arm = arm_of(cells, "gamma-face")
    b = [figures.value(a, "bias")[0] for a in ("baseline", arm)]
    t = [figures.value(a, "accuracy")[0] for a in ("baseline", arm)]
    assert figures.value(arm, "bpc")[0] == pytest.approx(metrics.bpc(*b, *t))
    assert figures.value("baseline", "bpc")[0] == 0


def test_differences_are_signed_paired_and_found(cells, figures):
    even, plain = arm_of(cells, "gamma-face"), arm_of(cells, "plain-augment")
    difference, low, high = figures.difference(even, "baseline", "bias")
    assert difference == pytest.approx(figures.value(even, "bias")[0] - figures.value("baseline", "bias")[0])
    assert low < difference < high < 0  # it is fairer, and the interval says so
    assert figures.difference("baseline", even, "bias")[0] == pytest.approx(-difference)
    assert figures.difference(even, even, "bias") == (0, 0, 0)
    assert figures.difference(even, plain, "bias")[0] < 0


def test_controls_have_as_many_generated_faces_or_there_is_none(cells, figures):
    plain, alone = arm_of(cells, "plain-augment"), arm_of(cells, "gamma-face", 1.0)
    assert figures.control(arm_of(cells, "gamma-face")) == plain
    assert figures.control("baseline") == plain  # it has no mix of its own
    assert figures.control(alone) is None
    table = figures_table(figures).set_index(["arm", "metric"])
    assert np.isnan(table.loc[("baseline", "bias"), "vs_baseline"])
    assert np.isnan(table.loc[(plain, "bias"), "vs_plain"])
    assert table.loc[("baseline", "bias"), "vs_plain"] > 0
    assert table.loc[(alone, "bias"), ["vs_plain", "vs_plain_low"]].isna().all()
    said = "gamma-face 100% has no difference to plain-augment 100%, which was not run"
    assert said in table.loc[(alone, "bias"), "note"] and table.loc[(alone, "bias"), "control"] == ""
    assert said not in table.loc[(plain, "bias"), "note"]


def test_another_control_is_taken_once_it_was_run(cells):
    alone, plain = arm_of(cells, "gamma-face", 1.0), arm_of(cells, "plain-augment")
    run = [stored("plain-augment", seed, right=FAIR, source="plain", share=1.0) for seed in (0, 1, 2)]
    more = task_figures([*cells, *run], resamples=20)
    assert more.control(alone) == "plain-augment.plain.100.fixed.full.p0"
    row = figures_table(more).set_index(["arm", "metric"]).loc[(alone, "bias")]
    expected = more.value(alone, "bias")[0] - more.value(more.control(alone), "bias")[0]
    assert row["vs_plain"] == pytest.approx(expected) and "not run" not in row["note"]
    varied = [*cells, stored("plain-augment", 0, right=FAIR, **PLAIN, design="additive")]
    assert task_figures(varied, resamples=20).control("baseline") == plain


def of_set(found: Stored, n: int, where: str = "set") -> Stored:
    """The same cell, learned from a set of n generated faces; which of its facts say so."""
    if where == "drawing":
        return dataclasses.replace(found, config={"drawing": {"n": n}})
    return dataclasses.replace(found, facts=found.facts | {where: n})


@pytest.mark.parametrize("where", ["set", "drawing", "pool"])
def test_a_control_of_another_set_size_is_none(cells, where):
    even, plain = arm_of(cells, "gamma-face"), arm_of(cells, "plain-augment")
    large = [of_set(s, 500) if s.cell.source else s for s in cells]
    assert task_figures(large, resamples=20).control(even) == plain
    other = next(s for s in cells if s.cell.arm == plain and s.cell.seed == 2)
    mixed = [of_set(other, 300, where) if s.cell == other.cell else s for s in large]
    figures = task_figures(mixed, resamples=20)
    assert figures.control(even) is None and figures.control("baseline") == plain
    row = figures_table(figures).set_index(["arm", "metric"]).loc[(even, "bias")]
    assert np.isnan(row["vs_plain"]) and row["control"] == "" and not np.isnan(row["vs_baseline"])
    said = "gamma-face 50% has no difference to plain-augment 50%, whose set has 300 generated faces, not 500"
    assert said in row["note"] and "not run" not in row["note"]
    claims = claims_table([figures]).set_index("claim")
    row = claims.loc["Evenness over components lowers Bias"]
    assert row["verdict"] == MISSING and "their sets have 500 and 300 generated faces" in row["sentence"]
    assert claims.loc["Any generated faces lower Bias", "verdict"] != MISSING


def test_unsure_labels_left_out_do_not_make_a_set_smaller():
    sure = {"min_p": 0.8}
    found = [
        stored("plain-augment", 0, right=FAIR, **PLAIN, **sure),
        stored("gamma-face", 0, right=FAIR, **EVEN, **sure),
    ]
    for n, s in zip((310, 290), found, strict=True):
        s.facts["pool"] = n
    for kept in (found, [of_set(s, 500) for s in found]):
        figures = task_figures(kept, resamples=20)
        assert figures.control(kept[1].cell.arm) == kept[0].cell.arm


@pytest.mark.parametrize("metric", ["bias", "accuracy", "bpc"])
def test_a_difference_and_its_interval_come_from_the_seeds_that_both_have(metric):
    common = [
        *(stored("baseline", seed, right=UNFAIR) for seed in (0, 1, 2)),
        *(stored("pass", seed, right=FAIR) for seed in (0, 1, 2)),
        stored("oversample", 1, right=(0.9, 0.8)),
    ]
    wild = [stored("oversample", seed, right=(0.55, 0.99)) for seed in (5, 6)]
    for other in ("pass", "baseline"):
        alone, more = task_figures(common, resamples=200), task_figures([*common, *wild], resamples=200)
        assert more.shared("oversample", other, metric) == (1,)
        ours, theirs = (f.difference("oversample", other, metric) for f in (alone, more))
        assert ours[0] == pytest.approx(theirs[0])
        assert ours[1] < ours[0] < ours[2] and theirs[1] < theirs[0] < theirs[2]
        assert theirs[2] - theirs[1] == pytest.approx(ours[2] - ours[1], rel=0.25)


def test_few_shared_seeds_are_said(cells):
    table = figures_table(task_figures([*cells, stored("pass", 2, right=FAIR)], resamples=20))
    notes = table[table["metric"] == "bias"].set_index("method")["note"]
    assert "one seed" in notes["pass"] and "over" not in notes["gamma-face"].iloc[0]
    lone = [s for s in cells if s.cell.method != "baseline" or s.cell.seed == 0]
    table = figures_table(task_figures(lone, resamples=20)).set_index(["arm", "metric"])
    arm = arm_of(cells, "gamma-face")
    said = "gamma-face 50% is held against baseline over 1 of its 3 seeds"
    assert said in table.loc[(arm, "bias"), "note"]
    assert table.loc[(arm, "bpc"), "seeds"] == 1 and table.loc[(arm, "bias"), "seeds"] == 3


def test_the_noise_of_training_widens_the_interval():
    calm = [stored("baseline", 0, right=FAIR) for _ in range(3)]
    for seed, cell in enumerate(calm):
        object.__setattr__(cell.cell, "seed", seed)
    wild = [stored("baseline", s, right=r) for s, r in enumerate([(0.95, 0.6), (0.8, 0.8), (0.6, 0.95)])]

    def width(cells):
        _, low, high = task_figures(cells, resamples=300).value("baseline", "bias")
        return high - low

    assert width(wild) > 1.5 * width(calm)


def test_one_seed_is_said_to_be_one(cells):
    table = figures_table(task_figures(cells[:4], resamples=20))
    assert table["note"].str.contains("one seed").all() and table["seed_sd"].isna().all()


def test_groups_without_faces_are_nan_and_counted(cells):
    frame = cells[0].predictions
    only = frame[~((frame["race"] == "black") & (frame["age"] == "old") & (frame["y"] == "male"))]
    few = [type(s)(s.cell, s.config, s.facts, 1.0, s.predictions.loc[only.index]) for s in cells[:2]]
    found = task_figures(few, resamples=20)
    assert "empty groups skipped" in found.note  # race: other has no face at all
    assert "1 of 8 group-class cells have no samples" in found.note
    recalls = recall_table(few, resamples=20)
    gap = recalls[recalls["n"] == 0]
    assert len(gap) == 2 and gap["tpr"].isna().all() and gap["low"].isna().all()


def test_recalls_are_the_groups_own(cells):
    recalls = recall_table(cells, resamples=50)
    mine = [s.predictions for s in cells if s.cell.method == "baseline"]
    rates = [
        (f["p"] == f["y"])[(f["y"] == "male") & (f["age"] == "old") & (f["race"] == "white")].mean()
        for f in mine
    ]
    row = recalls[
        (recalls["arm"] == "baseline")
        & (recalls["group"] == "age=old, race=white")
        & (recalls["class"] == "male")
    ].iloc[0]
    assert row["tpr"] == pytest.approx(np.mean(rates)) and row["low"] < row["tpr"] < row["high"]


def test_ratio_curves_start_at_the_baseline(figures):
    curves = ratios_table(figures_table(figures))
    even = curves[curves["curve"].str.startswith("gamma-face") & (curves["metric"] == "bias")]
    assert even["share"].tolist() == [0, 50, 100]
    assert even["method"].iloc[0] == "baseline"


def test_cells_of_other_faces_are_not_mixed(cells):
    other = stored("pass", 0, right=FAIR)
    moved = type(other)(other.cell, {}, other.facts, 1.0, other.predictions.assign(row=1))
    with pytest.raises(GammaFaceError, match="other test faces"):
        task_figures([cells[0], moved], resamples=20)
    with pytest.raises(GammaFaceError, match="no finished cell"):
        task_figures([], resamples=20)
    with pytest.raises(GammaFaceError, match="tpr='best'"):
        task_figures(cells, tpr="best", resamples=20)


def test_signed_bias_has_no_bpc(cells):
    assert "bpc" not in task_figures(cells[:4], mode="signed", resamples=20).point["baseline"]


def test_predictions_keep_words_and_scores():
    labels = pd.DataFrame({"hair": pd.Categorical(["b", "a"], ["a", "b"]), "age": pd.Categorical(["x", "y"])})
    table = predictions_table(np.array([4, 9]), labels, "hair", np.array([[0.25, 0.75], [0.123456, 0.9]]))
    assert table["row"].tolist() == [4, 9] and table["p"].tolist() == ["b", "b"]
    assert table["score_a"].tolist() == pytest.approx([0.25, 0.1235])


def test_all_tables_of_several_tasks(cells):
    two = [*cells, stored("baseline", 0, right=FAIR, target="gender")]
    tables = study_tables(two[:-1], resolution=64, resamples=20)
    assert set(tables["figures"]["metric"]) >= {"accuracy", "bias", "ba", "kl", "bpc", "worst_group"}
    assert (tables["figures"]["low"] <= tables["figures"]["high"]).all()
