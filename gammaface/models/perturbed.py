"""Perturbed-attention guidance: clearer faces from the same weights."""

from __future__ import annotations

import copy

import torch
from diffusers.models.attention_processor import Attention

from gammaface.errors import GammaFaceError
from gammaface.models.attention import PlacesTogether
from gammaface.models.networks import Wrapped


class EachPlaceAlone(PlacesTogether):
    """Every place gathers from itself only: what a map of ones on the diagonal gives."""

    def mix(self, attn: Attention, rows: torch.Tensor) -> torch.Tensor:
        """As :meth:`PlacesTogether.mix`."""
        return attn.to_v(rows)


class PerturbedAttention(Wrapped):
    """A network that moves away from what it would predict if its attention saw nothing.

    Ahn et al. 2024 (Self-Rectifying Diffusion Sampling with Perturbed-Attention Guidance):
    out + scale * (out - perturbed), where the perturbed network's attention maps are the
    identity, so that it loses what holds a picture together and keeps how it looks. It does so
    at the timesteps `at` only: at high noise guidance narrows what is drawn, at low noise it
    costs more than it gives (Kynkäänniemi et al. 2024).
    """

    def __init__(self, inner: torch.nn.Module, scale: float, *, at: range) -> None:
        super().__init__(inner)
        self.scale, self.at = scale, at
        shared = {id(part): part for part in (*inner.parameters(), *inner.buffers())}
        self.perturbed = copy.deepcopy(inner, shared)  # another structure over the same weights
        for module in self.perturbed.modules():
            if isinstance(module, Attention):
                module.set_processor(EachPlaceAlone())

    def forward(self, x: torch.Tensor, t: int, return_dict: bool = False):
        whole = self.inner(x, t, return_dict=False)[0]
        if int(t) not in self.at:
            return (whole,)
        return (whole + self.scale * (whole - self.perturbed(x, t, return_dict=False)[0]),)


def perturb(network: torch.nn.Module, scale: float, *, at: range, name: str) -> PerturbedAttention:
    """The network with guidance of a scale above 0, at the timesteps `at`.

    Raises
    ------
    GammaFaceError
        When it has no self-attention over pictures, or attention of another kind.
    """
    found = [module.processor for module in network.modules() if isinstance(module, Attention)]
    if not found or not all(isinstance(processor, PlacesTogether) for processor in found):
        raise GammaFaceError(
            f"'{name}' cannot be guided by its attention: its network has "
            + ("attention of another kind" if found else "none"),
            fix="Leave out the +pag.",
        )
    return PerturbedAttention(network, scale, at=at)
