"""A compact classifier of noisy latents: log p(class | x_t) with a gradient, for guidance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gammaface.errors import GammaFaceError

SMALLEST = 4  # side below which the maps are not halved any more
WIDEST = 16  # side of the first maps; larger x are cut into patches


@dataclass(frozen=True)
class Shape:
    """What a :class:`NoisyNetwork` takes and gives: rebuilt from it when it is loaded."""

    x: tuple[int, int, int]  # (channels, height, width) of x_t
    outputs: int
    width: int = 64


class NoisyNetwork(nn.Module):
    """Residual convolutions over x_t, conditioned on its log signal-to-noise ratio.

    The input is what a Gaussian prior makes of x_t, ``E[x_0 | x_t]`` in units of the
    latents' spread. It vanishes with the signal, and there is no normalisation to blow it
    up again, so that the gradient for x_t falls as sqrt(abar): guidance stays bounded on
    the first, almost pure noise.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        channels, height, width = shape.x
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("spread", torch.ones(1, channels, 1, 1))
        self.embed = nn.Sequential(nn.Linear(16, shape.width), nn.SiLU(), nn.Linear(shape.width, shape.width))
        patch = max(1, max(height, width) // WIDEST)
        size = (3, 1, 1) if patch == 1 else (patch, patch, 0)
        self.stem = nn.Conv2d(channels, shape.width, *size)
        blocks, inside, sides = (
            [Block(shape.width, shape.width, shape.width, 1)],
            shape.width,
            (height, width),
        )
        sides = [side // patch for side in sides]
        while max(sides) > SMALLEST:
            blocks.append(Block(inside, 2 * shape.width, shape.width, 2))
            inside, sides = 2 * shape.width, [(side + 1) // 2 for side in sides]
        blocks.append(Block(inside, inside, shape.width, 1))
        self.blocks = nn.ModuleList(blocks)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(inside * sides[0] * sides[1], shape.outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor, abar: Tensor) -> Tensor:
        """Outputs (b, outputs) for x_t (b, c, h, w) at abar (b,)."""
        a = abar.view(-1, 1, 1, 1)
        gain = a.sqrt() * self.spread / (a * self.spread**2 + 1 - a)
        y = self.stem(gain * (x - a.sqrt() * self.mean))
        level = self.embed(_waves(abar))
        for block in self.blocks:
            y = block(y, level)
        return self.head(self.dropout(F.silu(y).flatten(1)))


class Block(nn.Module):
    """Two convolutions beside a shortcut; the noise level scales and shifts between them."""

    def __init__(self, inside: int, outside: int, level: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride, 1)
        self.level = nn.Linear(level, 2 * outside)
        self.second = nn.Conv2d(outside, outside, 3, 1, 1)
        nn.init.zeros_(self.second.weight)
        same = inside == outside and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inside, outside, 1, stride)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        scale, shift = self.level(level)[..., None, None].chunk(2, dim=1)
        y = self.first(F.silu(x)) * (1 + scale) + shift
        return self.shortcut(x) + self.second(F.silu(y))


def _waves(abar: Tensor) -> Tensor:
    """Sines and cosines of log(sqrt(abar) / sqrt(1 - abar)), (b, 16)."""
    ratio = (abar.clamp(1e-12, 1 - 1e-7).logit() / 2).clamp(-8, 8)
    angles = ratio[:, None] * torch.logspace(-1, 0.5, 8, device=abar.device)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


@dataclass(frozen=True)
class NoisyHeads:
    """A trained network, frozen.

    Attributes
    ----------
    network : NoisyNetwork
    shares : dict of str to tuple of float
        Of each class by attribute, among the latents it was trained on.
    shape : Shape
    accuracy : tuple of dict
        On held-out latents: ``attribute, sqrt_abar, n, accuracy, balanced_accuracy,
        majority`` (what always naming the commonest class scores), against the likeliest
        class of the given probabilities.
    seconds : float
        Wall time of the training.
    """

    network: NoisyNetwork
    shares: dict[str, tuple[float, ...]]
    shape: Shape
    accuracy: tuple[dict, ...] = ()
    seconds: float = 0.0

    def log_probabilities(self, x: Tensor, abar: float | Tensor) -> dict[str, Tensor]:
        """log p(class | x_t) by attribute, (b, classes), for x_t (b, c, h, w).

        The network is trained as if classes were equally common; their true shares are
        put back here (logit adjustment, Menon et al. 2021).
        """
        abar = torch.as_tensor(abar, dtype=x.dtype, device=x.device).expand(len(x))
        parts = self.network(x, abar).split([len(s) for s in self.shares.values()], dim=1)
        prior = {name: x.new_tensor(share).log() for name, share in self.shares.items()}
        return {
            name: (part + prior[name]).log_softmax(dim=1) for name, part in zip(prior, parts, strict=True)
        }

    def log_chosen(self, x: Tensor, abar: float, classes: Mapping[str, np.ndarray]) -> Tensor:
        """log p of the chosen class (b,) of each attribute, added up: (b,)."""
        found = self.log_probabilities(x, abar)
        rows = torch.arange(len(x), device=x.device)
        return sum(
            found[name][rows, torch.as_tensor(wanted, device=x.device)] for name, wanted in classes.items()
        )

    def to(self, device: torch.device) -> NoisyHeads:
        """The same heads, their network moved to a device."""
        self.network.to(device)
        return self

    def save(self, folder: Path | str) -> None:
        """Write ``model.safetensors`` and ``config.json``."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: value.cpu().contiguous() for name, value in self.network.state_dict().items()}
        save_file(weights, folder / "model.safetensors")
        facts = {"shares": self.shares, "accuracy": self.accuracy, "seconds": self.seconds}
        (folder / "config.json").write_text(json.dumps({"shape": asdict(self.shape), **facts}, indent=1))

    @classmethod
    def load(cls, folder: Path | str) -> NoisyHeads:
        """Read what :meth:`save` wrote.

        Raises
        ------
        GammaFaceError
            When files are missing or damaged.
        """
        folder = Path(folder)
        try:
            config = json.loads((folder / "config.json").read_text())
            shape = Shape(**config["shape"] | {"x": tuple(config["shape"]["x"])})
            network = NoisyNetwork(shape)
            network.load_state_dict(load_file(folder / "model.safetensors"))
            shares = {name: tuple(share) for name, share in config["shares"].items()}
            heads = cls(network, shares, shape, tuple(config["accuracy"]), float(config["seconds"]))
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RuntimeError,
            SafetensorError,
        ) as error:
            raise GammaFaceError(
                f"the noisy heads cannot be read: {(str(error).splitlines() or ['?'])[0][:200]}",
                where=folder,
                fix="Give a folder that NoisyHeads.save wrote.",
            ) from None
        network.requires_grad_(False).eval()
        return heads
