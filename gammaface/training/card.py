"""The figures of a generator's model card: its samples, and whether it copies faces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from gammaface.balancing import balance
from gammaface.files import write_whole
from gammaface.generators import Generator
from gammaface.images import to_grid, to_png, to_uint8
from gammaface.latents import Progress
from gammaface.metrics.quality import nearest

QUANTILES = (0.01, 0.1, 0.5)
SHOWN = 64


def measure_generator(
    generator: Generator,
    train: torch.Tensor,
    test: torch.Tensor,
    *,
    out: Path,
    n: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict:
    """Draw n unselected images and compare them with training and test faces.

    A model that copies is nearer to its training faces than unseen real faces are. The
    distance is the root-mean-square difference of pixels in [-1, 1], each face against
    the nearer of a training face and its mirror image.

    Parameters
    ----------
    train, test : torch.Tensor
        uint8 (n, 3, H, W), in the framing that the model was trained on.
    out : Path
        Receives ``samples.png`` (the first 64 seeds) and ``card.json``.
    """
    batch = balance(generator, n=n, strategy="plain", seed=seed, progress=progress)
    pixels = to_uint8(batch.images)
    sheet = to_png(to_grid(pixels[:SHOWN], columns=16))
    write_whole(out / "samples.png", lambda f: f.write(sheet))

    references = _flat(torch.cat([train, train.flip(-1)]))
    scale = np.sqrt(references.shape[1])
    drawn = _flat(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    generated = nearest(drawn, references)[0] / scale
    picks = np.random.default_rng(seed).permutation(len(test))[:n]
    real = nearest(_flat(test[picks]), references)[0] / scale
    threshold = float(np.quantile(real, 0.01))
    numbers = {
        "weights": generator.weights_hash,
        "n": n,
        "n_test": len(real),
        "seed": seed,
        "nearest_training_face": {
            "generated": _summary(generated),
            "real_test": _summary(real),
            "near_copies": {
                "rule": "nearer than 99% of real test faces",
                "threshold": threshold,
                "generated_share": float(np.mean(generated < threshold)),
                "expected_share": 0.01,
            },
        },
    }
    text = json.dumps(numbers, indent=1)
    write_whole(out / "card.json", lambda f: f.write(text.encode()))
    return numbers


def _flat(images: torch.Tensor) -> np.ndarray:
    """uint8 (n, 3, H, W) to float32 (n, d) in [-1, 1]."""
    return images.flatten(1).numpy().astype(np.float32) / 127.5 - 1


def _summary(distances: np.ndarray) -> dict[str, float]:
    return {"mean": float(distances.mean())} | {
        f"q{round(100 * q):02d}": float(np.quantile(distances, q)) for q in QUANTILES
    }


def loss_curve(history: list[list[float]], *, width: int = 720, height: int = 260) -> str:
    """The training loss over images seen as an SVG picture.

    Parameters
    ----------
    history : list of [images seen, mean loss, learning rate]
        As :func:`gammaface.training.loop.train` keeps it; averaged to at most 120 points.
    """
    rows = np.array([row[:2] for row in history])
    parts = np.array_split(rows, min(120, len(rows)))
    seen, loss = np.array([part.mean(axis=0) for part in parts]).T
    left, bottom = 56, 36
    top_loss, low_loss = loss.max(), loss.min()
    x = left + (width - left - 12) * seen / seen.max()
    y = 16 + (height - bottom - 16) * (top_loss - loss) / max(top_loss - low_loss, 1e-9)
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    label = "font-family='sans-serif' font-size='13' fill='#767e88'"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>"
        f"<polyline points='{line}' fill='none' stroke='#0072B2' stroke-width='2'/>"
        f"<text x='4' y='20' {label}>{top_loss:.3f}</text>"
        f"<text x='4' y='{height - bottom}' {label}>{low_loss:.3f}</text>"
        f"<text x='{left}' y='{height - 8}' {label}>weighted loss over images seen,"
        f" up to {int(rows[-1, 0]):,}</text></svg>"
    )
