import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from gammaface import GammaFaceError
from gammaface.shares.people import CLASSES, doubts, group_shares, shares, wilson, word_of


def labels(gender: list[str], *, p: float = 0.9) -> pd.DataFrame:
    n = len(gender)
    female = np.where(np.array(gender) == "female", p, 1 - p)
    return pd.DataFrame(
        {
            "gender": pd.Categorical(gender, categories=CLASSES["gender"]),
            "gender_p": p,
            "gender_uncertain": [i % 2 == 0 for i in range(n)],
            "gender=female": female,
            "gender=male": 1 - female,
            "tone": pd.Categorical(["dark"] * (n - 1) + [None], categories=["dark", "light"]),
        }
    )


@pytest.mark.parametrize(("count", "n"), [(0, 5), (3, 10), (10, 10), (384, 1000)])
def test_wilson_is_scipys(count, n):
    expected = binomtest(count, n).proportion_ci(method="wilson")
    assert [float(v) for v in wilson(count, n)] == pytest.approx([expected.low, expected.high], abs=1e-9)


def test_no_face_has_no_interval():
    assert np.isnan(wilson(0, 0)).all()


def test_shares_count_every_class_and_leave_out_the_unknown():
    table = shares(labels(["female"] * 3 + ["male"]), ["gender", "tone"])
    assert table[["value", "n", "count"]].values.tolist() == [
        ["female", 4, 3],
        ["male", 4, 1],
        ["dark", 3, 3],
        ["light", 3, 0],
    ]
    assert table["probability"].iloc[0] == pytest.approx((3 * 0.9 + 0.1) / 4)
    assert table["probability"].isna().iloc[2:].all() and (table["even"] == 0.5).all()
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()


def test_attributes_are_the_columns_with_a_probability():
    assert shares(labels(["male"]))["attribute"].unique().tolist() == ["gender"]
    with pytest.raises(GammaFaceError, match="no perceived attributes"):
        shares(pd.DataFrame({"x": [1]}))


def test_groups_add_up_to_all():
    faces = labels(["female", "male"] * 30 + ["female"] * 40)
    table = group_shares(faces, np.arange(100) % 3)
    assert len(table) == 6 and table["value"].tolist()[:3] == ["female"] * 3
    female = table[table["value"] == "female"]
    assert (female["n"] * female["share"]).sum() == pytest.approx(70)
    assert (female["n"] * female["difference"]).sum() == pytest.approx(0, abs=1e-9)
    assert (female["difference_low"] < female["difference"]).all()
    assert (female["difference"] < female["difference_high"]).all()


@pytest.mark.slow
def test_the_difference_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    groups, hits = np.arange(200) % 4, 0
    for _ in range(200):
        gender = np.where(rng.random(200) < np.where(groups == 0, 0.7, 0.5), "female", "male")
        row = group_shares(labels(gender.tolist()), groups, ["gender"]).iloc[0]
        hits += row["difference_low"] <= 0.75 * 0.2 <= row["difference_high"]
    assert 0.9 <= hits / 200 <= 1


def test_one_group_differs_in_nothing():
    row = group_shares(labels(["female", "male"]), [0, 0]).iloc[0]
    assert row[["difference", "difference_low", "difference_high"]].tolist() == [0, 0, 0]


def test_groups_of_another_length_are_refused():
    with pytest.raises(GammaFaceError, match="beside 2 faces"):
        group_shares(labels(["female", "male"]), [0])
    with pytest.raises(GammaFaceError, match="no faces"):
        group_shares(labels(["female"])[:0], [])


def test_doubts_are_means_over_faces():
    row = doubts(labels(["female", "male"])).iloc[0]
    assert (row["uncertain"], row["mean_probability"]) == (0.5, 0.9)


def test_every_class_has_a_word():
    assert word_of("young40", "young") == "under 40" and word_of("race", "asian") == "asian"
