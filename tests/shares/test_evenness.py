import numpy as np
import pandas as pd
import pytest

from gammaface.metrics import fairness_discrepancy
from gammaface.shares.evenness import evenness, follow_sentence, moved, moves, reweighted
from gammaface.shares.people import shares
from tests.shares.test_people import labels


def test_the_discrepancy_is_the_metrics_own():
    faces = labels(["female"] * 7 + ["male"] * 3)
    table = shares(faces).assign(corrected=[0.6, 0.4])
    row = evenness(table).iloc[0]
    codes = faces["gender"].cat.codes.to_numpy().astype(int)
    assert row["fd"] == pytest.approx(fairness_discrepancy(codes, 2))
    probabilities = faces[["gender=female", "gender=male"]].to_numpy()
    assert row["fd_soft"] == pytest.approx(fairness_discrepancy(probabilities, 2, kind="soft"))
    assert row["fd_corrected"] == pytest.approx(2**0.5 * 0.1)
    assert (row["n"], row["noise_floor"]) == (10, pytest.approx(0.05**0.5))


def test_a_large_move_is_told_from_noise_and_a_small_one_is_not():
    assert moved(np.array([400, 100]), np.array([250, 250]))["high"] < 0
    small = moved(np.array([13, 11]), np.array([12, 12]))
    assert small["low"] < 0 < small["high"] and small["n"] == 24


def test_reweighting_evens_what_components_separate():
    # Component 0 is all of one class and four times as common as component 1.
    row = reweighted(np.array([[400, 0], [0, 100]]))
    assert row["before"] == pytest.approx(2**0.5 * 0.3) and row["after"] == 0
    assert row["high"] < 0 and row["n"] == 500


def test_reweighting_does_nothing_where_components_do_not_follow():
    row = reweighted(np.array([[80, 20], [160, 40], [0, 0]]))
    assert row["difference"] == pytest.approx(0) and row["low"] < 0 < row["high"]


def test_moves_say_what_was_drawn_and_what_the_census_expects():
    census = labels(["female"] * 60 + ["male"] * 20).assign(component=[0] * 60 + [1] * 20)
    table = moves(labels(["female"] * 6 + ["male"] * 2), labels(["female", "male"] * 4), census)
    assert table["how"].tolist() == ["drawn", "reweighted"]
    drawn, expected = table["sentence"]
    assert "from 0.354 to 0.000 (n = 8 each; noise floor 0.250)" in drawn and "within the noise" in drawn
    assert "would move" in expected and expected.endswith("is more than noise.")
    assert moves(labels(["male"]), labels(["male"]))["how"].tolist() == ["drawn"]


def follows(rows: dict[str, tuple[float, float]]) -> str:
    table = pd.DataFrame(rows, index=["ami", "p_holm"]).T.rename_axis("attribute").reset_index()
    return follow_sentence(table)


def test_what_components_follow_is_said_in_words():
    nothing = follows({"gender": (0.01, 0.4), "brightness": (0.02, 0.3)})
    assert nothing == (
        "The components follow none of the measured attributes beyond chance (largest AMI 0.020, brightness)."
    )
    light = follows({"gender": (0.01, 0.4), "brightness": (0.2, 0.01)})
    assert light.startswith("The components follow brightness (AMI 0.200) beyond chance; no perceived")
    both = follows({"gender": (0.1, 0.01), "brightness": (0.2, 0.01)})
    assert "brightness (AMI 0.200), perceived gender (AMI 0.100)" in both and "no perceived" not in both
    assert "cannot be told" in follows({"gender": (np.nan, np.nan)})
