"""A generator whose right answers are known: Gaussians in pixel space, denoised exactly.

``toy(("side",), [.8, .2])`` gives a :class:`Toy`: a real
:class:`gammaface.generators.Generator` over images (3, 4, 4) whose network computes the
exact posterior mean E[x_0 | x_t] of a mixture with one Gaussian per joint cell, so that
sampling goes through the sampling code and draws cell c with probability ``shares[c]``
(``tests/strategies/test_toy.py`` checks that). Its labeller reads the cell from the image
without error.

- Attributes, any of them in any order: ``side`` (left, right), ``level`` (low, high),
  ``colour`` (red, green, blue); each is one direction (colour: a plane) of the image, all
  orthogonal. Shares are flat over the joint cells, row-major.
- The mid block is an identity on h = the posterior's log-odds, (b, cells, 1, 1), centred:
  linear in x_t, and what the softmax of the cells is taken of. Adding to h moves the
  image; a path is steered there as in a real U-Net. ``toy(..., mid_block=False)`` has none.
- ``toy.unet.rows`` counts the rows that the network has evaluated, padding included.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch

from gammaface.generators import Generator
from gammaface.strategies import Reader, Target

SIDE = 4
LIFT = 0.3  # how far each attribute moves a pixel
SPREAD = 0.1  # standard deviation of a pixel within its cell
CLASSES = {"side": ("left", "right"), "level": ("low", "high"), "colour": ("red", "green", "blue")}


def _patterns(attribute: str) -> torch.Tensor:
    """(classes, 3, 4, 4), entries -1 and 1."""
    grid = torch.ones(3, SIDE, SIDE)
    if attribute == "colour":
        return torch.stack([grid * (2 * (torch.arange(3) == c) - 1)[:, None, None] for c in range(3)])
    halves = torch.tensor([-1.0, -1.0, 1.0, 1.0])
    pattern = grid * (halves[None, None, :] if attribute == "side" else halves[None, :, None])
    return torch.stack([-pattern, pattern])


class ToyUNet(torch.nn.Module):
    """The exact posterior mean of x_0 under a mixture of isotropic Gaussians."""

    def __init__(self, means: torch.Tensor, shares: np.ndarray, alphas: np.ndarray, mid_block: bool):
        super().__init__()
        self.config = SimpleNamespace(sample_size=SIDE, in_channels=3)
        self.register_buffer("means", means)
        self.register_buffer("log_shares", torch.from_numpy(np.log(shares)).float())
        self.alphas, self.rows = alphas, 0
        if mid_block:
            self.mid_block = torch.nn.Identity()

    def forward(self, x: torch.Tensor, t: int, return_dict: bool = True):
        self.rows += len(x)
        a = float(self.alphas[int(t)])
        variance = a * SPREAD**2 + 1 - a
        away = x[:, None] - a**0.5 * self.means  # (b, cells, 3, 4, 4)
        h = self.log_shares - away.square().sum((2, 3, 4)) / (2 * variance)
        h = (h - h.mean(1, keepdim=True))[:, :, None, None]
        if hasattr(self, "mid_block"):
            h = self.mid_block(h)
        weights = h.softmax(1)[..., None]  # (b, cells, 1, 1, 1)
        clean = self.means + a**0.5 * SPREAD**2 / variance * away
        return ((weights * clean).sum(1),)


def labeller() -> Reader:
    """Reads every attribute of toy images (n, 3, 4, 4) without error."""

    def read(images: torch.Tensor) -> dict[str, np.ndarray]:
        found = {}
        for name in CLASSES:
            scores = torch.einsum("nchw,kchw->nk", images, _patterns(name))
            found[name] = scores.double().softmax(1).numpy()
        return found

    return Reader(CLASSES, read)


@dataclass(frozen=True)
class Toy:
    """A toy generator with the shares it draws."""

    generator: Generator
    labeller: Reader
    attributes: tuple[str, ...]
    shares: np.ndarray  # (cells,)

    @property
    def unet(self) -> ToyUNet:
        return self.generator.unet

    def target(self, shares=None) -> Target:
        """Even shares over the toy's cells, or those given."""
        if shares is None:
            return Target.even(self.attributes, CLASSES)
        return Target.of(self.attributes, CLASSES, shares)

    def cells(self, images: torch.Tensor) -> np.ndarray:
        """The true cell of each image, (n,)."""
        probabilities = self.labeller.probabilities(images)
        labels = [probabilities[name].argmax(1) for name in self.attributes]
        return np.ravel_multi_index(labels, [len(CLASSES[name]) for name in self.attributes])

    def drawn(self, images: torch.Tensor) -> np.ndarray:
        """Shares of the cells among images, (cells,)."""
        return np.bincount(self.cells(images), minlength=len(self.shares)) / len(images)


def toy(attributes=("side",), shares=(0.8, 0.2), *, mid_block: bool = True, device: str = "cpu") -> Toy:
    """A generator that draws each joint cell of the attributes with the given share."""
    shares = np.asarray(shares, dtype=np.float64)
    means = torch.zeros(1, 3, SIDE, SIDE)
    for name in attributes:
        means = (means[:, None] + LIFT * _patterns(name)).flatten(0, 1)
    assert len(means) == len(shares) and abs(shares.sum() - 1) < 1e-9
    alphas = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    generator = Generator(
        name="toy",
        unet=ToyUNet(means, shares, alphas, mid_block).to(device),
        autoencoder=None,
        alphas=alphas,
        prediction_type="sample",
        weights_hash="toy",
        device=torch.device(device),
    )
    return Toy(generator, labeller(), tuple(attributes), shares)


def bound(share, n: int, sigmas: float = 4.0):
    """How far a share may lie from its expectation among n independent draws."""
    share = np.asarray(share, dtype=np.float64)
    return sigmas * np.sqrt(np.maximum(share * (1 - share), 0.25 / n) / n)
