import dataclasses

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, harvest
from gammaface.generators import seeds_for
from gammaface.spaces import codes
from gammaface.studies.along import along_noising, along_sampling

TIMES = (200, 700)


def test_one_pass_gives_what_separate_harvests_give(tiny):
    blocks = list(along_sampling(tiny, seeds_for(3, 10), TIMES, steps=8, batch_size=4))
    assert [(b.first, b.n) for b in blocks] == [(0, 4), (4, 4), (8, 2)]
    joined = {key: np.concatenate([b.codes[key] for b in blocks]) for key in blocks[0].codes}
    assert set(joined) == {(space, t) for space in ("x_t", "x0", "h") for t in TIMES}
    # 700 is the first of the two that the path meets: a path through it alone is the same until then.
    alone = harvest(tiny, n=10, t=700, space="x_t", seed=3, steps=8, batch_size=4)
    np.testing.assert_allclose(joined["x_t", 700], alone.array, atol=1e-5)
    x = torch.from_numpy(joined["x_t", 200]).view(-1, *tiny.shape)
    for space in ("x0", "h"):
        np.testing.assert_allclose(joined[space, 200], codes(tiny, x, 200, space).numpy(), atol=1e-4)


def test_noised_faces_have_the_right_amplitude(tiny):
    clean = torch.full((6, *tiny.shape), 3.0)
    (block,) = along_noising(tiny, clean, TIMES, seed=0, batch_size=6)
    for t in TIMES:
        mean = block.codes["x_t", t].mean()
        assert mean == pytest.approx(3 * tiny.sqrt_abar(t), abs=0.1)
    again = list(along_noising(tiny, clean, TIMES, seed=0, batch_size=4))
    np.testing.assert_allclose(
        np.concatenate([b.codes["x_t", 200] for b in again]), block.codes["x_t", 200], atol=1e-6
    )


def test_a_model_without_mid_block_is_refused(tiny):
    bare = dataclasses.replace(tiny, unet=torch.nn.Identity())
    with pytest.raises(GammaFaceError, match="no mid block"):
        next(along_sampling(bare, seeds_for(0, 2), TIMES, steps=4, batch_size=2))
