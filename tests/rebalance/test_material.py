"""What rows are trained on: mirror images, looked at once, read when they are needed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import gammaface.rebalance.run as run_module
from gammaface.rebalance import Original, critic_of, run_rebalance
from gammaface.rebalance.material import Material
from tests.rebalance.toy_light import SMALL, Light, light_critic


class Thrifty(Light):
    """Names the groups from its features; counts the pictures that it was shown."""

    shown = 0

    def features(self, images):
        self.shown += len(images)
        return super().features(images)

    def of_features(self, features):
        x = self.steepness * (features.mean(1, keepdims=True) - self.edge)
        return {"light": 1 / (1 + np.exp(np.concatenate([x, -x], axis=1)))}

    def probabilities(self, images):
        return self.of_features(self.features(images))


def test_a_mirror_image_has_the_value_of_its_picture():
    values, labels = np.array([0.5, 1.0, 1.5]), np.zeros(3, int)
    twice = Material(np.zeros((6, 3, 8, 8)), labels, np.zeros((3, 4)))
    assert twice.for_each(values).tolist() == [0.5, 1.0, 1.5, 0.5, 1.0, 1.5]
    once = Material(np.zeros((3, 3, 8, 8)), labels, np.zeros((3, 4)))
    assert once.for_each(values).tolist() == [0.5, 1.0, 1.5]


def test_no_twin_helps_to_judge_an_example(generator, tmp_path, monkeypatch):
    """A density ratio is fitted on the pictures; their mirror images take over the weights."""
    told, trained = [], []
    ratio, train = run_module.density_ratio, run_module.train_network

    def judge(biased, reference, **rest):
        told.extend([biased, reference])
        return ratio(biased, reference, **rest)

    def remember(start, examples, *rest, **options):
        trained.append(examples)
        return train(start, examples, *rest, **options)

    monkeypatch.setattr(run_module, "density_ratio", judge)
    monkeypatch.setattr(run_module, "train_network", remember)
    recipe = replace(SMALL, rows=("density-ratio",), mirror=True, sets=1)
    run = run_rebalance(generator, light_critic(), recipe, out=tmp_path / "r")
    assert [len(part) for part in told] == [24, 24], "every picture once"
    assert all(len(np.unique(part, axis=0)) == len(part) for part in told)
    (examples,) = trained
    assert len(examples.x) == len(examples.weights) == 48
    assert np.array_equal(examples.weights[:24], examples.weights[24:])
    x = run.array("material/biased-x")
    assert np.allclose(x[24:], x[:24, :, :, ::-1], atol=1e-3)


def test_each_picture_is_looked_at_once(generator, tmp_path):
    classifier = Thrifty()
    critic = critic_of(classifier, ("light",))
    images = torch.rand(600, 3, 8, 8) * 2 - 1
    cells, features = critic.look(images)
    assert classifier.shown == 600
    assert np.array_equal(cells, critic.cells(images)) and np.array_equal(features, critic.features(images))
    plain = light_critic()
    assert np.array_equal(plain.look(images)[0], plain.cells(images))


@pytest.mark.parametrize("mirror", [False, True])
def test_pictures_are_read_by_a_run_that_lacks_them_only(generator, tmp_path, mirror):
    pixels = torch.randint(
        90, 166, (40, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    pixels[:10] += 60
    read = []

    def original():
        read.append("original")
        return Original(pixels, np.repeat([1, 0], [10, 30]))

    def real():
        read.append("real")
        return pixels

    recipe = replace(SMALL, rows=("reweighing",), sets=1, mirror=mirror)
    ask = {"out": tmp_path / "r", "original": original, "real": real}
    stages = []

    def stop(stage, done, total):
        stages.append(stage)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_rebalance(generator, light_critic(), recipe, report=stop, **ask)
    assert read == ["real", "original"], "before anything is drawn"
    run_rebalance(generator, light_critic(), recipe, **ask)
    assert read == ["real", "original"]
    run_rebalance(generator, light_critic(), replace(recipe, rows=("tune",)), **ask | {"out": tmp_path / "t"})
    assert read == ["real", "original", "real"], "nobody needs the original data there"
