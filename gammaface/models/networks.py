"""Denoising networks behind one signature: ``network(x, t, return_dict=False)[0]``.

An unconditional `UNet2DModel` has it already. The wrappers here give it to networks that
want more than x and t, and pass `config` and `mid_block` through.
"""

from __future__ import annotations

import numpy as np
import torch


class Wrapped(torch.nn.Module):
    """A network inside another signature."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    @property
    def config(self):
        """The configuration of the network inside."""
        return self.inner.config

    @property
    def mid_block(self) -> torch.nn.Module | None:
        """Its mid block; None for a network without one."""
        return getattr(self.inner, "mid_block", None)


class OfOneClass(Wrapped):
    """A class-conditional U-Net asked for one class."""

    def __init__(self, inner: torch.nn.Module, label: int) -> None:
        super().__init__(inner)
        self.label = label

    def forward(self, x: torch.Tensor, t: int, return_dict: bool = False):
        labels = torch.full((len(x),), self.label, device=x.device)
        return self.inner(x, t, class_labels=labels, return_dict=return_dict)


class TransformerOfOneClass(OfOneClass):
    """A diffusion transformer (DiT) asked for one class, or for none by its null class."""

    def forward(self, x: torch.Tensor, t: int, return_dict: bool = False):
        steps, labels = (torch.full((len(x),), value, device=x.device) for value in (t, self.label))
        return self.inner(x.contiguous(), timestep=steps, class_labels=labels, return_dict=return_dict)


class VarianceExploding(Wrapped):
    """A score network over pictures in [0, 1] with noise sigma_t, as one that predicts noise.

    See :func:`gammaface.models.schedules.read_schedule` for the change of variables. The network
    answers with the score, grad log p = - noise / sigma.
    """

    def __init__(self, inner: torch.nn.Module, sigmas: np.ndarray) -> None:
        super().__init__(inner)
        self.sigmas = [float(sigma) for sigma in sigmas]

    def forward(self, x: torch.Tensor, t: int, return_dict: bool = False):
        sigma = self.sigmas[t]
        pictures = (x * (1 + 4 * sigma**2) ** 0.5 + 1) / 2
        levels = torch.full((len(x),), sigma, device=x.device)
        score = self.inner(pictures, levels, return_dict=return_dict)[0]
        return (-sigma * score,)
