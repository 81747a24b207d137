import json

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from gammaface import GammaFaceError
from gammaface.strategies.noisy_heads import NoisyHeads, NoisyNetwork, Shape
from gammaface.strategies.noisy_training import LEVELS, fit_noisy_heads, held_out_accuracy

ALPHAS = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
X = (2, 2, 2)
RARE = 0.25
APART, SPREAD = 0.9, 0.6  # of the two classes' means from 0 in every pixel; within a class


def two_gaussians(n: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    source = torch.Generator().manual_seed(seed)
    label = (torch.rand(n, generator=source) < RARE).long()
    sign = (2 * label - 1).float().view(-1, 1, 1, 1)
    return APART * sign + SPREAD * torch.randn(n, *X, generator=source), np.eye(2)[label.numpy()]


def bayes(x: torch.Tensor, abar: float) -> torch.Tensor:
    """Exact log p(class | x_t), (n, 2)."""
    deviation = (abar * SPREAD**2 + 1 - abar) ** 0.5
    logs = [
        Normal(sign * abar**0.5 * APART, deviation).log_prob(x).sum((1, 2, 3)) + np.log(share)
        for sign, share in ((-1, 1 - RARE), (1, RARE))
    ]
    return torch.stack(logs, dim=1).log_softmax(dim=1)


@pytest.fixture(scope="module")
def heads() -> NoisyHeads:
    clean, labels = two_gaussians(2000, seed=0)
    return fit_noisy_heads(clean, {"side": labels}, alphas=ALPHAS, presentations=25_000, seed=1)


@pytest.mark.slow
def test_it_nears_the_bayes_classifier_at_every_noise_level(heads):
    clean, labels = two_gaussians(4000, seed=5)
    truth = torch.from_numpy(labels.argmax(1))
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(6))
    for level in LEVELS:
        x = level * clean + (1 - level**2) ** 0.5 * noise
        exact, learned = bayes(x, level**2), heads.log_probabilities(x, level**2)["side"].detach()
        right = [(p.argmax(1) == truth).float().mean().item() for p in (exact, learned)]
        assert right[1] > right[0] - 0.02, level
        surprise = [-p[torch.arange(len(x)), truth].mean().item() for p in (exact, learned)]
        assert surprise[1] < surprise[0] + 0.04, level  # nats: its probabilities mean what they say


def test_its_gradient_points_as_the_exact_one(heads):
    x = torch.randn(200, *X, generator=torch.Generator().manual_seed(3)).requires_grad_()
    chosen = np.ones(200, dtype=int)
    (learned,) = torch.autograd.grad(heads.log_chosen(x, 0.25, {"side": chosen}).sum(), x)
    (exact,) = torch.autograd.grad(bayes(x, 0.25)[:, 1].sum(), x)
    cosine = torch.cosine_similarity(learned.flatten(1), exact.flatten(1)).mean()
    assert cosine > 0.9 and 0.7 < (learned.norm() / exact.norm()) < 1.4


def test_guidance_stays_bounded_on_pure_noise(heads):
    """The shift of the predicted x_0 is (1 - abar) / sqrt(abar) times the gradient."""
    x = torch.randn(50, *X, generator=torch.Generator().manual_seed(3)).requires_grad_()
    for abar in (1e-9, 1e-4):
        (gradient,) = torch.autograd.grad(heads.log_chosen(x, abar, {"side": np.ones(50, int)}).sum(), x)
        assert ((1 - abar) / abar**0.5 * gradient).abs().max() < 2 * APART
    shares = heads.log_probabilities(x.detach(), 1e-9)["side"].exp().mean(0)
    assert abs(float(shares[1]) - RARE) < 0.05


def test_a_row_does_not_see_the_others(heads):
    x, chosen = torch.randn(5, *X), np.array([0, 1, 1, 0, 1])
    together = heads.log_chosen(x, 0.5, {"side": chosen})
    alone = [heads.log_chosen(x[i : i + 1], 0.5, {"side": chosen[i : i + 1]})[0] for i in range(5)]
    assert torch.allclose(together, torch.stack(alone), atol=1e-5)


def test_accuracy_is_told_by_attribute_and_level(heads):
    assert [row["sqrt_abar"] for row in heads.accuracy] == list(LEVELS)
    assert heads.accuracy[0]["accuracy"] > 0.95 > heads.accuracy[-1]["accuracy"]
    assert all(row["n"] == 250 and row["balanced_accuracy"] <= 1 for row in heads.accuracy)
    clean, labels = two_gaussians(64, seed=9)
    wrong = held_out_accuracy(heads, clean, {"side": torch.from_numpy(1 - labels)})
    assert wrong[0]["accuracy"] < 0.1


def test_two_attributes_are_learned_together():
    source = np.random.default_rng(0)
    bits = source.integers(2, size=(400, 2))
    clean = np.zeros((400, 2, 2, 2)) + 0.2 * source.normal(size=(400, *X))
    clean += (2 * bits - 1)[:, :, None, None]
    answers = {"first": np.eye(2)[bits[:, 0]], "second": np.eye(2)[bits[:, 1]]}
    clean = torch.from_numpy(clean).float()
    heads = fit_noisy_heads(clean, answers, alphas=ALPHAS, presentations=6000)
    at_the_corner = torch.tensor([1.0, -1.0]).view(1, 2, 1, 1).expand(1, *X)
    chosen = {"first": np.array([1]), "second": np.array([0])}
    assert float(heads.log_chosen(at_the_corner, 0.98, chosen).exp()) > 0.9


def test_training_repeats_and_survives_the_disk(tmp_path):
    clean, labels = two_gaussians(64, seed=0)
    torch.manual_seed(1)
    one = fit_noisy_heads(clean, {"side": labels}, alphas=ALPHAS, presentations=512)
    before = torch.random.get_rng_state()
    two = fit_noisy_heads(clean, {"side": labels}, alphas=ALPHAS, presentations=512)
    assert torch.equal(before, torch.random.get_rng_state())
    one.save(tmp_path / "heads")
    back = NoisyHeads.load(tmp_path / "heads")
    x = torch.randn(4, *X)
    for other in (two, back):
        assert torch.equal(one.log_probabilities(x, 0.3)["side"], other.log_probabilities(x, 0.3)["side"])
    assert back.accuracy == one.accuracy and back.shares == one.shares and back.shape == one.shape


@pytest.mark.parametrize("shape", [(3, 64, 64), (16, 8, 8), (1, 1, 1), (4, 12, 20)])
def test_any_latent_shape_fits(shape):
    network = NoisyNetwork(Shape(shape, 3, width=16))
    assert network(torch.randn(2, *shape), torch.tensor([0.5, 1e-12])).shape == (2, 3)


def test_refusals(tmp_path):
    clean, labels = two_gaussians(64, seed=0)
    with pytest.raises(GammaFaceError, match="nothing to learn from"):
        fit_noisy_heads(clean[:10], {"side": labels[:10]}, alphas=ALPHAS)
    with pytest.raises(GammaFaceError, match="nothing to learn from"):
        fit_noisy_heads(clean * torch.nan, {"side": labels}, alphas=ALPHAS)
    with pytest.raises(GammaFaceError, match="probabilities of 'side' do not fit the 64"):
        fit_noisy_heads(clean, {"side": labels[:5]}, alphas=ALPHAS)
    with pytest.raises(GammaFaceError, match="noisy heads cannot be read"):
        NoisyHeads.load(tmp_path / "none")
    fit_noisy_heads(clean, {"side": labels}, alphas=ALPHAS, presentations=256).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for broken in (config | {"shape": {"x": [9, 9, 9], "outputs": 2}}, config | {"shares": []}, []):
        (tmp_path / "config.json").write_text(json.dumps(broken))
        with pytest.raises(GammaFaceError, match="noisy heads cannot be read"):
            NoisyHeads.load(tmp_path)
