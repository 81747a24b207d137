"""How time and memory grow: with latents n, dimensions d and components K of a sweep, and
with images, steps and resolution of a drawing.

Run: python -m benchmarks.growth --out growth [--n 2000 4000 8000 ...] [--repeats 3]

One axis is varied at a time, the others stay at their middle. Every point is a process of
its own; its memory is what the work takes on top of the data or model that it is given. The
exponent is the slope in double-logarithmic axes: 1 is linear, 0 flat. Written are
``growth.json``, and ``seconds``, ``processor`` (seconds of all threads, which other work on
the machine disturbs less) and ``megabytes`` as .html and .svg.

- sweep: three EM iterations of one diagonal mixture on random latents.
- drawing, images and steps: a harvest of the bundled model down to the clean image, into a
  run folder.
- drawing, resolution: a pixel-space U-Net with random weights, whose self-attention at half
  the resolution grows with its fourth power.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.charts import write_charts
from benchmarks.measuring import machine, measured

AXES = {
    "n": ("sweep, latents", [4000, 8000, 16000, 32000]),
    "d": ("sweep, dimensions", [512, 1024, 2048, 4096]),
    "k": ("sweep, components", [4, 8, 16, 32]),
    "images": ("drawing, images", [16, 32, 64, 128]),
    "steps": ("drawing, steps", [4, 8, 16, 32]),
    "resolution": ("drawing, pixels a side", [32, 64, 128]),
}
UNITS = {"seconds": "seconds", "processor": "processor seconds", "megabytes": "MB on top"}
LATENTS, DIMENSIONS, COMPONENTS, IMAGES, STEPS = 8000, 1024, 16, 16, 8
BATCH = 16


def sweep_of(n: int, d: int, k: int):
    """Three EM iterations of one mixture."""
    from gammaface.mixtures.em import fit_all
    from gammaface.mixtures.rows import Rows, pick_means
    from gammaface.mixtures.stack import Start

    z = np.random.default_rng(0).standard_normal((n, d), dtype=np.float32)
    start = Start(pick_means(z, k, seed=0))

    def work() -> None:
        fit_all(Rows(z, "diag", exact=False), [start], max_iter=3, tol=0)

    return work


def drawing_of(images: int, steps: int):
    """A harvest of clean latents by the bundled model."""
    from gammaface.generators import load_generator
    from gammaface.latents import harvest

    generator = load_generator("faces", device="cpu")
    folder, names = tempfile.TemporaryDirectory(), itertools.count()

    def work() -> None:
        place = Path(folder.name) / f"run{next(names)}"
        harvest(generator, n=images, t=0, steps=steps, batch_size=BATCH, out=place)

    return work


def network_of(resolution: int):
    """One evaluation of a pixel-space U-Net."""
    import torch

    from gammaface.training.diffusion import UNetWidths, build_unet

    unet = build_unet(UNetWidths((32, 64), 1, 32), channels=3, side=resolution).eval()
    x = torch.zeros(4, 3, resolution, resolution)

    @torch.no_grad()
    def work() -> None:
        unet(x, 10)

    return work


def preparation(axis: str, size: int):
    """What is measured at a point of an axis."""
    if axis == "resolution":
        return lambda: network_of(size)
    if axis in ("images", "steps"):
        return lambda: drawing_of(**{"images": IMAGES, "steps": STEPS} | {axis: size})
    return lambda: sweep_of(**{"n": LATENTS, "d": DIMENSIONS, "k": COMPONENTS} | {axis: size})


def exponent(sizes: pd.Series, values: pd.Series) -> float:
    """Slope of log value against log size.

    Examples
    --------
    >>> round(exponent(pd.Series([1, 2, 4]), pd.Series([3, 12, 48])), 6)
    2.0
    """
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(values, 1e-3)), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("growth"), help="folder to write")
    parser.add_argument("--repeats", type=int, default=1, help="of each point; the median is told")
    for axis, (about, sizes) in AXES.items():
        words = f"{about}; without values the axis is left out"
        parser.add_argument(f"--{axis}", type=int, nargs="*", default=sizes, help=words)
    options = parser.parse_args()
    rows = []
    for axis, (about, _) in AXES.items():
        for size in getattr(options, axis):
            found = measured(preparation(axis, size), repeats=options.repeats)
            figures = {"seconds": found["seconds"], "processor": found["processor"]}
            rows.append({"axis": about, "size": size, **figures, "megabytes": found["memory"] / 1e6})
            print(
                f"{about:24}{size:>8}{found['seconds']:>10.3f} s{rows[-1]['megabytes']:>10.1f} MB", flush=True
            )
    table, exponents = pd.DataFrame(rows), {}
    options.out.mkdir(parents=True, exist_ok=True)
    parts = {about: part for about, part in table.groupby("axis", sort=False) if len(part) > 1}
    for value in ("seconds", "processor", "megabytes"):
        slopes = {about: exponent(part["size"], part[value]) for about, part in parts.items()}
        exponents[value] = {about: round(slope, 3) for about, slope in slopes.items()}
        shown = table[table["axis"].isin(slopes)].assign(slope=lambda t, s=slopes: t["axis"].map(s))
        write_charts(shown, value, UNITS[value], options.out / value)
    facts = {"machine": machine(), "points": rows, "exponents": exponents}
    (options.out / "growth.json").write_text(json.dumps(facts, indent=1))
    print(pd.DataFrame(exponents).to_string())


if __name__ == "__main__":
    main()
