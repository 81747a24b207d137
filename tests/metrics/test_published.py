import pandas as pd
import pytest

from gammaface import GammaFaceError, published


def test_numbers_come_whole():
    table = published.load()
    assert len(table) == 267
    assert table["value"].notna().all() and table["sd"].notna().sum() > 0
    bias = table[(table.metric == "bias") & (table.target == "gender") & (table.table == "1")]
    assert bias.set_index("method")["value"]["GAMMA-FACE"] == 0.088


def test_every_contradiction_meets_a_row():
    table, notes = published.load(), published.notes()
    for said in notes["note"]:
        assert table["note"].str.contains(said, regex=False).any(), said


def test_contradictions_sit_on_their_rows():
    table = published.load().set_index(["table", "target", "method", "metric"]).sort_index()
    assert "rises from .769 to .783" in table.loc[("2", "age", "GAMMA-FACE", "kl"), "note"]
    gender = table.loc[("2", "gender", "GAMMA-FACE", "kl"), "note"]
    assert "rises from" not in gender


def _ours():
    return pd.DataFrame(
        [("mine", "fairness_discrepancy", 0.2), ("mine", "bias", 0.1)],
        columns=["method", "metric", "value"],
    )


def test_our_five_races_are_not_comparable_to_six():
    table = published.compare(_ours(), dataset="UTKFace", target="race", resolution=64, n_classes=5)
    rebalancing = table[(table.source == "GAN rebalancing") & (table.metric == "fairness_discrepancy")]
    assert (rebalancing["ours"] == 0.2).all()
    assert (rebalancing["verdict"] == "not comparable").all()
    assert "data set: UTKFace here, FFHQ there" in rebalancing["reason"].iloc[0]
    assert "number of classes: 5 here, 6 there" in rebalancing["reason"].iloc[0]
    assert table.loc[table.metric == "ba", "ours"].isna().all()


def test_the_same_setting_is_comparable():
    table = published.compare(_ours(), dataset="cifar10-lt", target="class", resolution=32, n_classes=10)
    assert (table["verdict"] == "comparable").all() and (table["reason"] == "").all()


def test_refused():
    with pytest.raises(GammaFaceError, match="no paper has the target 'shoe size'"):
        published.compare(_ours(), dataset="x", target="shoe size", resolution=1, n_classes=2)
    with pytest.raises(GammaFaceError, match="our table has no column method, value"):
        published.compare(
            pd.DataFrame({"metric": ["bias"]}), dataset="x", target="race", resolution=1, n_classes=2
        )
