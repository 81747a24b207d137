"""A tiny pixel generator and a critic that reads how light its pictures are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from gammaface.generators import Generator, load_generator
from gammaface.rebalance import BiasTerm, Recipe, critic_of
from gammaface.rebalance.bundle import write_generator
from gammaface.training.diffusion import UNetWidths, build_scheduler, build_unet

CLASSES = ("dark", "light")
SMALL = Recipe(
    model="light",
    attributes=("light",),
    rows=("plain", "tune"),
    synthetic=24,
    biased=24,
    mirror=False,
    tune_images=32,
    anew_images=32,
    batch_size=8,
    ema_images=8,
    weighing_images=512,
    bias=BiasTerm(through="steps", steps=2),
    sets=2,
    n=64,
    steps=2,
    path_pairs=4,
    shown=4,
    resamples=4,
)


class Light:
    """Whether a picture's mean is above `edge`, with a gradient; features are 2x2 pixels."""

    hash = "light"
    classes = {"light": CLASSES}

    def __init__(self, edge: float = 0.0, steepness: float = 60.0) -> None:
        self.edge, self.steepness = edge, steepness

    def differentiable(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.steepness * (images.mean((1, 2, 3)) - self.edge)
        return {"light": torch.stack([torch.sigmoid(-x), torch.sigmoid(x)], dim=1)}

    def probabilities(self, images: torch.Tensor) -> dict[str, np.ndarray]:
        return {name: p.double().numpy() for name, p in self.differentiable(images.detach()).items()}

    def features(self, images: torch.Tensor) -> np.ndarray:
        return torch.nn.functional.avg_pool2d(images, 4).flatten(1).numpy()


def pixel_generator(prediction_type: str = "v_prediction") -> Generator:
    """Random weights over pictures (3, 8, 8)."""
    torch.manual_seed(0)
    scheduler = build_scheduler()
    network = build_unet(UNetWidths((32, 32), 1, 16), channels=3, side=8).requires_grad_(False).eval()
    alphas = np.maximum(scheduler.alphas_cumprod.double().numpy(), 1e-12)
    return Generator("light", network, None, alphas, prediction_type, "toy", torch.device("cpu"), clip=1.0)


def stored_generator(folder) -> Generator:
    """The same, written and loaded as a user's would be."""
    toy = pixel_generator()
    write_generator(folder, toy, toy.unet)
    return replace(load_generator(folder, device="cpu"), name="light")


def light_critic(edge: float = 0.0):
    return critic_of(Light(edge), ("light",))
