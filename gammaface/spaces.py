"""What is clustered: x_t, predicted x_0, the U-Net's mid block, and PCA of any of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.pca import Projection, fit_pca  # noqa: F401

SPACES = {
    "x_t": "the noisy latent at timestep t",
    "x0": "the network's prediction of the clean latent at t; at t = 0 the latent that is decoded",
    "h": "activations of the U-Net's mid block at t, flat",
    "h_pooled": "activations of the U-Net's mid block at t, averaged over positions",
}


def check_space(space: str) -> None:
    """Refuse names that are no space."""
    if space not in SPACES:
        raise GammaFaceError(f"there is no space '{space}'", fix=f"Choose from {', '.join(SPACES)}.")


def codes(generator: Generator, x: torch.Tensor, t: int, space: str) -> torch.Tensor:
    """The codes of x (b, c, h, w) at timestep t in a space: (b, d), float32 on the CPU."""
    check_space(space)
    if space == "x_t":
        return x.flatten(1).float().cpu()
    if space == "x0":
        return generator.predict(x, t)[0].flatten(1).cpu()
    middle = generator.room.in_parts("h", lambda rows: mid_block(generator, rows, t), x)
    return (middle.mean(dim=(2, 3)) if space == "h_pooled" else middle.flatten(1)).cpu()


def mid_block(generator: Generator, x: torch.Tensor, t: int) -> torch.Tensor:
    """Activations of the mid block (h-space, Kwon et al. 2023): (b, channels, h, w)."""
    with watch_mid_block(generator) as seen:
        generator.predict(x, t)
    return seen[0].float()


@contextmanager
def watch_mid_block(generator: Generator) -> Iterator[list[torch.Tensor]]:
    """While open, the one entry of the list is what the mid block gave last.

    Raises
    ------
    GammaFaceError
        When the network has no mid block.
    """
    block = getattr(generator.unet, "mid_block", None)
    if block is None:
        raise GammaFaceError(f"the model '{generator.name}' has no mid block", fix="Use the space x_t or x0.")
    seen: list[torch.Tensor] = []

    def keep(_module, _inputs, out) -> None:
        seen[:] = [out]

    handle = block.register_forward_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()
