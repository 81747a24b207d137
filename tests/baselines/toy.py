"""Sixteen-pixel pictures of two squares: a faint one is the target, a bright one the group."""

from __future__ import annotations

import numpy as np
import torch

from gammaface.baselines import CodeSpace, Examples, Problem, Recipe

SIDE = 16
QUICK = Recipe(
    backbone="tiny",
    resolution=SIDE,
    images=2560,
    batch_size=32,
    learning_rate=3e-3,
    validate_every=640,
    patience=10,
    augmentation="none",
)


def squares(y: np.ndarray, group: np.ndarray, *, seed: int, contrast: float = 0.08) -> torch.Tensor:
    """uint8 (n, 3, 16, 16): red square up left for y, blue square down right for the group."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0.5, 0.12, (len(y), 3, SIDE, SIDE))
    images[:, 0, 1:8, 1:8] += contrast * (y[:, None, None] - 0.5)
    images[:, 2, 8:15, 8:15] += 0.8 * (group[:, None, None] - 0.5)
    return torch.from_numpy((np.clip(images, 0, 1) * 255).round().astype(np.uint8))


def examples(n: int, *, agree: float, seed: int) -> Examples:
    """n pictures, classes equally often; the group is the class for a share `agree` of them."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    group = np.where(rng.random(n) < agree, y, 1 - y)
    return Examples(squares(y, group, seed=seed), y, group[:, None])


def skewed(*, seed: int = 0, **parts) -> Problem:
    """A problem whose shortcut, the group, is right for 95% of the originals."""
    return Problem(
        examples(1200, agree=0.95, seed=10 + seed),
        examples(100, agree=0.9, seed=1),
        n_classes=2,
        levels=(2,),
        recipe=QUICK,
        seed=seed,
        **parts,
    )


def pixel_codes() -> CodeSpace:
    """A linear generator: the codes are the means of the pictures' 4 x 4 blocks."""

    def encode(images: torch.Tensor) -> np.ndarray:
        blocks = torch.nn.functional.avg_pool2d(images.float(), 4)
        return blocks.flatten(1).numpy()

    def decode(codes: np.ndarray) -> torch.Tensor:
        blocks = torch.from_numpy(codes).float().view(-1, 3, SIDE // 4, SIDE // 4)
        images = torch.nn.functional.interpolate(blocks, size=SIDE, mode="nearest")
        return images.round().clamp(0, 255).to(torch.uint8)

    return CodeSpace(encode, decode)
