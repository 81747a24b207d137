import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.metrics import bias_loss

LOGITS = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + (
    torch.tensor([2.0, 0.0, -2.0])
)


@pytest.mark.parametrize("lambdas", [None, [1.0, 0.5, 2.0]])
@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_soft_gradient(lambdas, temperature):
    assert torch.autograd.gradcheck(
        lambda x: bias_loss(x, 3, kind="soft", temperature=temperature, lambdas=lambdas),
        LOGITS.clone().requires_grad_(),
    )


def test_straight_through_has_the_hard_value_and_a_gradient():
    x = LOGITS.clone().requires_grad_()
    loss = bias_loss(x, 3, kind="straight_through")
    assert loss.item() == pytest.approx(bias_loss(LOGITS.numpy(), 3))
    loss.backward()
    assert x.grad.abs().sum() > 0
    # Descending adds to the class that is never predicted.
    assert x.grad[:, 2].sum() < 0


def test_hard_has_no_gradient():
    assert not bias_loss(LOGITS.clone().requires_grad_(), 3).requires_grad


def test_soft_nears_hard_as_the_temperature_falls():
    cold = bias_loss(LOGITS, 3, kind="soft", temperature=1e-4)
    assert cold.item() == pytest.approx(bias_loss(LOGITS, 3).item(), abs=1e-6)


def test_even_shares_cost_nothing():
    assert bias_loss([0, 1, 2] * 4, 3) == 0.0
    assert bias_loss(np.zeros((4, 3)), 3, kind="soft") == pytest.approx(0)


@pytest.mark.parametrize(
    ("outputs", "options", "message"),
    [
        ([0, 1], {"kind": "soft"}, "needs logits, not labels"),
        ([0, 3], {}, "labels run from 0 to 3"),
        ([], {}, "neither labels nor logits"),
        (torch.zeros(2, 4), {}, "neither labels nor logits"),
        ([0, 1], {"kind": "sharp"}, "kind='sharp' is not known"),
        ([0, 1], {"temperature": 0}, "temperature=0 cannot be used"),
        ([0, 1], {"lambdas": [1.0]}, "lambdas have the shape"),
    ],
)
def test_refused(outputs, options, message):
    with pytest.raises(GammaFaceError, match=message):
        bias_loss(outputs, 3, **options)
