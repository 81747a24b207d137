import numpy as np
import pytest

from gammaface import GammaFaceError
from gammaface.balancing import Incomplete
from tests.strategies.checks import (
    check_batch_size_does_not_matter,
    check_every_evaluation_is_counted,
    check_seeds_are_the_models_own,
    draw,
)
from tests.strategies.toy import bound, toy


def test_shares_are_exact_and_draws_stay_the_models_own():
    face = toy(("side", "level"), (0.6, 0.2, 0.15, 0.05))
    target = face.target([0.25, 0.25, 0.4, 0.1])
    batch = draw(face, "quota", n=50, target=target)
    assert np.bincount(face.cells(batch.images)).tolist() == target.quota(50).tolist()
    assert batch.cells.tolist() == target.cells(50).tolist() == face.cells(batch.images).tolist()
    check_seeds_are_the_models_own(face, batch)


def test_the_price_is_that_of_the_rarest_group():
    """Half of 200 images from a group of share .2: 500 draws, give or take."""
    batch = draw(toy(shares=(0.8, 0.2)), "quota", n=200, batch_size=8)
    expected = 100 / 0.2
    deviation = np.sqrt(100 * 0.8) / 0.2  # of a negative binomial
    assert abs(batch.notes["draws"] - expected) < 4 * deviation + 8
    assert batch.evaluations == batch.notes["draws"] * 12
    assert batch.notes["kept_share"] == 200 / batch.notes["draws"]


def test_an_even_model_hardly_rejects():
    batch = draw(toy(shares=(0.5, 0.5)), "quota", n=200, batch_size=8)
    assert batch.notes["draws"] < 200 / (0.5 - float(bound(0.5, 200))) / 2 + 8


def test_invariance_and_count():
    check_batch_size_does_not_matter(toy(), "quota", n=30)
    check_every_evaluation_is_counted(toy(), "quota", n=10)


def test_blocks_of_a_run_are_balanced_and_disjoint():
    face = toy()
    blocks = [draw(face, "quota", n=30, places=np.arange(a, a + 10)) for a in (0, 10, 20)]
    assert len(np.unique(np.concatenate([b.seeds for b in blocks]))) == 30
    for block in blocks:
        assert np.bincount(face.cells(block.images)).tolist() == [5, 5]


def test_what_was_found_is_kept_when_a_group_never_comes():
    face = toy(("side", "level"), (0.5, 0.499998, 1e-6, 1e-6))
    with pytest.raises(Incomplete, match=r"24 draws did not fill every cell \(.*right, low: 0 of 2") as end:
        draw(face, "quota", n=8, options={"limit": 3}, batch_size=8)
    kept = end.value.batch
    assert len(kept.images) == len(kept.seeds) == len(end.value.places) == 4
    assert face.cells(kept.images).tolist() == face.target().cells(8)[end.value.places].tolist()
    assert kept.evaluations == 24 * 12 and kept.cost == 24 * 12 / 4
    assert isinstance(end.value, GammaFaceError)


def test_a_user_can_stop_it():
    def stop(done, total):
        assert total == 64
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(toy(), "quota", progress=stop)
