import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, balance
from gammaface.strategies import Target
from gammaface.strategies.h_directions import cell_directions, pca_directions
from gammaface.strategies.pilot import Pilot
from tests.strategies.test_guidance import COIN
from tests.strategies.toy import CLASSES, toy

STEPS = 20


def move(face, *, n=64, **given):
    given = {"target": face.target(), "labeller": face.labeller, "steps": STEPS, "pilot": 128} | given
    return balance(face.generator, n=n, strategy="h-directions", **given)


@pytest.mark.parametrize("form, price", [("both", 1), ("asyrp", 2)])
def test_every_image_is_moved_to_its_cell(form, price):
    face = toy(("side",), (0.8, 0.2))
    batch = move(face, options={"form": form, "scale": 2.0})
    assert (face.cells(batch.images) == batch.cells).all()
    assert face.drawn(batch.images).tolist() == [0.5, 0.5]
    assert batch.evaluations == (128 + 64 * price) * STEPS + 1
    again = move(face, options={"form": form, "scale": 0.0}, learned=batch.learned, batch_size=32)
    plain = balance(face.generator, n=64, strategy="plain", steps=STEPS, batch_size=32)
    assert torch.equal(again.images, plain.images)
    assert again.evaluations == 64 * price * STEPS


def test_principal_directions_move_to_the_cell_too():
    """The toy's h has one component for two groups, and that is the way between them."""
    face = toy(("side",), (0.8, 0.2))
    batch = move(face, options={"directions": "pca", "scale": 2.0})
    assert (face.cells(batch.images) == batch.cells).all()
    assert face.drawn(batch.images).tolist() == [0.5, 0.5]


def test_the_principal_component_is_the_one_that_tells_the_classes_apart():
    """h = 5 noise e1 + side (e2 + e3) + level e4: the largest component has nothing to do with side."""
    rng = np.random.default_rng(0)
    side, level = rng.integers(0, 2, (2, 400))
    h = np.stack([5 * rng.normal(size=400), side, side, 0.9 * level], axis=1).astype(np.float32)
    left, right = pca_directions(h, side, 3)[:2]
    assert np.allclose(right, [0, 1, 1, 0], atol=0.15) and np.allclose(left, -right)
    assert np.isnan(pca_directions(h, side, 3)[2]).all()
    pilot, target = table({"side": side, "level": level}), Target.even(("side",), CLASSES)
    found = cell_directions(pilot, h, target, find=pca_directions, hold=("level",))
    assert abs(found[1] @ pca_directions(h, level, 2)[1]) < 1e-5 < 1 < found[1] @ [0, 1, 1, 0]


def test_joint_cells_are_reached():
    face = toy(("side", "level"), (0.4, 0.3, 0.2, 0.1))
    batch = move(face, options={"scale": 3.0})
    assert (face.cells(batch.images) == batch.cells).mean() > 0.9


def test_an_image_depends_on_its_own_seed_and_cell():
    face = toy(("side",), (0.8, 0.2))
    whole = move(face, n=20, options={"scale": 0.3})
    given = dict(n=20, options={"scale": 0.3}, learned=whole.learned, batch_size=3)
    small, part = move(face, **given), move(face, **given, places=np.array([7, 18]))
    assert float((small.images - whole.images).abs().max()) < 1e-3
    assert float((part.images - whole.images[[7, 18]]).abs().max()) < 1e-3


def table(labels: dict[str, np.ndarray]) -> Pilot:
    n = len(next(iter(labels.values())))
    probabilities = {name: np.eye(len(CLASSES[name]))[rows] for name, rows in labels.items()}
    return Pilot(np.arange(n), torch.empty(n, 0), probabilities, {}, evaluations=0)


def test_other_attributes_are_projected_out():
    """h = side e1 + level e2, side and level agreeing in 3 of 4: the raw difference leans to e2."""
    side = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    level = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    h = np.stack([side, level, np.full(8, 3)], axis=1).astype(np.float32)
    pilot, target = table({"side": side, "level": level}), Target.even(("side",), CLASSES)
    raw = cell_directions(pilot, h, target)
    assert np.allclose(raw, [[-1, -0.5, 0], [1, 0.5, 0]])
    held = cell_directions(pilot, h, target, hold=("level",))
    away = np.array([0.5, 1, 0])  # the difference of the levels
    assert np.allclose(held @ away, 0, atol=1e-6) and np.allclose(held[1], [0.6, -0.3, 0])
    both = cell_directions(pilot, h, Target.even(("side", "level"), CLASSES))
    assert np.allclose(both[3], [0.6 - 0.3, 0.6 - 0.3, 0]) and np.allclose(both[0], -both[3])


def test_three_classes_and_one_that_nobody_asks_for():
    colour = np.array([0, 0, 1, 1])
    h = np.array([[0.0], [2.0], [5.0], [5.0]], dtype=np.float32)
    pilot = table({"colour": colour})
    assert cell_directions(pilot, h, Target.of(("colour",), CLASSES, (0.5, 0.5, 0))).tolist() == [
        [-4],
        [4],
        [0],
    ]
    with pytest.raises(GammaFaceError, match="pilot of 4 images shows colour = blue never"):
        cell_directions(pilot, h, Target.even(("colour",), CLASSES))
    with pytest.raises(GammaFaceError, match="colour = red never, or nothing else"):
        alone = table({"colour": colour * 0})
        cell_directions(alone, h, Target.of(("colour",), CLASSES, (1, 0, 0)))


def test_refusals():
    with pytest.raises(GammaFaceError, match="h-directions needs a U-Net with a mid block"):
        move(toy(mid_block=False))
    with pytest.raises(GammaFaceError, match="h-directions needs a pilot"):
        move(toy(), pilot=0)
    with pytest.raises(GammaFaceError, match="does not name the attribute 'hat'"):
        move(toy(), options={"hold": "level, hat"})


def test_on_a_unet_hooks_are_removed_when_a_user_cancels(tiny):
    target = Target.even(("coin",), COIN.classes)
    given = dict(n=5, strategy="h-directions", target=target, labeller=COIN, steps=3, pilot=32)
    batch = balance(tiny, **given)
    plain = balance(tiny, n=5, strategy="plain", steps=3)
    assert float((batch.images - plain.images).abs().max()) > 1e-4

    def cancel(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        balance(tiny, learned=batch.learned, callback=cancel, **given)
    assert not tiny.unet.mid_block._forward_hooks
