"""Scores without a reference, and the guard against collapse."""

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.rebalance.guard import CopyCheck, judge
from gammaface.rebalance.measures import confidence
from gammaface.rebalance.scores import inception_score, path_length, slerp
from gammaface.rebalance.tables import verdicts
from tests.rebalance.toy_light import Light

SOUND = {
    "diversity": 1.0,
    "diversity_low": 0.95,
    "diversity_high": 1.05,
    "near_copies": 0.01,
    "recall": 0.4,
    "recall_plain": 0.42,
}


def test_the_score_of_known_answers():
    assert inception_score(np.eye(3)[[0, 1, 2, 0, 1, 2]]) == pytest.approx(3)
    assert inception_score(np.eye(3)[[0, 0, 0]]) == pytest.approx(1)
    with pytest.raises(GammaFaceError):
        inception_score(np.zeros((0, 3)))


def test_slerp_keeps_the_length():
    a, b = torch.randn(2, 5, 3, 4, 4).unbind()
    a, b = (v / v.flatten(1).norm(dim=1).view(-1, 1, 1, 1) for v in (a, b))
    half = slerp(a, b, torch.full((5,), 0.3)).flatten(1).norm(dim=1)
    assert torch.allclose(half, torch.ones(5), atol=1e-5)
    assert torch.allclose(slerp(a, b, torch.ones(5)), b, atol=1e-3)


def test_a_pair_depends_on_its_own_seeds(generator):
    ask = {"steps": 2, "seed": 3}
    few = path_length(generator, Light().features, pairs=3, batch_size=4, **ask)
    more = path_length(generator, Light().features, pairs=5, batch_size=10, **ask)
    assert (few > 0).all() and few == pytest.approx(more[:3], rel=0.05)


def test_copies_are_found():
    rng = np.random.default_rng(0)
    trained, fresh, others = rng.normal(size=(3, 200, 8))
    check = CopyCheck.of(trained, fresh)
    assert check.near_copies(others) < 0.05
    assert check.near_copies(trained + 1e-3) == 1


@pytest.mark.parametrize(
    "change, words",
    [
        ({"diversity": 0.6, "diversity_high": 0.7}, "0.60 times as diverse"),
        ({"diversity": 0.6, "diversity_high": np.nan}, "0.60 times as diverse"),
        ({"near_copies": 0.3}, "30.0% are near copies"),
        ({"recall": 0.2}, "its recall is 0.20, plain's 0.42"),
    ],
)
def test_signs_of_collapse_stop(change, words):
    verdict = judge(SOUND | change)
    assert not verdict.go_on and words in verdict.words


def test_sound_rows_and_unmeasured_ones_go_on():
    assert judge(SOUND).go_on and "no sign of collapse" in judge(SOUND).words
    assert judge(dict.fromkeys(SOUND, np.nan)).go_on


def test_confidence_is_not_moved_by_shares():
    rare, common = np.tile([0.2, 0.8], (40, 1)), np.tile([0.6, 0.4], (40, 1))
    even = confidence(np.concatenate([rare, common]))
    uneven = confidence(np.concatenate([rare, *[common] * 5]))
    assert even == pytest.approx(uneven) == pytest.approx(0.7)
    assert np.isnan(confidence(rare[:10]))


def test_quality_is_kept_only_when_enough_speaks_for_it():
    plain = SOUND | {"row": "plain", "fd": 0.4, "noise_floor": 0.01, "sets": 3, "frechet_plain": 10.0}
    plain |= {"frechet_vs_plain": np.nan, "frechet_vs_plain_low": np.nan}
    tuned = plain | {"row": "tune", "fd": 0.05, "frechet_vs_plain": 2.0, "frechet_vs_plain_low": -0.5}
    cases = [
        tuned,
        tuned | {"sets": 2},
        tuned | {"frechet_vs_plain": 0.9, "sets": 2},
        tuned | {"recall": 0.1},
        tuned | {"recall": 0.1, "recall_plain": 0.12},  # on few groups plain's is as low
    ]
    table = verdicts(pd.DataFrame([plain, *cases]))
    assert table["quality_kept"].tolist() == [None, True, False, True, False, True]
    assert table["goal_met"].tolist() == [None, True, True, True, True, True]
    assert table["goal"].tolist() == [pytest.approx(0.08)] * 6
    even = verdicts(pd.DataFrame([plain | {"noise_floor": 0.1}, tuned | {"noise_floor": 0.1, "fd": 0.09}]))
    assert even["goal"].tolist() == [0.1, 0.1] and even["goal_met"].tolist() == [None, True]
