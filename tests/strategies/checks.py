"""What every strategy must keep: the same images whatever the batch, and an honest bill."""

import numpy as np

from gammaface import balance
from gammaface.balancing import draw_seeds


def draw(face, strategy, *, mixture=None, **arguments):
    """balance() on a toy with its own labeller, an even target and few steps."""
    arguments = {"n": 64, "steps": 12, "target": face.target(), "batch_size": 32} | arguments
    return balance(face.generator, mixture, strategy=strategy, labeller=face.labeller, **arguments)


def check_batch_size_does_not_matter(face, strategy, **arguments):
    """Seeds, cells and images are the same in batches of 32 and of 5."""
    one = draw(face, strategy, batch_size=32, **arguments)
    two = draw(face, strategy, batch_size=5, **({"learned": one.learned} | arguments))
    assert one.seeds.tolist() == two.seeds.tolist()
    assert one.cells.tolist() == two.cells.tolist()
    assert float((one.images - two.images).abs().max()) < 1e-3


def check_every_evaluation_is_counted(face, strategy, **arguments):
    """The network's own count, padding left out, is what the batch says it cost."""
    face.unet.rows = 0
    # One at a time: no padding.
    batch = draw(face, strategy, batch_size=1, **arguments)
    assert batch.evaluations == face.unet.rows
    assert batch.cost == batch.evaluations / len(batch.images)
    return batch


def check_seeds_are_the_models_own(face, batch, **arguments):
    """Each image is what plain sampling makes of its seed."""
    plain = draw_seeds(face.generator, batch.seeds, steps=12, **arguments)
    assert float((plain.images - batch.images).abs().max()) < 1e-3
    assert len(np.unique(batch.seeds)) == len(batch.seeds)
