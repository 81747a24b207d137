"""The methods' linear parts on data whose answer is known."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from gammaface import GammaFaceError
from gammaface.baselines.diga import edited_pictures, spurious_directions
from gammaface.baselines.protected_removal import remove_protected
from gammaface.baselines.ramaswamy import across, counterparts, fit_hyperplanes
from tests.baselines.toy import pixel_codes, skewed


def test_the_golden_counterpart():
    w_g, b, w_a = np.array([1.0, 0.0]), 0.5, np.array([0.6, 0.8])
    x = np.ones((1, 2))
    moved = across(x, w_g, b, w_a)
    assert x @ w_g + b == pytest.approx(1.5)
    assert moved[0] == pytest.approx([-2, 3.25])
    assert moved @ w_g + b == pytest.approx(-1.5)
    assert x @ w_a == pytest.approx(1.4) and moved @ w_a == pytest.approx(1.4)


def test_every_counterpart_mirrors_the_group_and_keeps_the_target():
    rng = np.random.default_rng(0)
    x, normals = rng.normal(size=(40, 6)), rng.normal(size=(2, 40, 6))
    w_g, w_a = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    b = rng.normal(size=40)
    moved = across(x, w_g, b, w_a)
    assert (moved * w_a).sum(1) == pytest.approx((x * w_a).sum(1))
    assert (moved * w_g).sum(1) + b == pytest.approx(-((x * w_g).sum(1) + b))


def test_parallel_directions_have_no_counterpart():
    way = np.array([1.0, 0.0])
    with pytest.raises(GammaFaceError, match="one direction"):
        across(np.ones((1, 2)), way, 0.0, -way)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_hyperplanes_read_their_classes(n_classes):
    rng = np.random.default_rng(0)
    labels = np.arange(300) % n_classes
    corners = np.array([[0, 0], [8, 0], [4, 7]])
    codes = np.c_[corners[labels] + rng.normal(size=(300, 2)), rng.normal(size=(300, 3))]
    planes = fit_hyperplanes(codes, labels, n_classes, seed=0)
    assert np.linalg.norm(planes.normals, axis=1) == pytest.approx(1)
    assert (planes.distances(codes).argmax(1) == labels).mean() > 0.97


def test_a_missing_group_is_named():
    with pytest.raises(GammaFaceError, match="class 1 of an attribute does not occur"):
        fit_hyperplanes(np.ones((4, 2)), np.zeros(4, int), 2, seed=0)


def test_counterparts_of_pictures_change_the_group_alone():
    problem = skewed()
    space, faces = pixel_codes(), problem.originals
    codes = space.encode(faces.images)
    edited, protected = counterparts(codes, faces, codes, faces, problem)
    assert (protected[:, 0] != faces.protected[:, 0]).mean() > 0.95
    blue = space.decode(edited).float()[:, 2, 8:, 8:].mean((1, 2)).numpy()
    assert np.corrcoef(blue, protected[:, 0])[0, 1] > 0.9


@pytest.fixture
def shortcut_codes():
    """Codes with a strong axis 0, the shortcut, right for 90%, and a faint axis 1, the target."""
    rng = np.random.default_rng(0)
    y = np.arange(2000) % 2
    group = np.where(rng.random(2000) < 0.9, y, 1 - y)
    codes = rng.normal(0, 0.3, (2000, 8))
    codes[:, 0] += 4 * (group - 0.5)
    codes[:, 1] += 2 * (y - 0.5)
    return codes, y


@pytest.mark.parametrize("share", [0.5, 1.0, 1.5])
def test_the_spurious_direction_is_found_without_group_labels(shortcut_codes, share):
    (way,) = spurious_directions(*shortcut_codes, share=share)
    assert np.linalg.norm(way) == pytest.approx(1)
    assert abs(way[0]) > 5 * abs(way[2:]).max()
    if share >= 1:  # less is taken away of the target's own direction below
        assert way[0] > 0 > way[1]


def test_three_classes_have_a_direction_each(shortcut_codes):
    codes, y = shortcut_codes
    labels = np.where(np.arange(len(y)) % 3 == 0, 2, y)
    assert spurious_directions(codes, labels).shape == (3, 8)


def test_edits_along_it_change_the_shortcut():
    problem = skewed(codes=pixel_codes())
    there, back = edited_pictures(problem).float()
    bright = problem.originals.images.float()
    moved = (back - there).abs()
    assert moved[:, 2, 8:, 8:].mean() > 3 * moved[:, 1].mean()
    assert there.shape == bright.shape


@pytest.mark.slow
def test_pass_removes_the_group_and_keeps_the_task():
    rng = np.random.default_rng(0)
    y, group = rng.integers(0, 2, (2, 1500))
    features = rng.normal(0, 0.5, (1500, 8))
    features[:, 0] += 2 * y - 1
    features[:, 1] += 2 * group - 1
    features = features @ np.linalg.qr(rng.normal(size=(8, 8)))[0]

    def read(x, labels):
        return cross_val_score(LogisticRegression(max_iter=500), x, labels, cv=3).mean()

    assert read(features, group) > 0.95
    head = remove_protected(features, y, group, n_classes=2, n_groups=2)
    new = head.features(torch.from_numpy(features).float()).numpy()
    assert read(new, group) < 0.6
    assert read(new, y) > 0.93
    assert (head(torch.from_numpy(features).float()).argmax(1).numpy() == y).mean() > 0.93
