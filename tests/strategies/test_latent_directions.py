import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.strategies.pushed_codes import push
from tests.strategies.checks import (
    check_batch_size_does_not_matter,
    check_every_evaluation_is_counted,
    draw,
)
from tests.strategies.toy import bound, toy


def test_golden_push():
    moved = push(np.array([[1.0, 1.0]]), np.array([[0.6, 0.8]]), np.zeros(1), np.array([3.0]))
    assert np.allclose(moved, [[1.96, 2.28]])


def test_several_distances_are_met_at_once():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(3, 8))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets, distances = rng.normal(size=3), np.array([3.0, -3.0, 1.0])
    codes = rng.normal(size=(20, 8))
    moved = push(codes, normals, offsets, distances)
    assert np.allclose(moved @ normals.T + offsets, distances)
    # The shortest way: no movement outside the plane of the normals.
    rest = np.linalg.svd(normals)[2][3:]
    assert np.allclose((moved - codes) @ rest.T, 0)


@pytest.mark.parametrize("sqrt_abar", [0.0, 0.4])
def test_shares_move_to_the_target(sqrt_abar):
    face = toy(shares=(0.8, 0.2))
    batch = draw(
        face, "latent-directions", n=200, pilot=300, options={"components": 2, "sqrt_abar": sqrt_abar}
    )
    assert (abs(face.drawn(batch.images) - 0.5) < bound(0.5, 200)).all()
    assert (face.cells(batch.images) == batch.cells).mean() > 0.9
    assert (batch.components == -1).all()


@pytest.mark.parametrize(
    "attributes, shares", [(("side", "level"), (0.5, 0.2, 0.2, 0.1)), (("colour",), (0.6, 0.3, 0.1))]
)
def test_pairs_and_several_classes(attributes, shares):
    face = toy(attributes, shares)
    batch = draw(face, "latent-directions", n=200, pilot=400, options={"components": 1})
    even = face.target().shares
    assert (abs(face.drawn(batch.images) - even) < bound(even, 200)).all()


def test_distance_zero_stays_on_the_boundary():
    """The knob does something: codes on the boundary are of either group."""
    face = toy(shares=(0.5, 0.5))
    batch = draw(face, "latent-directions", n=100, pilot=300, options={"distance": 0.0, "components": 1})
    assert 0.2 < (face.cells(batch.images) == batch.cells).mean() < 0.8


def test_invariance_and_count():
    face = toy()
    check_batch_size_does_not_matter(face, "latent-directions", n=20, pilot=60)
    batch = check_every_evaluation_is_counted(face, "latent-directions", n=10, pilot=60)
    assert batch.evaluations == (10 + 60) * 12
    later = check_every_evaluation_is_counted(
        face, "latent-directions", n=10, pilot=60, options={"sqrt_abar": 0.5}
    )
    assert later.evaluations < batch.evaluations


def test_an_image_keeps_its_place():
    """Places drawn alone are the images that the whole run has there."""
    face = toy()
    whole = draw(face, "latent-directions", n=12, pilot=60)
    part = draw(face, "latent-directions", n=12, places=np.array([3, 8]), learned=whole.learned)
    assert part.seeds.tolist() == [3, 8] and part.cells.tolist() == whole.cells[[3, 8]].tolist()
    assert float((part.images - whole.images[[3, 8]]).abs().max()) < 1e-3


IN_H = {"space": "h", "components": 2}


@pytest.mark.parametrize(
    "attributes, shares", [(("side",), (0.8, 0.2)), (("side", "level"), (0.5, 0.2, 0.2, 0.1))]
)
def test_codes_of_h_move_shares_to_the_target(attributes, shares):
    face = toy(attributes, shares)
    batch = draw(face, "latent-directions", n=200, pilot=400, options=IN_H)
    even = face.target().shares
    assert (abs(face.drawn(batch.images) - even) < bound(even, 200)).all()
    assert (face.cells(batch.images) == batch.cells).mean() > 0.9
    assert torch.pdist(batch.images.flatten(1)).min() > 1e-3, "no two are alike"


def test_codes_of_h_are_counted_and_keep_their_place():
    face = toy()
    check_batch_size_does_not_matter(face, "latent-directions", n=20, pilot=60, options=IN_H)
    batch = check_every_evaluation_is_counted(face, "latent-directions", n=10, pilot=60, options=IN_H)
    assert batch.evaluations == (10 + 60) * 12 + 1
    part = draw(
        face,
        "latent-directions",
        n=10,
        places=np.array([3, 8]),
        learned=batch.learned,
        options=IN_H,
    )
    assert float((part.images - batch.images[[3, 8]]).abs().max()) < 1e-3
    # Pushed onto the boundary, codes are of either group.
    unsure = draw(face, "latent-directions", n=100, pilot=300, options=IN_H | {"distance": 0.0})
    assert 0.2 < (face.cells(unsure.images) == unsure.cells).mean() < 0.8


def test_codes_of_h_need_a_mid_block_and_no_level():
    with pytest.raises(GammaFaceError, match="needs a U-Net with a mid block"):
        draw(toy(mid_block=False), "latent-directions", pilot=60, options=IN_H)
    with pytest.raises(GammaFaceError, match="at no single sqrt_abar"):
        draw(toy(), "latent-directions", pilot=60, options=IN_H | {"sqrt_abar": 0.5})


def test_noise_must_decide_the_image():
    with pytest.raises(GammaFaceError, match="needs a deterministic sampler.*'ddpm' adds more"):
        draw(toy(), "latent-directions", sampler="ddpm", pilot=60)
