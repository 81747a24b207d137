"""Whether a batch came nearer its target: shares of joint cells, distances, plain words."""

import numpy as np
import pandas as pd
import pytest

from gammaface import GammaFaceError
from gammaface.figures.before_after import before_after
from gammaface.shares.joint import TARGETS, cell_shares, cells_in
from gammaface.shares.reached import named, reached, verdict


def faces(women: int, men: int, race: str = "asian") -> pd.DataFrame:
    n = women + men
    return pd.DataFrame({"gender": ["female"] * women + ["male"] * men, "race": [race] * n})


HALF = {"female": 0.5, "male": 0.5}


def test_cells_are_named_as_targets_name_them():
    table = faces(1, 1)
    assert cells_in(table, ["gender", "race3"]).tolist() == ["female, other", "male, other"]
    assert TARGETS["race3"] == ("white", "black", "other")
    table.loc[0, "gender"] = np.nan
    assert cells_in(table, ["gender"]).isna().tolist() == [True, False]
    with pytest.raises(GammaFaceError, match="do not name 'hair'"):
        cells_in(table, ["hair"])


def test_shares_stand_beside_the_target():
    table = cell_shares(faces(30, 10), ["gender"], {"female": 0.2, "male": 0.8})
    assert table["share"].tolist() == [0.75, 0.25] and table["target"].tolist() == [0.2, 0.8]
    assert (table["low"] < table["share"]).all() and (table["share"] < table["high"]).all()


def test_nearer_farther_and_nothing_are_told_apart():
    plain, even = faces(160, 40), faces(100, 100)
    near, far, none = (
        reached(a, b, ["gender"], HALF) for a, b in ((plain, even), (even, plain), (plain, plain))
    )
    assert near["high"] < 0 and "came nearer the target" in near["sentence"]
    assert "is within what 200 faces" in near["sentence"]
    assert far["low"] > 0 and "moved away from the target" in far["sentence"]
    assert none["low"] <= 0 <= none["high"] and "not moved beyond the noise" in none["sentence"]
    uneven = reached(even, plain, ["gender"], {"female": 0.8, "male": 0.2})
    assert uneven["after"] == pytest.approx(0) and uneven["high"] < 0
    assert uneven["noise_floor"] == pytest.approx(np.sqrt((1 - 0.68) / 200))
    with pytest.raises(GammaFaceError, match="no face is in a cell"):
        reached(faces(0, 0), even, ["gender"], HALF)


def move(attribute, low, high, how="drawn"):
    return {"attribute": attribute, "how": how, "low": low, "high": high, "n": 50, "sentence": "Said."}


def test_the_verdict_is_plain():
    helped, words = verdict(pd.DataFrame([move("gender", -0.1, 0.1), move("hair", -0.1, 0.2)]), by="Quota")
    assert not helped and "Quota did nothing measurable for people: none of 2" in words
    assert "only large changes" in words
    helped, words = verdict(pd.DataFrame([move("gender", -0.2, -0.1), move("hair", 0.1, 0.2)]), by="Quota")
    assert helped and "nearer even: perceived gender; farther from even: hair; 0 of 2 not" in words
    helped, words = verdict(pd.DataFrame([move("gender", 0.1, 0.2)]), by="Quota")
    assert not helped and "farther from even" in words
    aimed = pd.DataFrame([move("gender", -0.2, -0.1, "target"), move("hair", 0.1, 0.2)])
    assert verdict(aimed, by="Quota") == (True, "Said.")


def test_targets_are_named_in_words():
    assert named(["race3"]) == "perceived race (White, Black, Other)"
    assert named(["gender", "hair"]) == "perceived gender and hair, jointly"


def test_before_and_after_are_drawn_row_by_row():
    table = pd.concat(
        cell_shares(part, ["gender"], HALF).rename(columns={"target": "wanted"}).assign(group=group)
        for group, part in (("Plain", faces(30, 10)), ("Quota", faces(20, 20)))
    )
    figure = before_after(table, question="Did it move?", wanted="target")
    assert [trace.name for trace in figure.data] == ["target", "Plain", "Quota"]
    assert figure.data[1].x.tolist() == [75.0, 25.0] and figure.data[2].x.tolist() == [50.0, 50.0]
    assert figure.data[1].marker.symbol != figure.data[2].marker.symbol
