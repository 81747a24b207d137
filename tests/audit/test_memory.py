"""Plain draws are computed once a seed; what is drawn and counted stays the same."""

import numpy as np
import pytest
import torch

from gammaface.audit import Method
from gammaface.audit.memory import with_memory
from gammaface.balancing import balance
from gammaface.strategies.tap import tapped
from tests.audit.toy_classifier import METHODS, SIDE, ToyClassifier, audit
from tests.strategies.toy import toy


def draw(face, n=32, **rest):
    return balance(face, n=n, steps=6, seed=3, batch_size=16, **rest)


def test_remembered_rows_are_not_computed_again():
    face = toy(("side",), (0.8, 0.2))
    behind, memory = with_memory(face.generator)
    fresh = draw(face.generator, strategy="plain")
    with memory.keeping():
        first = draw(behind, strategy="plain")
    face.unet.rows = 0
    again = draw(behind, strategy="plain")
    assert face.unet.rows == 0 and memory.remembered == 32 * 6 and memory.saved > 0
    for batch in (first, again):
        assert torch.equal(batch.images, fresh.images) and batch.evaluations == fresh.evaluations
    memory.forget()
    draw(behind, strategy="plain")
    assert face.unet.rows == 32 * 6


def test_readers_of_h_get_what_they_would_have_read():
    face = toy(("side",), (0.8, 0.2))
    behind, memory = with_memory(face.generator)

    def read(generator, x, t=500):
        with tapped(generator, [("h", t)]) as tap:
            generator.predict(x, t)
            return tap.middle

    x = torch.randn(4, *face.generator.shape, generator=torch.Generator().manual_seed(0))
    expected = read(face.generator, x)
    with memory.keeping(middle=True):
        behind.predict(x, 500)
    face.unet.rows = 0
    assert torch.equal(read(behind, x), expected) and face.unet.rows == 0
    with memory.keeping():  # without h, a reader makes it compute
        behind.predict(x + 1, 500)
    face.unet.rows = 0
    assert torch.equal(read(behind, x + 1), read(face.generator, x + 1)) and face.unet.rows == 8


def test_steering_is_neither_skipped_nor_kept():
    face = toy(("side",), (0.8, 0.2))
    behind, memory = with_memory(face.generator)
    x = torch.randn(4, *face.generator.shape, generator=torch.Generator().manual_seed(0))
    with memory.keeping(middle=True):
        plain = behind.predict(x, 500)[0]

    def steer(generator):
        handle = generator.unet.mid_block.register_forward_hook(
            lambda _m, _i, h: h + 3 * torch.ones_like(h).cumsum(1)
        )
        try:
            return generator.predict(x, 500)[0]
        finally:
            handle.remove()

    with memory.keeping(middle=True):
        steered = steer(behind)
    assert torch.equal(steered, steer(face.generator)) and not torch.equal(steered, plain)
    assert torch.equal(behind.predict(x, 500)[0], plain)


def test_a_full_memory_keeps_no_more():
    face = toy(("side",), (0.8, 0.2))
    behind, memory = with_memory(face.generator)
    memory.limit = 4 * 3 * 4 * 4 * 10  # ten rows of float32
    with memory.keeping():
        draw(behind, strategy="plain")
    assert len(memory._kept) == 10


@pytest.mark.parametrize("mid_block", [True, False])
def test_an_audit_draws_its_plain_set_once(tmp_path, mid_block):
    face = toy(("side", "level"), (0.4, 0.4, 0.1, 0.1), mid_block=mid_block)
    space = {"space": "h" if mid_block else "x0", "pool": 1.0}
    methods = (
        METHODS[0],
        METHODS[1],
        Method("one", "stratified", space, n=80, pilot=60),
        Method("two", "stratified", space | {"pool": 1.5}, n=80, pilot=60),
    )
    run, _, _ = audit(tmp_path / "run", face, aims=(SIDE,), seeds=(0,), methods=methods)
    counted = run.table("cells").set_index("method")["evaluations"]
    assert counted["one"] == (60 + 80) * 6, "the pilot is paid for by each method"
    # The rows that quota throws away lie behind plain's; both pilots are one.
    saved = 80 * 6 + 60 * 6
    assert face.unet.rows < counted.sum() - saved + 64 * 6 * len(counted)
    expected = balance(face.generator, n=80, strategy="plain", steps=6, seed=0)
    labels = ToyClassifier(face).probabilities(expected.images)["side"][:, 0]
    stored = run.table("shares").query("method == 'plain' and attribute == 'side'")["share"]
    assert stored.iloc[0] == pytest.approx(np.mean(labels > 0.5))
