import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mutual_info_score

from gammaface import GammaFaceError
from gammaface.studies.components import association, exemplars, holm, looks
from gammaface.studies.probes import linear_probe


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    gender = rng.choice(["female", "male"], size=400)
    components = np.where(rng.random(400) < 0.8, gender == "male", gender != "male").astype(int)
    return components, pd.DataFrame(
        {
            "gender": gender,
            "coin": rng.integers(0, 2, 400),
            "age": np.where(np.arange(400) < 40, np.nan, 20 + 30 * components + rng.normal(0, 3, 400)),
            "constant": "x",
        }
    )


def test_association_finds_what_follows_and_only_that(people):
    table = association(*people, permutations=199).set_index("attribute")
    assert list(table.columns) == ["ami", "cramers_v", "p", "p_tail", "p_holm", "n"]
    assert table.loc["gender", "cramers_v"] == pytest.approx(0.6, abs=0.08)
    assert table.loc["gender", "p"] == table.loc["age", "p"] == 1 / 200
    assert table.loc["gender", "p_holm"] == 3 / 200
    # The tail reaches where permutations cannot, and agrees with them where they can.
    assert table.loc["gender", "p_tail"] < 1e-6
    assert table.loc["coin", "p_tail"] == pytest.approx(table.loc["coin", "p"], abs=0.1)
    assert table.loc["coin", "p"] > 0.05 and abs(table.loc["coin", "ami"]) < 0.02
    assert table.loc["age", "n"] == 360 and table.loc["age", "ami"] > 0.3
    assert table.loc["constant", ["ami", "cramers_v", "p", "p_holm"]].isna().all()


def test_p_is_the_share_of_permutations_with_as_much_information(people):
    components, attributes = people
    table = association(components, attributes[["coin"]], permutations=99, seed=4)
    rng, coin = np.random.default_rng(4), attributes["coin"]
    observed = mutual_info_score(components, coin)
    more = sum(mutual_info_score(rng.permutation(components), coin) >= observed - 1e-12 for _ in range(99))
    assert table["p"].item() == pytest.approx((1 + more) / 100)


def test_p_is_even_when_nothing_follows():
    rng = np.random.default_rng(1)
    attributes = pd.DataFrame({str(i): rng.integers(0, 3, 60) for i in range(60)})
    p = association(rng.integers(0, 4, 60), attributes, permutations=99)["p"]
    assert 0.3 < p.mean() < 0.7 and (p <= 0.05).mean() <= 0.15


def test_holm_by_hand():
    assert holm(np.array([0.02, 0.01, 0.4])) == pytest.approx([0.04, 0.03, 0.4])
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_exemplars_tell_when_their_order_says_nothing():
    table = exemplars(np.array([[1.0, 0], [1, 0], [1, 0], [0.2, 0.8], [0.1, 0.9]]), each=2)
    assert table[["component", "rank", "row", "tied"]].to_numpy().tolist() == [
        [0, 0, 0, 3], [0, 1, 1, 3], [1, 0, 4, 1], [1, 1, 3, 1],
    ]  # fmt: skip


def test_looks_measure_what_they_say():
    images = np.full((4, 3, 32, 32), -1.0)
    images[1] = 1  # white
    images[2, :, :, :16] = 1  # lit from the left
    images[3, :, :, 20:22] = 1  # edges right of the middle
    table = looks(images)
    assert table["brightness"].tolist() == pytest.approx([0, 1, 0.5, 1 / 16])
    assert table["contrast"].tolist()[:3] == pytest.approx([0, 0, 0.5], abs=1e-5)
    assert table["background"].tolist()[:3] == pytest.approx([0, 1, 0.5])
    assert table["light_from_left"].tolist()[:3] == pytest.approx([0, 0, 1])
    assert table["pose"][0] == 0 and table["pose"][3] > 0.5
    assert looks(images[:, :, :, ::-1])["pose"].to_numpy() == pytest.approx(
        -table["pose"].to_numpy(), abs=1e-6
    )


def test_a_probe_reads_what_is_there(people):
    components, attributes = people
    rng = np.random.default_rng(2)
    codes = rng.normal(size=(400, 5)) + 2.0 * (attributes["gender"] == "male").to_numpy()[:, None]
    rare = attributes.assign(rare=["once"] + ["often"] * 399)
    table = linear_probe(codes, rare[["gender", "coin", "rare"]]).set_index("attribute")
    assert table.loc["gender", "accuracy"] > 0.95 and 0.5 <= table.loc["gender", "majority"] < 0.6
    assert table.loc["gender", "low"] < table.loc["gender", "accuracy"] < table.loc["gender", "high"]
    assert table.loc["coin", "balanced_accuracy"] == pytest.approx(0.5, abs=0.08)
    assert table.loc["rare", "n"] == 399 and np.isnan(table.loc["rare", "accuracy"])


def test_refusals(people):
    components, attributes = people
    with pytest.raises(GammaFaceError, match="399 rows beside a table of 400 rows"):
        association(components[1:], attributes)
    with pytest.raises(GammaFaceError, match="0 permutations"):
        association(components, attributes, permutations=0)
    with pytest.raises(GammaFaceError, match="0 exemplars"):
        exemplars(np.ones((3, 1)), each=0)
    with pytest.raises(GammaFaceError, match="images of shape"):
        looks(np.zeros((2, 3, 4, 4)))
    with pytest.raises(GammaFaceError, match="1 folds"):
        linear_probe(np.zeros((400, 2)), attributes, folds=1)
