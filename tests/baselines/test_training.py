import dataclasses

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, metrics
from gammaface.baselines import METHODS, Mix, Recipe, get_method, protected_removal
from gammaface.baselines.augmented import PRIOR, REPEATS, audited, augmented, recall_gaps, targeted
from gammaface.baselines.distill import distill_debias
from gammaface.baselines.plain import baseline, even_weights, group_reweigh, oversample
from gammaface.baselines.protected_removal import Removal
from gammaface.baselines.trainer import Phase, check_recipe, fit, new_network, predict, weighted_loss
from tests.baselines.toy import QUICK, examples, pixel_codes, skewed

TEST = examples(300, agree=0.5, seed=2)


def bias_and_worst(train, problem):
    p = predict(train(problem).network, TEST.images, device="cpu").argmax(1)
    group = TEST.protected[:, 0]
    return metrics.bias(TEST.y, p, group), metrics.worst_group(TEST.y, p, group)


@pytest.fixture(scope="module")
def shortcut():
    return bias_and_worst(baseline, skewed())


@pytest.mark.parametrize("train", [oversample, group_reweigh])
def test_even_cells_make_a_skewed_set_fairer(train, shortcut):
    bias, worst = bias_and_worst(train, skewed())
    assert shortcut[0] > 0.1  # the baseline does take the shortcut
    assert bias < 0.6 * shortcut[0]
    assert worst > shortcut[1] + 0.03


def test_filling_the_gaps_beats_more_of_the_same():
    more = examples(1300, agree=0.7, seed=5)
    mix = Mix(0.2, "additive")
    filled, _ = bias_and_worst(targeted, skewed(generated=more, mix=mix))
    same, _ = bias_and_worst(augmented, skewed(generated=more, mix=mix))
    assert filled < 0.7 * same


def test_gaps_are_filled_with_the_few_faces_that_fit():
    pool = examples(200, agree=0.95, seed=7)  # as skewed as the originals: plain faces, as it were
    problem = skewed(generated=pool)
    facts, there = targeted(problem).facts, np.bincount(problem.strata(pool), minlength=4)
    rare = [1, 2]  # the groups that go with the other class
    wanted = np.array(facts["gaps"])[rare] / sum(facts["gaps"]) * 600
    given = np.array(facts["generated_by_cell"])[rare]
    assert given == pytest.approx(np.minimum(wanted, REPEATS * there[rare]), abs=1)
    assert (given > 5 * there[rare]).all(), "as many times as the whole pool is not enough"
    assert facts["gaps_filled"] == pytest.approx(np.minimum(wanted, given).sum() / 600, abs=0.01)


def test_gaps_are_measured_as_recalls_below_the_best_group():
    problem = skewed()
    cells = problem.strata(problem.originals)
    gaps, n = recall_gaps(problem, cells != 1), np.bincount(cells)  # class 0 of group 1 is never recognised
    of_class = n[0] / (n[0] + n[1])
    best, worst = (n[0] + PRIOR * of_class) / (n[0] + PRIOR), PRIOR * of_class / (n[1] + PRIOR)
    assert gaps == pytest.approx([0, best - worst, 0, 0])


def test_the_gaps_of_a_shortcut_lie_where_it_misleads():
    problem = skewed()
    gaps = recall_gaps(problem, audited(problem)[0]).reshape(2, 2)
    assert min(gaps[0, 1], gaps[1, 0]) > 0.05 > gaps[0, 0] == gaps[1, 1] == 0


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_and_repeats_itself(name, monkeypatch):
    monkeypatch.setattr(protected_removal, "Removal", lambda: Removal(rounds=2, reader_steps=5))
    recipe = dataclasses.replace(QUICK, images=320, validate_every=160)
    pool = examples(90, agree=0.5, seed=7)
    problem = dataclasses.replace(skewed(generated=pool, codes=pixel_codes()), recipe=recipe)
    method = get_method(name)
    trained = method.train(problem)
    p = predict(trained.network, TEST.images, device="cpu")
    assert p.shape == (300, 2) and p.sum(1) == pytest.approx(1)
    beside = {"targeted": recipe.images, "diga": 1200}  # its audit; its reader's one look
    assert 0 < trained.facts["images_seen"] <= recipe.images + beside.get(name, 0)
    total = trained.facts["n_original"] + trained.facts["n_generated"]
    assert total == 1200
    assert trained.facts["n_generated"] == (600 if method.source else 0)
    torch.rand(7)  # whatever else draws in between
    again = predict(method.train(problem).network, TEST.images, device="cpu")
    assert (again == p).all()
    other = method.train(dataclasses.replace(problem, seed=1))
    assert (predict(other.network, TEST.images, device="cpu") != p).any()


def test_repeats_are_counted():
    pool = examples(30, agree=0.5, seed=7)
    recipe = dataclasses.replace(QUICK, images=32)
    problem = dataclasses.replace(skewed(generated=pool, mix=Mix(1.0)), recipe=recipe)
    for train in (augmented, targeted):
        facts = train(problem).facts
        assert facts["n_original"] == 0 and facts["n_generated"] == 1200
        assert facts["n_distinct_generated"] == 30
        assert sum(facts["generated_by_class"]) == sum(facts["generated_by_cell"]) == 1200
    assert facts["generated_by_cell"] == (40 * np.bincount(problem.strata(pool), minlength=4)).tolist()


def test_the_best_validation_is_kept_and_training_stops_early():
    problem = dataclasses.replace(
        skewed(), recipe=dataclasses.replace(QUICK, learning_rate=0.5, patience=2, validate_every=64)
    )
    network = new_network(problem)
    before = predict(network, problem.validation.images, device="cpu")
    loss = weighted_loss(network, problem.originals.y, device="cpu")
    seen = fit(network, problem.originals, Phase(loss, list(network.parameters()), 2560), problem)
    assert seen < 2560
    after = predict(network, problem.validation.images, device="cpu")
    assert not (after == before).all()


def test_students_keep_to_their_teachers_features():
    problem = skewed()
    network = distill_debias(problem).network
    p = predict(network, TEST.images, device="cpu").argmax(1)
    assert metrics.accuracy(TEST.y, p) > 0.6


def test_one_group_cannot_be_distilled():
    problem = skewed()
    one = problem.originals.take(np.flatnonzero(problem.originals.protected[:, 0] == 0))
    with pytest.raises(GammaFaceError, match="one group"):
        distill_debias(dataclasses.replace(problem, originals=one))


def test_weights_even_out():
    cells = np.array([0, 0, 0, 2, 2, 5])
    weights = even_weights(cells)
    sums = [weights[cells == c].sum() for c in (0, 2, 5)]
    assert sums == pytest.approx([2, 2, 2]) and weights.mean() == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"backbone": "huge"}, "backbone 'huge'"),
        ({"augmentation": "more"}, "augmentation 'more'"),
        ({"images": 0}, "not above 0"),
        ({"learning_rate": float("nan")}, "not above 0"),
    ],
)
def test_bad_recipes_are_refused(change, words):
    with pytest.raises(GammaFaceError, match=words):
        check_recipe(dataclasses.replace(Recipe(), **change))


def test_missing_parts_are_named():
    with pytest.raises(GammaFaceError, match="generated pictures"):
        augmented(skewed())
    with pytest.raises(GammaFaceError, match="no method 'magic'"):
        get_method("magic")
