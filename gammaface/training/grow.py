"""Start a larger classifier from a smaller trained one (Net2Net, Chen et al. 2016).

Channels are copied, and what reads a copied channel is divided by its number of copies, so
that the grown network answers as the small one did; added blocks begin as the identity.
Noise on the copies lets them part during training.
"""

from __future__ import annotations

import torch

from gammaface.classifiers.attribute_network import AttributeNetwork
from gammaface.errors import GammaFaceError

NOISE = 0.02  # of a weight tensor's standard deviation


@torch.no_grad()
def grow(small: AttributeNetwork, large: AttributeNetwork, *, seed: int = 0, noise: float = NOISE) -> None:
    """Fill `large` with the weights of `small`, in place.

    Parameters
    ----------
    small, large : AttributeNetwork
        Of the same kind of layer and number of stages; no stage of `large` may be narrower
        or shallower. Equal ones are copied exactly.
    noise : float
        Spread of what is added to copied channels, in standard deviations of the tensor.

    Raises
    ------
    GammaFaceError
        When `large` is not an enlargement of `small`.
    """
    source = torch.Generator().manual_seed(seed)
    theirs, ours = small.state_dict(), large.state_dict()
    last = 2 if large.backbone.config.layer_type == "bottleneck" else 1
    for name, target in ours.items():
        if name not in theirs:
            # A block that only the large network has: its last normalisation closes it.
            if name.endswith(f"layer.{last}.normalization.weight"):
                target.zero_()
            continue
        value = theirs[name]
        if value.dim() != target.dim() or any(a > b for a, b in zip(value.shape, target.shape, strict=True)):
            _refuse()
        enlarged = _enlarge(value, target.shape)
        if enlarged.shape != value.shape and value.dim() > 1:
            enlarged += noise * value.std() * torch.randn(enlarged.shape, generator=source)
        target.copy_(enlarged)
    if theirs.keys() - ours.keys():
        _refuse()


def _enlarge(value: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """`value` with channels repeated in turn up to `shape`; inputs share what they carried."""
    for axis, size in enumerate(shape[:2]):
        old = value.shape[axis]
        if size == old:
            continue
        origin = torch.arange(size) % old
        value = value.index_select(axis, origin)
        if axis == 1:
            copies = torch.bincount(origin, minlength=old)[origin]
            value = value / copies.view(1, -1, *[1] * (value.dim() - 2))
    return value


def _refuse() -> None:
    raise GammaFaceError(
        "the weights to start from are not of a smaller network of the same kind",
        fix="Give an architecture with the same layers, at least as wide and as deep.",
    )
