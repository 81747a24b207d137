"""The bias loss with a gradient: golden value, and that it moves the network the right way."""

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.rebalance import BiasTerm, critic_of
from gammaface.rebalance.bundle import trainable
from gammaface.training.diffusion import add_noise
from tests.rebalance.toy_light import Light, light_critic, pixel_generator

GOLDEN = [0] * 5 + [1] * 2 + [2]


class Named:
    """Answers as told, whatever it sees."""

    hash, classes = "named", {"colour": ("red", "green", "blue")}

    def differentiable(self, images):
        return {"colour": torch.eye(3)[torch.tensor(GOLDEN)]}

    def probabilities(self, images):
        return {"colour": np.eye(3)[GOLDEN]}

    def features(self, images):
        return images.flatten(1).numpy()


@pytest.mark.parametrize("kind", ["soft", "straight_through"])
def test_the_golden_vector_through_a_critic(kind):
    critic = critic_of(Named(), ("colour",))
    loss = BiasTerm(kind=kind)._loss(torch.zeros(8, 3, 2, 2), critic)
    assert float(loss) == pytest.approx(0.122396, abs=1e-5)


@pytest.mark.parametrize("through", ["x0", "steps"])
@pytest.mark.parametrize("kind", ["soft", "straight_through"])
def test_following_the_gradient_lowers_the_loss(through, kind):
    generator, critic = pixel_generator(), light_critic(edge=0.15)
    network, term = trainable(generator), BiasTerm(kind=kind, through=through, steps=2)
    source = torch.Generator().manual_seed(0)
    batch = add_noise(torch.zeros(32, 3, 8, 8), torch.from_numpy(generator.alphas).float(), source)

    def loss():
        if through == "steps":
            return term.of_draws(network, batch.noise, generator, critic)
        out = network(batch.noisy, batch.t, return_dict=False)[0]
        return term.of_examples(out, batch, generator, critic)

    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    values = []
    for _ in range(12):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[0] > 0.05, "the toy begins uneven"
    assert min(values) < 0.5 * values[0]


def test_the_gradient_is_the_slope_of_the_loss():
    critic, term = light_critic(edge=0.1), BiasTerm()
    images = (0.2 * torch.randn(6, 3, 8, 8, dtype=torch.float64)).requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda x: term._loss(x, _double(critic)), images, eps=1e-6, atol=1e-4, nondet_tol=0.0
    )


def _double(critic):
    class Double:
        k = critic.k

        def log_cells(self, images):
            return Light(0.1).differentiable(images)["light"].log()

    return Double()


def test_words_and_numbers_are_checked():
    for wrong in (
        {"kind": "hard"},
        {"through": "magic"},
        {"temperature": 0},
        {"steps": 0},
        {"weight": -1},
        {"least": 1},
    ):
        with pytest.raises(GammaFaceError):
            BiasTerm(**wrong)
    assert "4 DDIM steps from noise" in BiasTerm(through="steps").words()
    assert "predicted x_0" in BiasTerm().words()


def test_a_classifier_without_gradients_is_refused():
    class Blind(Light):
        differentiable = None

        def probabilities(self, images):
            return {"light": np.full((len(images), 2), 0.5)}

    with pytest.raises(GammaFaceError, match="gives no gradients"):
        critic_of(Blind(), ("light",)).log_cells(torch.zeros(2, 3, 8, 8))
    with pytest.raises(GammaFaceError, match="'mood' is not known"):
        critic_of(Light(), ("mood",))
