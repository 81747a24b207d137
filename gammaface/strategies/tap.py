"""Read codes while a path is walked, so that no network evaluation is spent twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.sampling import State
from gammaface.spaces import check_space

Place = tuple[str, int]
"""A space and a timestep."""


@dataclass
class Tap:
    """The codes seen last, (b, d) float32 on the CPU, by space and timestep.

    ``watch`` is the callback to give to :meth:`Request.denoise`.
    """

    wanted: frozenset[Place]
    codes: dict[Place, torch.Tensor] = field(default_factory=dict)
    middle: torch.Tensor | None = None  # (b, channels, h, w), of the last evaluation

    def watch(self, state: State) -> None:
        for space, t in self.wanted:
            if t == state.t:
                self.codes[space, t] = self._read(space, state)

    def _read(self, space: str, state: State) -> torch.Tensor:
        if space == "h_pooled":
            return self.middle.mean(dim=(2, 3)).cpu()
        source = {"x_t": state.x, "x0": state.denoised, "h": self.middle}[space]
        return source.flatten(1).float().cpu()


@contextmanager
def tapped(generator: Generator, wanted: Iterable[Place]) -> Iterator[Tap]:
    """A tap on a model for the length of a `with` block.

    Raises
    ------
    GammaFaceError
        Unknown spaces, or h-space of a model without a mid block.
    """
    tap = Tap(frozenset(wanted))
    for space, _ in tap.wanted:
        check_space(space)
    if not any(space in ("h", "h_pooled") for space, _ in tap.wanted):
        yield tap
        return
    block = getattr(generator.unet, "mid_block", None)
    if block is None:
        raise GammaFaceError(f"the model '{generator.name}' has no mid block", fix="Use the space x_t or x0.")

    def keep(_module, _inputs, out: torch.Tensor) -> None:
        tap.middle = out.float()

    handle = block.register_forward_hook(keep)
    try:
        yield tap
    finally:
        handle.remove()
