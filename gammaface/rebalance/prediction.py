"""What a network's output says of x_0, and the picture it stands for, both with gradients."""

from __future__ import annotations

import torch

from gammaface.generators import Generator


def predicted(
    out: torch.Tensor, x: torch.Tensor, abar: torch.Tensor | float, prediction_type: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Predicted x_0 and noise from an output, both shaped like x (b, c, h, w).

    As :meth:`gammaface.generators.Generator.predict`, which has no gradient and one timestep
    for all.
    """
    a, b = abar**0.5, (1 - abar) ** 0.5
    if prediction_type == "epsilon":
        return (x - b * out) / a, out
    if prediction_type == "v_prediction":
        return a * x - b * out, a * out + b * x
    return out, (x - a * out) / b


def picture(generator: Generator, x: torch.Tensor) -> torch.Tensor:
    """The image (b, 3, H, W) in [-1, 1] of clean x, with a gradient for x."""
    if generator.autoencoder is not None:
        x = generator.autoencoder.decode(x / generator.autoencoder.config.scaling_factor).sample
    return x.float().clamp(-1, 1)
