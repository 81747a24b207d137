import numpy as np
import pytest
import torch

from gammaface.balancing import Incomplete
from gammaface.generators import seeded
from gammaface.sampling import ddim, timestep_path
from gammaface.strategies.evolution import evolve, geodesic, on_shell
from tests.strategies.checks import (
    check_batch_size_does_not_matter,
    check_every_evaluation_is_counted,
    check_seeds_are_the_models_own,
    draw,
)
from tests.strategies.toy import toy

SCRIPT = [0.2, -0.1, 0.1, -0.3, 0.05, 0.05, 0.4, -0.2, 0.1, 0.1]


@pytest.mark.parametrize(
    "xi, out, queue, used", [(1, [0, 0.2], [-0.1, 0.3], 4), (2, [0, 0.2, 0.3], [0.35, 0.35], 6)]
)
def test_golden_search(xi, out, queue, used):
    steps = iter(SCRIPT)
    found = evolve(
        0.0,
        lambda v: v >= 0,
        lambda v: v + next(steps),
        lambda a, b: abs(b - a),
        iterations=xi,
        children=2,
    )
    assert np.allclose(found.out, out) and np.allclose(found.queue, queue)
    assert found.mutations == used == len(SCRIPT) - len(list(steps))


def test_a_search_that_dies_out_ends():
    found = evolve(1.0, lambda v: v == 1.0, lambda v: v + 1, lambda a, b: b - a, iterations=5, children=3)
    assert found.out == [1.0] and found.queue == [] and found.mutations == 3
    failed = evolve(1.0, lambda v: False, lambda v: v, lambda a, b: 0.0, iterations=5, children=3)
    assert failed.out == [] and failed.mutations == 0


def test_mutations_stay_on_the_shell():
    x, noise = torch.randn(2, 5000, generator=torch.Generator().manual_seed(0))
    moved = on_shell(x, noise, 0.6)
    assert abs(float(moved.std()) - 1) < 0.05
    assert abs(geodesic(x, moved) - np.arcsin(0.6)) < 0.05
    assert geodesic(x, x) < 1e-3 and abs(geodesic(x, -x) - np.pi) < 1e-3


def test_quotas_are_exact():
    face = toy(("side", "level"), (0.6, 0.2, 0.15, 0.05))
    batch = draw(face, "evolutionary", n=50)
    assert np.bincount(face.cells(batch.images)).tolist() == face.target().quota(50).tolist()
    assert face.cells(batch.images).tolist() == batch.cells.tolist()
    assert len(np.unique(batch.seeds)) == 50


def test_it_is_cheaper_than_rejection_where_a_group_is_rare():
    face = toy(shares=(0.96, 0.04))
    evolved = draw(face, "evolutionary", n=60, batch_size=8)
    rejected = draw(face, "quota", n=60, batch_size=8)
    assert evolved.evaluations < 0.6 * rejected.evaluations
    assert np.bincount(face.cells(evolved.images)).tolist() == [30, 30]


def test_relatives_are_not_copies():
    """A search's images differ more, the larger the step."""
    face = toy()
    spread = {}
    for step in (0.1, 0.8):
        batch = draw(face, "evolutionary", n=8, target=face.target([1.0, 0.0]), options={"step": step})
        assert face.drawn(batch.images).tolist() == [1.0, 0.0]
        pairs = torch.pdist(batch.images[:4].flatten(1))  # places 0..3 are one family
        assert float(pairs.min()) > 1e-3
        spread[step] = float(pairs.mean())
    assert spread[0.8] > 2 * spread[0.1]


def test_starts_are_plain_draws():
    """With no iterations every image is a start, and nothing is mutated."""
    face = toy()
    batch = draw(face, "evolutionary", n=12, options={"iterations": 0})
    assert batch.notes["mutations_tried"] == 0
    check_seeds_are_the_models_own(face, batch)


def test_a_mutation_is_what_its_seeds_say():
    """Image 2 of a family: the start's noise moved by the noise of its own seed."""
    face = toy()
    target = face.target([1.0, 0.0])
    batch = draw(face, "evolutionary", n=2, target=target, options={"iterations": 1, "limit": 20})
    start, own = (face.generator.noise(seeded([s])) for s in batch.seeds)
    x = ddim(
        face.generator.predict,
        on_shell(start, own, 0.5),
        timestep_path(1000, 12),
        alphas=face.generator.alphas,
    )
    assert float((face.generator.decode(x)[0] - batch.images[1]).abs().max()) < 1e-3
    assert batch.seeds[1] >= 20 * 2  # the rounds after the plain draws


def test_invariance_and_count():
    face = toy()
    check_batch_size_does_not_matter(face, "evolutionary", n=30)
    check_every_evaluation_is_counted(face, "evolutionary", n=12)
    blocks = [draw(face, "evolutionary", n=20, places=np.arange(a, a + 10)) for a in (0, 10)]
    assert len(np.unique(np.concatenate([b.seeds for b in blocks]))) == 20


def test_what_was_found_is_kept_when_no_start_comes():
    face = toy(shares=(0.999999, 1e-6))
    with pytest.raises(Incomplete, match=r"24 draws did not fill every cell \(right: 0 of 4\)") as end:
        draw(face, "evolutionary", n=8, options={"limit": 3}, batch_size=8)
    kept = end.value.batch
    assert face.cells(kept.images).tolist() == [0, 0, 0, 0]
    assert end.value.places.tolist() == [0, 2, 4, 6]


def test_padding_shows_what_comes_next_and_changes_nothing():
    """Two families and 15 mutations: 3 batches, not 15 of which 62 rows in 64 are padding."""
    found = {}
    for size in (1, 64):
        face = toy(shares=(0.8, 0.2))
        found[size] = draw(face, "evolutionary", n=16, batch_size=size, options={"iterations": 7})
    one, many = found[1], found[64]
    assert one.seeds.tolist() == many.seeds.tolist() and float((one.images - many.images).abs().max()) < 1e-3
    tried = {size: batch.notes["mutations_tried"] for size, batch in found.items()}
    assert tried[1] == tried[64] > 10, "what was shown early and never judged does not count"
    assert many.evaluations == (many.notes["draws"] + tried[64]) * 12
    assert face.unet.rows <= (many.notes["draws"] + 3 * 64) * 12
