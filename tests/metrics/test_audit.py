import numpy as np
import pandas as pd
import pytest

from gammaface import GammaFaceError, metrics


@pytest.fixture
def audit(people):
    return metrics.audit_table(
        people["y"],
        people["p"],
        people["scores"],
        people["groups"],
        baselines={"worse": (people["worse"], people["scores"])},
        name="ours",
        resamples=200,
    )


def test_values_are_the_metrics(people, audit):
    y, p, g, s = (people[k] for k in ("y", "p", "groups", "scores"))
    ours = audit[audit.method == "ours"].set_index("metric")["value"]
    b, worse = metrics.bias(y, p, g), metrics.bias(y, people["worse"], g)
    t, t_worse = metrics.accuracy(y, p), metrics.accuracy(y, people["worse"])
    expected = {
        "accuracy": 100 * t,
        "worst_group": 100 * metrics.worst_group(y, p, g),
        "bias": b,
        "bias_micro": metrics.bias(y, p, g, tpr="micro"),
        "bpc": metrics.bpc(worse, b, t_worse, t),
        "ba": 100 * metrics.ba_directional(y, p, g),
        "ba_eq14_printed": metrics.ba_eq14_printed(y, p, g),
        "kl": metrics.kl_divergence(s, y, g),
        "deo": metrics.deo(y, p, g),
        "demographic_parity": metrics.demographic_parity(y, p, g),
        "equalised_odds": metrics.equalised_odds(y, p, g),
    }
    assert set(ours.index) == {*expected, "largest_gap"}
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value), name


def test_every_row_carries_its_context(people, audit):
    assert (audit["n"] == 600).all() and (audit["groups"] == 3).all()
    assert (audit["min_n"] == np.bincount(people["groups"]).min()).all()
    assert audit["variant"].str.len().gt(0).all()
    assert audit["low"].le(audit["high"]).all()
    accuracy = audit[(audit.method == "ours") & (audit.metric == "accuracy")].iloc[0]
    assert accuracy.difference_low < accuracy.difference < accuracy.difference_high
    assert accuracy.difference_low > 0  # 80% beside 70% on 600 rows
    assert audit.loc[audit.method == "worse", "difference"].isna().all()


def test_pairing_narrows_differences(people):
    """A method beside itself differs by exactly 0 in every resample."""
    same = (people["p"], people["scores"])
    table = metrics.audit_table(people["y"], *same, people["groups"], baselines={"same": same}, resamples=50)
    ours = table[table.method == "method"]
    assert (ours[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)


def test_it_repeats(people, audit):
    again = metrics.audit_table(
        people["y"],
        people["p"],
        people["scores"],
        people["groups"],
        baselines={"worse": (people["worse"], people["scores"])},
        name="ours",
        resamples=200,
    )
    pd.testing.assert_frame_equal(audit, again)


def test_wide_form(audit):
    wide = metrics.by_method(audit)
    assert wide.index.tolist() == ["ours", "worse"]
    assert wide.loc["ours", ("bias", "variant")] == "tpr=per_class, mode=abs, weights=share"
    fields = {"value", "low", "high", "n", "min_n", "variant"}
    assert fields <= set(wide["kl"].columns)


def test_notes_in_words():
    y = [0, 1] * 10 + [0, 1] * 50
    g = ["small"] * 20 + ["large"] * 100
    scores = np.linspace(0, 1, 120)
    scores[0] = np.nan
    table = metrics.audit_table(y, y, scores, g, baselines={"b": (y, None)}, resamples=20)
    notes = table[table.method == "method"].set_index("metric")["note"]
    assert "smallest group has 20 samples, under 30" in notes["accuracy"]
    assert "the first Bias is 0" in notes["bpc"]
    assert "1 scores are NaN" in notes["kl"]
    kl = table[(table.method == "method") & (table.metric == "kl")].iloc[0]
    assert np.isnan([kl.value, kl.low, kl.high, kl.difference]).all()


def test_small_differences_are_called_noise():
    rng = np.random.default_rng(1)
    y, g = rng.integers(0, 2, 400), rng.integers(0, 8, 400)
    table = metrics.audit_table(y, y, rng.random(400), np.sort(g) // 4, resamples=100)
    kl = table.set_index("metric").loc["kl"]
    assert kl.value < kl.low and "within its sampling noise" in kl.note


def test_multi_class_and_train_signs():
    rng = np.random.default_rng(0)
    y, g = rng.integers(0, 5, 500), rng.integers(0, 4, 500)
    p = np.where(rng.random(500) < 0.8, y, rng.integers(0, 5, 500))
    train = {"y_train": rng.integers(0, 5, 900), "groups_train": rng.integers(0, 4, 900)}
    table = metrics.audit_table(y, p, None, g, resamples=50, **train).set_index("metric")
    assert table.loc["ba", "value"] == pytest.approx(100 * metrics.ba_directional(y, p, g, **train))
    assert "sign from train labels" in table.loc["ba", "variant"]
    assert "kl" not in table.index and "bpc" not in table.index
    assert table["value"].notna().all()


def test_train_signs_of_absent_groups_are_skipped():
    y, p, g = [0, 1] * 4, [0, 1] * 4, ["a"] * 4 + ["b"] * 4
    value = metrics.ba_directional(y, p, g, y_train=[0, 1, 1], groups_train=["a", "a", "c"])
    assert value == 0 and "2 of 4 cells skipped" in value.note


def test_baselines_may_predict_other_classes():
    y, g = [0, 1, 2, 2] * 10, ["a", "b"] * 20
    base = np.minimum(y, 1)
    table = metrics.audit_table(y, y, None, g, baselines={"b": (base, None)}, resamples=20)
    row = table[(table.method == "b") & (table.metric == "bias")].iloc[0]
    assert row.value == pytest.approx(metrics.bias(y, base, g))


def test_group_table(people):
    table = metrics.group_table(people["y"], people["p"], people["groups"], resamples=200)
    assert len(table) == 3 * 3
    assert table["low"].le(table["value"]).all() and table["value"].le(table["high"]).all()
    first = table.iloc[0]
    members = people["groups"] == 0
    assert first["n"] == members.sum()
    assert first["value"] == pytest.approx((people["y"] == people["p"])[members].mean())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resamples": 1}, "give no interval"),
        ({"confidence": 1.0}, "give no interval"),
        ({"kl_variant": "x"}, "kl_variant='x' is not known"),
        ({"baselines": {"method": ([0, 1], None)}}, "a baseline is named 'method'"),
    ],
)
def test_refused(options, message):
    with pytest.raises(GammaFaceError, match=message):
        metrics.audit_table([0, 1], [0, 1], None, ["a", "b"], **options)
