"""Our sampling beside bare network forwards and beside diffusers' own pipeline call.

Run: python -m benchmarks.sampling [-n 64] [--repeats 5] [--threads 2] [--quality 500]

Two models: the bundled one, and a 64 px pixel model of DDPM's architecture with random
weights. Sides take turns within a repeat, so that a busy machine slows all of them alike;
figures are medians over the repeats with their range, ratios are taken within a repeat.

- loop: noise to clean x, beside the same number of bare calls of the same network on the
  same batch.
- equal steps: images per second from seeds to pixels, beside `pipeline(batch_size=n)` of the
  same folder in float32, as its documentation shows it.
- equal quality: the same, ours with the model's recommended sampler (or --fast), the pipeline
  with its DDIM 50. Its Fréchet distance must lie within 5% of the pipeline's: measured with
  --quality images a side, to as many of the model's own by 100 steps, or to --data.
- compile: torch.compile of the network, the time it takes counted.
- peak: what share of a large matrix product's speed, in the same dtype, our loop reaches.
- --rival: equal steps once more, beside the pipeline as diffusers recommends it on a GPU: in
  bfloat16, channels last and compiled, the time that compiling takes not counted.

A goal that is missed is followed by the operators where our loop spends its time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import DDPMPipeline, DDPMScheduler, DiffusionPipeline, UNet2DModel

from benchmarks.ceiling import at_its_fastest, peak, seconds
from benchmarks.plan import operations
from gammaface.attributes import load_attributes
from gammaface.balancing import draw_seeds
from gammaface.generators import Generator, load_generator, seeded
from gammaface.models.precision import arithmetic, fast_dtype
from gammaface.sampling import get_sampler, sampler_path
from gammaface.solver_choice import MANY, Choice, distances, recommended_sampler

LOOP_GOAL, STEPS_GOAL, QUALITY_GOAL, RIVAL_GOAL = 1.05, 4.0, 10.0, 1.0
WITHIN = 1.05  # of the pipeline's Fréchet distance: equal quality
PIPELINE = Choice("ddim", 50)


@dataclass(frozen=True)
class Rivals:
    """One folder, loaded by both sides."""

    name: str
    ours: Generator
    pipeline: DiffusionPipeline
    fastest: DiffusionPipeline | None

    @classmethod
    def load(cls, name: str, folder: Path, device: str, *, rival: bool) -> Rivals:
        def pipeline() -> DiffusionPipeline:
            found = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32).to(device)
            found.set_progress_bar_config(disable=True)
            return found

        fastest = at_its_fastest(pipeline()) if rival else None
        return cls(name, load_generator(folder, device=device), pipeline(), fastest)

    def draw(self, seeds: np.ndarray, how: Choice) -> torch.Tensor:
        found = draw_seeds(self.ours, seeds, steps=how.steps, sampler=how.sampler, batch_size=len(seeds))
        return found.images

    def call(self, n: int, steps: int, generator=None, *, fastest: bool = False) -> torch.Tensor:
        images = (self.fastest if fastest else self.pipeline)(
            batch_size=n, num_inference_steps=steps, output_type="np", generator=generator
        ).images
        return torch.from_numpy(images).permute(0, 3, 1, 2) * 2 - 1


def write_pixel_model(folder: Path, channels: tuple[int, ...]) -> Path:
    """DDPM's U-Net (Ho et al. 2020: two blocks a level, attention at 16 px) with random weights."""
    torch.manual_seed(0)
    plain = len(channels) - 2
    unet = UNet2DModel(
        sample_size=64,
        block_out_channels=channels,
        layers_per_block=2,
        down_block_types=("DownBlock2D",) * plain + ("AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D") + ("UpBlock2D",) * plain,
    )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(folder)
    return folder


def in_turns(device, repeats: int, sides: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of every side, taken in turns after one call each that nobody times."""
    for work in sides.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, work in sides.items():
            taken[name].append(seconds(device, work))
    return taken


def spread(values: list[float], form: str = ".2f") -> str:
    return f"{statistics.median(values):{form}} [{min(values):{form}}, {max(values):{form}}]"


@dataclass(frozen=True)
class Row:
    """Two sides, their ratio and its goal."""

    what: str
    ours: str
    beside: str
    inverse: bool  # how much faster we are; else how much longer we take
    goal: float

    def print(self, model: str, taken: dict[str, list[float]], n: int) -> bool:
        """Print the row; whether its goal is met."""
        ours, beside = taken[self.ours], taken[self.beside]
        pairs = zip(beside, ours, strict=True) if self.inverse else zip(ours, beside, strict=True)
        ratio = [top / bottom for top, bottom in pairs]
        middle = statistics.median(ratio)
        met = middle >= self.goal if self.inverse else middle <= self.goal
        if self.inverse:
            words = [f"{spread([n / s for s in side])} /s" for side in (ours, beside)]
        else:
            words = [f"{spread(side)} s" for side in (ours, beside)]
        bound = f"{'at least' if self.inverse else 'at most'} {self.goal:g}"
        verdict = "met" if met else "missed"
        print(f"{model:9}{self.what:24}{words[0]:>24}{words[1]:>24}{spread(ratio):>22}  {bound:13}{verdict}")
        return met


def sides(rivals: Rivals, n: int, steps: int, fast: Choice) -> dict[str, Callable[[], object]]:
    """What is timed: our loop, bare forwards, and images by us and by the pipeline."""
    ours, seeds = rivals.ours, np.arange(n)
    x, path = ours.noise(seeded(seeds)), sampler_path("ddim", ours.alphas, steps)
    bare = x.to(ours.device).contiguous(memory_format=torch.channels_last)

    def forwards() -> None:
        with torch.no_grad(), arithmetic(ours.device):
            for t in path[:-1]:
                ours.unet(bare, t, return_dict=False)

    found = {
        "loop": lambda: get_sampler("ddim")(ours.predict, x, path, alphas=ours.alphas),
        "forwards": forwards,
        "ours": lambda: rivals.draw(seeds, Choice("ddim", steps)),
        "pipeline": lambda: rivals.call(n, steps),
        "fast": lambda: rivals.draw(seeds, fast),
    }
    if steps != PIPELINE.steps:
        found["usual"] = lambda: rivals.call(n, PIPELINE.steps)
    if rivals.fastest:
        found["rival"] = lambda: rivals.call(n, steps, fastest=True)
    return found


def share_of_peak(rivals: Rivals, n: int, steps: int, taken: list[float]) -> None:
    """How near the loop comes to the matrix products that the device can do at best."""
    ours, dtype = rivals.ours, fast_dtype(rivals.ours.device)
    x = ours.noise(seeded(range(n)))
    done = operations(lambda: ours.predict(x, 500)) * steps / statistics.median(taken)
    best = peak(ours.device, dtype)
    print(
        f"{rivals.name:9}the loop computes {done / 1e12:.3g} TFLOP/s, {done / best:.0%} of the"
        f" {best / 1e12:.3g} of a matrix product in {str(dtype).split('.')[1]}"
    )


def quality(rivals: Rivals, how: Choice, n: int, batch: int, real: np.ndarray | None) -> None:
    """Fréchet distances of our fast images and of the pipeline's, to the same reference."""
    extractor = load_attributes(device=str(rivals.ours.device))
    blocks = [np.arange(first, min(first + batch, n)) for first in range(0, n, batch)]

    def features(draw: Callable[[np.ndarray], torch.Tensor]) -> np.ndarray:
        return np.concatenate([extractor.features(draw(block).float()) for block in blocks])

    if real is None:
        real = features(lambda block: rivals.draw(block + n, MANY))
    ours = distances(features(lambda block: rivals.draw(block, how)), real)["frechet"]
    theirs = features(lambda block: rivals.call(len(block), PIPELINE.steps, seeded(block)))
    theirs = distances(theirs, real)["frechet"]
    verdict = "equal or better" if ours <= WITHIN * theirs else "WORSE: the ratio above does not count"
    print(
        f"{rivals.name:9}Fréchet distance, n={n:,}: {ours:.3f} ours by {how}, {theirs:.3f} the pipeline's"
        f" {PIPELINE}: {verdict}"
    )


def compiled(rivals: Rivals, n: int, repeats: int) -> None:
    """What torch.compile gains per network call, and after how many images it has paid."""
    ours = rivals.ours
    x = ours.noise(seeded(range(n))).to(ours.device).contiguous(memory_format=torch.channels_last)
    fast = torch.compile(ours.unet, dynamic=False)
    step = torch.full((1,), 500, device=ours.device)

    def call(network) -> None:
        with torch.no_grad(), arithmetic(ours.device):
            network(x, step, return_dict=False)

    spent = seconds(ours.device, lambda: call(fast))
    taken = in_turns(ours.device, repeats, {"eager": lambda: call(ours.unet), "fast": lambda: call(fast)})
    before, after = statistics.median(taken["eager"]), statistics.median(taken["fast"])
    pays = f"after {spent / (before - after) * n / 50:,.0f} images of 50 steps" if after < before else "never"
    words = [spread(taken[side], ".3f") for side in ("eager", "fast")]
    print(f"{rivals.name:9}torch.compile takes {spent:.0f} s; a call takes {words[0]} s before it,")
    print(f"{'':9}{words[1]} s after it: it has paid {pays}. The product does not compile.")


def profile(rivals: Rivals, n: int, steps: int) -> None:
    """Where our loop spends its time."""
    ours, activities = rivals.ours, [torch.profiler.ProfilerActivity.CPU]
    if ours.device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    x, path = ours.noise(seeded(range(n))), sampler_path("ddim", ours.alphas, steps)[:4]
    with torch.profiler.profile(activities=activities) as seen:
        get_sampler("ddim")(ours.predict, x, path, alphas=ours.alphas)
    key = f"self_{ours.device.type}_time_total"
    print(f"\n{rivals.name}: where the time of three steps goes")
    print(seen.key_averages().table(sort_by=key, row_limit=12, max_name_column_width=40))


def compare(rivals: Rivals, options: argparse.Namespace, n: int, quality_n: int, real=None) -> None:
    steps = options.steps
    fast = Choice.parse(options.fast) if options.fast else recommended_sampler(rivals.ours)
    usual = "pipeline" if steps == PIPELINE.steps else "usual"
    rows = [
        Row(f"loop, {steps} steps", "loop", "forwards", False, LOOP_GOAL),
        Row(f"equal steps, {steps}", "ours", "pipeline", True, STEPS_GOAL),
        Row(f"equal quality, {fast}", "fast", usual, True, QUALITY_GOAL),
    ]
    if rivals.fastest:
        rows.append(Row("beside bf16, compiled", "ours", "rival", True, RIVAL_GOAL))
    taken = in_turns(rivals.ours.device, options.repeats, sides(rivals, n, steps, fast))
    met = [row.print(rivals.name, taken, n) for row in rows]
    share_of_peak(rivals, n, steps, taken["loop"])
    if quality_n:
        quality(rivals, fast, quality_n, n, real)
    if options.compile:
        compiled(rivals, n, options.repeats)
    if not all(met):
        profile(rivals, n, steps)


def faces(data: list[str], side: int) -> np.ndarray:
    from gammaface.commands.solver import features_of
    from gammaface.commands.train import read_images

    return features_of(load_attributes(), read_images(data, side, None), seed=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=64, help="images at once")
    parser.add_argument("--pixels-n", type=int, default=8, help="the same for the pixel model")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--model", default="models/faces", help="folder of the bundled model")
    parser.add_argument("--channels", type=int, nargs="+", default=[32, 64, 64, 128, 128])
    parser.add_argument("--fast", help="SAMPLER:STEPS; default: what the model recommends")
    parser.add_argument("--quality", type=int, default=500, help="images a side; 0 leaves it out")
    parser.add_argument("--pixels-quality", type=int, default=64, help="the same for the pixel model")
    parser.add_argument("--data", action="append", help="training faces of the bundled model")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--rival", action="store_true", help="also the pipeline in bfloat16, compiled")
    parser.add_argument("--only", choices=("bundled", "pixels"))
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    torch.set_num_threads(options.threads)
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"{device.type}, {options.threads} threads, ours in {str(fast_dtype(device)).split('.')[1]},")
    print(f"the pipeline in float32; {options.repeats} repeats: median [least, most]\n")
    print(f"{'model':9}{'what':24}{'ours':>24}{'beside':>24}{'ratio':>22}  goal")
    if options.only != "pixels":
        rivals = Rivals.load("bundled", Path(options.model), device.type, rival=options.rival)
        real = faces(options.data, rivals.ours.side) if options.data else None
        compare(rivals, options, options.n, options.quality, real)
    if options.only != "bundled":
        with tempfile.TemporaryDirectory() as scratch:
            folder = write_pixel_model(Path(scratch) / "pixels", tuple(options.channels))
            rivals = Rivals.load("pixels", folder, device.type, rival=options.rival)
            compare(rivals, options, options.pixels_n, options.pixels_quality)


if __name__ == "__main__":
    main()
