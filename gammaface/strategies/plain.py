"""Plain sampling: what the model draws on its own."""

from __future__ import annotations

import numpy as np

from gammaface.strategies.request import Drawn, Request, draw
from gammaface.strategies.strategy import described


def plain(request: Request) -> Drawn:
    """Sampling from N(0, I), what the model draws on its own."""
    free = np.full(len(request.seeds), -1)
    return draw(request, free, lambda streams, _: request.generator.noise(streams))


PLAIN = described("plain", plain)
