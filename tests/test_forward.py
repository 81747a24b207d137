"""Codes of given pictures: noised forward, and a mixture of them that draws."""

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, LatentMixture, balance
from gammaface.balancing import draw_seeds
from gammaface.forward import harvest_images
from tests.strategies.toy import LIFT, SPREAD, bound, toy


@pytest.fixture(scope="module")
def pictures():
    """400 pictures of the toy's two cells, half and half, whatever the toy itself draws."""
    stream = torch.Generator().manual_seed(0)
    sides = torch.ones(400, 3, 4, 4)
    sides[:200] = -1
    sides[:, :, :, :2] *= -1
    return LIFT * sides + SPREAD * torch.randn(sides.shape, generator=stream)


def test_codes_are_those_of_the_forward_process(pictures):
    face = toy().generator
    t = 300
    z = harvest_images(face, pictures, t=t)
    assert z.array.shape == (400, 48) and (z.t, z.space) == (t, "x_t")
    a = z.sqrt_abar
    rest = (z.array - a * pictures.flatten(1).numpy()) / (1 - a**2) ** 0.5
    assert abs(rest.mean()) < 0.05 and abs(rest.std() - 1) < 0.02
    again = harvest_images(face, pictures[:7], t=t, batch_size=3)
    assert np.allclose(again.array, z.array[:7], atol=1e-5)


def test_a_mixture_of_pictures_draws_their_shares(pictures):
    face = toy(shares=(0.8, 0.2))
    z = harvest_images(face.generator, pictures, t=face.generator.timestep_at(0.8))
    mixture = LatentMixture(2, restarts=3).fit(z)
    batch = balance(face.generator, mixture, n=64, injection="resume", steps=10)
    assert np.abs(face.drawn(batch.images) - 0.5).max() < bound(0.5, 64)
    plain = draw_seeds(face.generator, range(64), steps=10)
    assert face.drawn(plain.images)[0] > 0.6


def test_it_is_kept_as_any_harvest(pictures, tmp_path):
    face = toy().generator
    kept = harvest_images(face, pictures, pca=4, out=tmp_path / "z")
    assert np.allclose(kept.array, harvest_images(face, pictures, pca=4).array)
    assert kept.pca is not None and LatentMixture(2).fit(kept).latents_ is kept


def test_it_goes_on_where_it_was_cut_off(pictures, tmp_path):
    face, asked = toy().generator, {"pca": 4, "batch_size": 50}
    whole = harvest_images(face, pictures, out=tmp_path / "whole", **asked)

    def stop(done, total):
        if done >= 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harvest_images(face, pictures, out=tmp_path / "cut", progress=stop, **asked)
    seen = []
    cut = harvest_images(
        face, pictures, out=tmp_path / "cut", progress=lambda done, n: seen.append(done), **asked
    )
    assert seen[0] >= 100 and np.array_equal(cut.array, whole.array)
    again = harvest_images(
        face, pictures, out=tmp_path / "cut", progress=lambda *_: pytest.fail("computed again"), **asked
    )
    assert np.array_equal(again.array, whole.array)


def test_other_pictures_of_the_same_number_are_another_harvest(pictures, tmp_path):
    face = toy().generator
    harvest_images(face, pictures[:200], out=tmp_path / "z")
    with pytest.raises(GammaFaceError, match="other settings or weights"):
        harvest_images(face, pictures[200:], out=tmp_path / "z")


def test_other_pictures_are_refused(pictures, tiny):
    with pytest.raises(GammaFaceError, match="one or more"):
        harvest_images(tiny, pictures[:0])
    with pytest.raises(GammaFaceError, match="Give pictures of the model's resolution"):
        harvest_images(tiny, torch.zeros(1, 3, 32, 32))
