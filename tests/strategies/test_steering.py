from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.strategies import steering
from gammaface.strategies.pilot import Pilot
from gammaface.strategies.request import Request
from gammaface.strategies.steering import StepHeads, fit_step_heads, pushed, record_pilot, steered
from gammaface.strategies.strategy import check_need
from tests.strategies.toy import labeller, toy


def recorded(h: dict[int, np.ndarray]) -> Pilot:
    n = len(next(iter(h.values())))
    codes = {("h", t): rows.astype(np.float16) for t, rows in h.items()}
    return Pilot(np.arange(n), torch.empty(n, 0), {}, codes, evaluations=0)


def request(face, **given) -> Request:
    defaults = dict(
        generator=face.generator, mixture=None, seeds=np.arange(4), places=np.arange(4), injection="",
        steps=4, sampler="ddim", batch_size=16, progress=None, callback=None, through=None, run_size=4,
        labeller=labeller(), pilot=20, options={"push": 1.0, "temperature": 2.0},
    )  # fmt: skip
    return Request(**defaults | given)


def test_a_head_per_step_finds_where_the_classes_lie():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=600)
    answers = {"kind": np.eye(3)[labels], "noise": np.eye(2)[rng.integers(2, size=600)]}
    h = {}
    for t, axis in ((900, 0), (100, 4)):
        h[t] = rng.normal(size=(600, 12))
        h[t][:, axis] += 6 * labels
    heads = fit_step_heads(recorded(h), answers, generator=toy().generator)
    for t, axis in ((900, 0), (100, 4)):
        slope = heads.weights[t][2] - heads.weights[t][0]
        assert slope.abs().argmax() == axis and slope[axis] > 0
        said = heads.logits(torch.from_numpy(h[t]).float()[:, :, None, None], t)[:, :3].argmax(1)
        assert (said.numpy() == labels).mean() > 0.95
    rows = {(row["attribute"], row["sqrt_abar"]): row["accuracy"] for row in heads.accuracy}
    assert len(rows) == 4 and min(v for (name, _), v in rows.items() if name == "kind") > 0.9
    assert max(v for (name, _), v in rows.items() if name == "noise") < 0.7
    assert all(row["n"] == 75 for row in heads.accuracy)


def heads_of(weights) -> StepHeads:
    return StepHeads({5: torch.tensor(weights)}, {5: torch.zeros(len(weights))}, (len(weights),), ())


def test_the_mean_over_a_batch_goes_to_the_target_and_padding_does_not_count():
    heads, target = heads_of([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([0.5, 0.5])
    asked = request(toy(), options={"push": 0.5, "temperature": 2.0})
    h = torch.tensor([[3.0, 7.0], [1.0, 7.0], [-50.0, 7.0]]).view(3, 2, 1, 1)
    after = pushed(asked, heads, target, divergence="chi-square", real=2)(h, 5)
    assert torch.equal(after[2], h[2]) and torch.equal(after[:, 1], h[:, 1])
    before = heads.mean_cells(h[:2], 5, temperature=2.0)
    nearer = heads.mean_cells(after[:2], 5, temperature=2.0)
    assert 0.5 < float(nearer[0]) < float(before[0])


def test_the_push_is_the_published_update():
    """h - 1.5 beta^0.05 push b grad, written out for one image and two classes."""
    face = toy()
    heads, target = heads_of([[2.0], [0.0]]), torch.tensor([0.5, 0.5])
    h = torch.full((1, 1, 1, 1), 0.7)
    after = pushed(
        request(face, options={"push": 3.0, "temperature": 8.0}),
        heads,
        target,
        divergence="chi-square",
        real=1,
    )(h, 5)
    p = 1 / (1 + np.exp(-2 * 0.7 / 8))
    gradient = 4 * 2 * (p - 0.5) * p * (1 - p) * 2 / 8  # d/dh of ((p-.5)^2 + (1-p-.5)^2) / .5
    alphas = face.generator.alphas
    beta = 1 - alphas[5] / alphas[4]
    assert float(after) == pytest.approx(0.7 - 1.5 * beta**0.05 * 3.0 * gradient, rel=1e-4)


def test_an_edit_is_gone_after_the_prediction_even_when_it_fails():
    face = toy()
    x = torch.randn(2, 3, 4, 4)
    free = face.generator.predict(x, 500)[0]
    assert torch.equal(steered(face.generator, lambda h, t: h)(x, 500)[0], free)
    moved = steered(face.generator, lambda h, t: h + torch.tensor([-9.0, 9.0]).view(1, 2, 1, 1))(x, 500)[0]
    assert not torch.allclose(moved, free)

    def fail(h, t):
        raise ValueError

    with pytest.raises(ValueError):
        steered(face.generator, fail)(x, 500)
    assert not face.unet.mid_block._forward_hooks
    assert torch.equal(face.generator.predict(x, 500)[0], free)


def test_a_recorded_pilot_keeps_h_at_every_step_or_says_that_it_will_not_fit(monkeypatch):
    face = toy(("side",), (0.5, 0.5))
    asked = request(face)
    pilot = record_pilot(asked)
    assert sorted(t for _, t in pilot.codes) == sorted(asked.path()[:-1])
    assert all(h.shape == (20, 2) and h.dtype == np.float16 for h in pilot.codes.values())
    assert pilot.evaluations == 20 * 4 + 1 and set(pilot.probabilities) == {"side", "level", "colour"}
    assert record_pilot(request(face, labeller=None), label=False).probabilities == {}
    monkeypatch.setattr(steering, "MEMORY", 2 * 2 * 4 * 10)
    with pytest.raises(GammaFaceError, match="Give a pilot of 10 or fewer"):
        record_pilot(asked)


def test_joint_cells_are_products():
    heads = StepHeads({5: torch.eye(4)}, {5: torch.zeros(4)}, (2, 2), ())
    h = torch.tensor([[np.log(3.0), 0.0, np.log(4.0), 0.0]], dtype=torch.float32).view(1, 4, 1, 1)
    cells = heads.mean_cells(h, 5, temperature=1.0)
    assert torch.allclose(cells, torch.tensor([0.75 * 0.8, 0.75 * 0.2, 0.25 * 0.8, 0.25 * 0.2]))


def test_needs_of_a_form():
    with pytest.raises(GammaFaceError, match="a mid block, which the model 'toy' does not have"):
        lacking = SimpleNamespace(generator=toy(mid_block=False).generator, sampler="ddim")
        check_need("mid-block", lacking)


def test_heads_read_bfloat16_activations_in_float32():
    source = torch.Generator().manual_seed(0)
    h = 3 + torch.randn(5, 4, 8, 8, generator=source).bfloat16()
    weights = torch.randn(3, 256, generator=source)
    heads = StepHeads({7: weights}, {7: -3 * weights.sum(1)}, (3,), ())
    with torch.autocast("cpu", torch.bfloat16):
        found = heads.logits(h, 7)
    assert found.dtype == torch.float32
    assert torch.allclose(found, heads.logits(h.float(), 7), atol=1e-4)
