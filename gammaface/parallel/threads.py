"""How many threads torch computes with: the last digits of its sums go by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gammaface.errors import GammaFaceError


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Compute with `count` threads of the processor for a while, afterwards with as many as before.

    Parameters
    ----------
    count : int, optional
        Of 1 or more; None leaves them as they are.

    Raises
    ------
    GammaFaceError
        A count below 1.
    """
    if count is not None and count < 1:
        raise GammaFaceError(f"{count} threads compute nothing", fix="Give 1 or more.")
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
