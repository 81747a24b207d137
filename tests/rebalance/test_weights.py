"""Importance weights, density ratios, and weights by time."""

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.rebalance.time_weights import TimeWeights, fit_time_weights
from gammaface.rebalance.weights import class_weights, density_ratio
from gammaface.strategies import Target
from gammaface.strategies.noisy_heads import NoisyHeads, Shape
from gammaface.training.diffusion import add_noise, build_scheduler, denoising_loss

TARGET = Target.even(("colour",), {"colour": ("red", "green", "blue")})
ABAR = build_scheduler().alphas_cumprod.float()


def test_class_weights_are_those_of_the_paper():
    weights = class_weights(np.repeat([0, 1, 2], [5, 3, 2]), TARGET)
    assert weights[[0, 5, 8]].round(6).tolist() == [0.666667, 1.111111, 1.666667]
    assert weights.mean() == pytest.approx(1)


def test_an_empty_group_is_named():
    with pytest.raises(GammaFaceError, match="nobody in the group blue"):
        class_weights(np.array([0, 0, 1]), TARGET)


def test_a_density_ratio_weighs_what_the_reference_has_more_of():
    rng = np.random.default_rng(0)
    biased = np.concatenate([rng.normal(0, 1, (900, 2)), rng.normal(4, 1, (100, 2))])
    even = np.concatenate([rng.normal(0, 1, (500, 2)), rng.normal(4, 1, (500, 2))])
    weights = density_ratio(biased, even)
    assert weights.mean() == pytest.approx(1)
    # A line between the two cannot give the exact ratio; it must even out most of .1 against .5.
    assert 0.35 < weights[900:].sum() / weights.sum() < 0.65
    with pytest.raises(GammaFaceError, match="too few to tell apart"):
        density_ratio(biased[:5], even)


class Slope(torch.nn.Module):
    """log w = 2 x summed over the picture."""

    def forward(self, x, abar):
        return torch.stack([-x.sum((1, 2, 3)), x.sum((1, 2, 3))], dim=1)


def test_time_weights_have_the_shape_and_score_of_their_ratio():
    heads = NoisyHeads(Slope(), {"origin": (0.5, 0.5)}, Shape((1, 2, 2), 2))
    batch = add_noise(torch.zeros(4, 1, 2, 2), ABAR[:500], torch.Generator().manual_seed(0))
    w, moved = TimeWeights(heads).corrected(batch)
    assert w.shape == (4, 1, 1, 1)
    log_ratio = (2 * batch.noisy.sum((1, 2, 3))).clamp(-3, 3)
    assert torch.allclose(w.flatten().log(), log_ratio, atol=1e-5)
    a = batch.abar
    assert torch.allclose(moved.noise, batch.noise - 2 * (1 - a).sqrt(), atol=1e-5)
    again = a.sqrt() * moved.clean + (1 - a).sqrt() * moved.noise
    assert torch.allclose(again, batch.noisy, atol=1e-5), "both targets belong to the same x_t"


def test_a_discriminator_is_learned_kept_and_read(tmp_path):
    rng = np.random.default_rng(0)
    biased, even = rng.normal(0, 0.3, (96, 1, 4, 4)), rng.normal(1, 0.3, (96, 1, 4, 4))
    ask = {"alphas": ABAR.numpy(), "presentations": 2560, "out": tmp_path / "d"}
    found = fit_time_weights(biased, even, **ask)
    clean = torch.from_numpy(np.concatenate([biased[:16], even[:16]])).float()
    batch = add_noise(clean, ABAR[:200], torch.Generator().manual_seed(0))
    w = found.ratio(batch)[0].flatten()
    assert w[:16].mean() < 0.5 < 2 < w[16:].mean()
    again = fit_time_weights(biased, even, **ask | {"presentations": 1})
    assert torch.equal(again.ratio(batch)[0].flatten(), w), "read, not learned again"


def test_every_kind_of_prediction_has_the_same_loss():
    source = torch.Generator().manual_seed(1)
    batch = add_noise(torch.randn(16, 3, 4, 4, generator=source), ABAR, source)
    wrong = torch.randn(batch.clean.shape, generator=source)
    a, b = batch.abar, 1 - batch.abar
    clean = batch.clean + a.sqrt() * b.sqrt() * wrong
    noise = (batch.noisy - a.sqrt() * clean) / b.sqrt()
    losses = [
        denoising_loss(out, batch, kind)
        for kind, out in (
            ("epsilon", noise),
            ("v_prediction", a.sqrt() * noise - b.sqrt() * clean),
            ("sample", clean),
        )
    ]
    assert torch.allclose(losses[0], losses[2], rtol=1e-3) and torch.allclose(losses[1], losses[2], rtol=1e-3)
