"""Rejection by a labeller until every cell is full: the best shares, at the highest price."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from gammaface.generators import micro_batches, seeded
from gammaface.strategies.labelling import cells_of
from gammaface.strategies.places import Found, Places
from gammaface.strategies.request import Drawn, Request
from gammaface.strategies.strategy import described


def quota(request: Request) -> Drawn:
    """Draw plainly, label, keep what an open place waits for.

    Each image is the model's own image of its seed. About (target share / model's share) of
    the worst-off cell draws are needed per delivered image.
    """
    places, found, draws = Places(request.cells()), Found(), 0
    for chunk, images, cells in labelled(request, request.pool(request.options["limit"])):
        draws += len(chunk)
        for seed, image, cell in zip(chunk, images, cells, strict=True):
            place = places.take(cell)
            if place is not None:
                found.keep(place, image, seed)
        request.say(places.filled)
        if places.full:
            break
    notes = {"draws": draws, "kept_share": places.filled / draws}
    drawn = found.drawn(request, draws * request.price(), notes)
    if not places.full:
        raise found.unfilled(request, drawn, draws)
    return drawn


def labelled(request: Request, seeds: np.ndarray) -> Iterator[tuple[np.ndarray, torch.Tensor, np.ndarray]]:
    """Plain images of seeds, batch by batch: seeds (b,), images (b, 3, H, W), cells (b,)."""
    path = request.path()
    for chunk, real in micro_batches(seeds, request.batch_size):
        streams = seeded(chunk)
        x = request.denoise(request.generator.noise(streams), path, streams)
        images = request.generator.decode(x)[:real]
        cells = cells_of(request.target, request.labeller.probabilities(images))
        yield chunk[:real], images, cells


QUOTA = described("quota", quota)
