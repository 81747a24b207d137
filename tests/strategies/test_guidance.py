import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, balance
from gammaface.strategies import Learned, Reader, Target
from gammaface.strategies.noisy_heads import NoisyHeads
from gammaface.strategies.noisy_training import fit_noisy_heads
from tests.strategies.toy import CLASSES, SPREAD, Toy, toy

STEPS = 20


class ExactHeads:
    """Bayes' classifier of a toy's noisy images."""

    def __init__(self, face: Toy) -> None:
        self.face = face

    def log_chosen(self, x, abar, classes):
        unet = self.face.unet
        away = (x[:, None] - abar**0.5 * unet.means).square().sum((2, 3, 4))
        logs = (unet.log_shares - away / (2 * (abar * SPREAD**2 + 1 - abar))).log_softmax(1)
        sizes = [len(CLASSES[name]) for name in self.face.attributes]
        cells = np.ravel_multi_index([classes[name] for name in self.face.attributes], sizes)
        return logs[torch.arange(len(x)), torch.from_numpy(cells)]


def guide(face: Toy, *, n=96, learned="exact", **given):
    given = {"target": face.target(), "labeller": face.labeller, "steps": STEPS, "batch_size": 32} | given
    learned = Learned(ExactHeads(face), 0) if learned == "exact" else learned
    return balance(face.generator, n=n, strategy="distribution-guidance", learned=learned, **given)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "dpm-solver"])
def test_exact_guidance_at_scale_one_draws_the_target(sampler):
    """Bayes' rule: score + grad log p(cell | x_t) is the score of the cell."""
    face = toy(("side", "colour"), (0.4, 0.1, 0.1, 0.2, 0.15, 0.05))
    batch = guide(face, options={"scale": 1.0}, sampler=sampler)
    assert (face.cells(batch.images) == batch.cells).all()
    assert face.drawn(batch.images).tolist() == [16 / 96] * 6
    assert batch.evaluations == face.unet.rows == 96 * STEPS
    plain = balance(face.generator, n=96, strategy="plain", steps=STEPS, sampler=sampler, batch_size=32)
    within = [(images - face.unet.means[face.cells(images)]).std() for images in (plain.images, batch.images)]
    assert abs(float(within[1] / within[0]) - 1) < 0.05  # as diverse within a cell as the model is


def test_shares_of_ones_own():
    face = toy(("side",), (0.8, 0.2))
    batch = guide(face, n=40, options={"scale": 1.0}, target=face.target((0.1, 0.9)))
    assert face.drawn(batch.images).tolist() == [0.1, 0.9]


def test_scale_zero_is_plain_to_the_bit():
    face = toy(("side",), (0.8, 0.2))
    plain = balance(face.generator, n=40, strategy="plain", steps=STEPS, batch_size=32)
    assert torch.equal(guide(face, n=40, options={"scale": 0.0}).images, plain.images)


def test_an_image_depends_on_its_own_seed_and_target():
    face = toy(("side",), (0.8, 0.2))
    options = {"scale": 0.3, "pool": 3}
    whole = guide(face, n=24, options=options)
    small = guide(face, n=24, options=options, batch_size=5)
    part = guide(face, n=24, options=options, places=np.array([3, 17, 20]))
    assert float((whole.images - small.images).abs().max()) < 1e-3
    assert float((whole.images[[3, 17, 20]] - part.images).abs().max()) < 1e-3
    assert part.seeds.tolist() == whole.seeds[[3, 17, 20]].tolist()


def test_a_pool_draws_again_where_the_labeller_sees_another_group():
    face = toy(("side",), (0.8, 0.2))
    once = guide(face, options={"scale": 0.1})
    again = guide(face, options={"scale": 0.1, "pool": 20})
    assert once.notes["hit_share"] < 0.8 and again.notes["hit_share"] > 0.95
    hit = face.cells(once.images) == once.cells
    assert torch.equal(once.images[hit], again.images[hit])
    assert (again.seeds % 96 == np.arange(96)).all() and (again.seeds[~hit] >= 96).all()
    assert again.evaluations == round(again.notes["draws_per_image"] * 96) * STEPS
    assert 1 < again.notes["draws_per_image"] < 10


def test_a_place_that_is_never_hit_keeps_the_nearest_image():
    face = toy(("side",), (0.999, 0.001))
    batch = guide(face, n=8, options={"scale": 0.0, "pool": 3}, target=face.target((0, 1)))
    assert batch.notes["hit_share"] == 0 and batch.notes["draws_per_image"] == 3
    tried = balance(face.generator, n=24, strategy="plain", steps=STEPS, batch_size=8).images
    looks = face.labeller.probabilities(tried)["side"][:, 1].reshape(3, 8)
    assert batch.seeds.tolist() == (looks.argmax(0) * 8 + np.arange(8)).tolist()


def test_heads_learned_from_a_pilot_reach_the_target():
    face = toy(("side",), (0.8, 0.2))
    batch = guide(
        face, n=32, learned=None, pilot=128, options={"scale": 2.0, "presentations": 5120}, batch_size=128
    )
    assert (face.cells(batch.images) == batch.cells).mean() > 0.9
    assert batch.evaluations == (128 + 32) * STEPS  # training the heads costs none
    assert batch.notes["pilot"] == 128 and batch.notes["accuracy"][0]["accuracy"] > 0.9
    more = guide(face, n=32, learned=batch.learned, places=np.array([31]), options={"scale": 2.0})
    assert more.evaluations == STEPS
    assert float((more.images - batch.images[31:]).abs().max()) < 1e-3


def small_heads(attribute: str = "side", shape=(3, 4, 4)) -> NoisyHeads:
    rng = np.random.default_rng(0)
    labels = np.eye(2)[rng.integers(2, size=40)]
    clean = torch.from_numpy(rng.normal(size=(40, *shape))).float()
    alphas = np.linspace(0.99, 0.01, 100)
    return fit_noisy_heads(clean, {attribute: labels}, alphas=alphas, presentations=256)


def test_heads_may_come_from_a_folder(tmp_path):
    face = toy(("side",), (0.8, 0.2))
    small_heads().save(tmp_path / "good")
    batch = guide(face, n=4, learned=None, pilot=0, options={"heads": str(tmp_path / "good")})
    assert batch.evaluations == 4 * STEPS and batch.notes["heads"] == str(tmp_path / "good")
    small_heads(shape=(3, 2, 2)).save(tmp_path / "shape")
    with pytest.raises(GammaFaceError, match=r"shape \(3, 2, 2\), the model's are \(3, 4, 4\)"):
        guide(face, learned=None, options={"heads": str(tmp_path / "shape")})
    small_heads("hat").save(tmp_path / "hat")
    with pytest.raises(GammaFaceError, match="do not name the 2 classes of 'side'"):
        guide(face, learned=None, options={"heads": str(tmp_path / "hat")})


def test_refusals():
    face = toy(("side",), (0.8, 0.2))
    with pytest.raises(GammaFaceError, match="distribution-guidance needs a target"):
        guide(face, target=None)
    with pytest.raises(GammaFaceError, match="distribution-guidance needs a labeller"):
        guide(face, labeller=None)
    with pytest.raises(GammaFaceError, match="needs a pilot"):
        guide(face, learned=None, pilot=0)
    with pytest.raises(GammaFaceError, match="form='magic' cannot be used"):
        guide(face, options={"form": "magic"})
    with pytest.raises(GammaFaceError, match="for the other form"):
        guide(face, options={"form": "batch"})
    rare = toy(("side",), (0.9999, 0.0001))
    with pytest.raises(GammaFaceError, match=r"pilot of 40 holds \d\.\d images of side = right"):
        guide(rare, learned=None, pilot=40)
    with pytest.raises(GammaFaceError, match="needs a U-Net with a mid block"):
        guide(toy(mid_block=False), learned=None, options={"form": "batch"})


@pytest.mark.parametrize("divergence", ["chi-square", "kl"])
def test_the_batch_form_moves_shares_to_the_target(divergence):
    face = toy(("side",), (0.8, 0.2))
    options = {"form": "batch", "push": 30.0, "divergence": divergence}
    batch = guide(face, n=128, learned=None, pilot=128, options=options)
    plain = balance(face.generator, n=128, strategy="plain", steps=STEPS)
    away = [abs(face.drawn(images)[1] - 0.5) for images in (plain.images, batch.images)]
    assert away[1] < away[0] / 2
    assert batch.evaluations == (128 + 128) * STEPS + 1


def test_the_batch_form_is_fixed_by_place():
    face = toy(("side", "level"), (0.5, 0.2, 0.2, 0.1))
    options = {"form": "batch", "batch": 8, "push": 30.0}
    whole = guide(face, n=20, learned=None, pilot=64, options=options)
    places = np.array([2, 17, 19])
    part = guide(face, n=20, learned=whole.learned, options=options, places=places, batch_size=3)
    assert torch.equal(part.images, whole.images[places]) and part.seeds.tolist() == [2, 17, 19]
    assert part.evaluations == (8 + 4) * STEPS  # both batches were drawn whole
    other = guide(face, n=20, learned=whole.learned, options=options | {"batch": 4})
    assert not torch.allclose(other.images, whole.images, atol=1e-3)


def parity(images: torch.Tensor) -> dict[str, np.ndarray]:
    """A coin that each image carries: an untrained U-Net's images differ in little else."""
    return {"coin": np.eye(2)[(images.double().mean((1, 2, 3)) * 1e6).long().numpy() % 2]}


COIN = Reader({"coin": ("heads", "tails")}, parity)


def test_the_batch_form_on_a_unet(tiny):
    target = Target.even(("coin",), COIN.classes)
    given = dict(n=6, strategy="distribution-guidance", target=target, labeller=COIN, steps=3, pilot=64)
    given["options"] = {"form": "batch", "batch": 4, "push": 0.0}
    still = balance(tiny, **given)
    plain = balance(tiny, n=6, strategy="plain", steps=3, batch_size=4)
    assert torch.equal(still.images, plain.images)
    given["options"] = given["options"] | {"push": 1000.0}
    moved = balance(tiny, learned=still.learned, **given)
    assert float((moved.images - plain.images).abs().max()) > 1e-3

    def cancel(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        balance(tiny, learned=still.learned, callback=cancel, **given)
    assert not tiny.unet.mid_block._forward_hooks
