import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, balance
from gammaface.strategies.self_debias import clusters_of
from tests.strategies.toy import toy

STEPS = 20


def debias(face, *, n=128, **given):
    given = {"steps": STEPS, "pilot": 128, "options": {"clusters": 2, "push": 60.0}} | given
    return balance(face.generator, n=n, strategy="self-debias", **given)


def test_clusters_without_labels_become_even():
    """The toy's h has one cluster for each side; nobody names them."""
    face = toy(("side",), (0.8, 0.2))
    batch = debias(face)
    plain = balance(face.generator, n=128, strategy="plain", steps=STEPS)
    away = [abs(face.drawn(images)[1] - 0.5) for images in (plain.images, batch.images)]
    assert away[1] < away[0] / 2
    assert batch.evaluations == (128 + 128) * STEPS + 1
    assert sorted(batch.notes["cluster_shares"])[1] == pytest.approx(0.8, abs=0.12)
    assert (batch.cells == -1).all() and "fixed by place" in batch.notes["images"]


def test_no_push_is_plain_to_the_bit_and_batches_are_fixed_by_place():
    face = toy(("side",), (0.8, 0.2))
    still = debias(face, n=20, options={"clusters": 2, "push": 0.0, "batch": 8})
    plain = balance(face.generator, n=20, strategy="plain", steps=STEPS, batch_size=8)
    assert torch.equal(still.images, plain.images)
    options = {"clusters": 2, "push": 60.0, "batch": 8}
    whole = debias(face, n=20, options=options, learned=still.learned)
    part = debias(face, n=20, options=options, learned=still.learned, places=np.array([1, 18]))
    assert torch.equal(part.images, whole.images[[1, 18]])


def test_clusters_are_found_and_repeat():
    rng = np.random.default_rng(0)
    h = rng.normal(size=(90, 40)) + 8 * np.repeat(np.eye(40)[:3], 30, axis=0)
    found = clusters_of(h, 3, seed=1)
    assert sorted(np.bincount(found)) == [30, 30, 30]
    assert all(len(set(found[i : i + 30])) == 1 for i in (0, 30, 60))
    assert (found == clusters_of(h, 3, seed=1)).all()


def test_refusals():
    with pytest.raises(GammaFaceError, match="self-debias needs a U-Net with a mid block"):
        debias(toy(mid_block=False))
    with pytest.raises(GammaFaceError, match="self-debias needs a pilot"):
        debias(toy(), pilot=0)
    with pytest.raises(GammaFaceError, match="4 clusters of 30 images"):
        debias(toy(), pilot=30, options={})


def test_on_a_unet(tiny):
    given = dict(n=5, strategy="self-debias", steps=3, pilot=40)
    batch = balance(tiny, options={"push": 1000.0, "batch": 4}, **given)
    assert batch.images.shape == (5, 3, 64, 64) and not tiny.unet.mid_block._forward_hooks
    plain = balance(tiny, n=5, strategy="plain", steps=3)
    assert float((batch.images - plain.images).abs().max()) > 1e-3
