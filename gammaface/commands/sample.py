"""``gammaface sample``: draw images with a strategy into a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.commands.chain import Count, Model, Out, Sampler, Seed, Steps
from gammaface.workspace import Run, extending, home


def _default_harvest(generator) -> Path:
    """A harvest with the paper's K = 4, made once per model and weights."""
    from gammaface.commands.progress import progress_bar
    from gammaface.latents import harvest
    from gammaface.mixture import LatentMixture

    place = home() / f"harvest-{Path(generator.name).name}-{generator.weights_hash[:8]}"
    if not (place / "mixture.json").exists():
        with progress_bar("harvest") as progress:
            latents = harvest(generator, n=2000, out=place, progress=progress)
        with extending(place) as opened:
            LatentMixture(4, restarts=3).fit(latents).save(opened)
    return place


def sample(
    model: Model = "faces",
    strategy: Annotated[str, typer.Option(help="plain, component-uniform, ...")] = "component-uniform",
    injection: Annotated[str, typer.Option(help="mean-noise, resume or responsibility.")] = "mean-noise",
    n: Count = 400,
    seed: Seed = 0,
    steps: Steps = 50,
    sampler: Sampler = "ddim",
    harvest: Annotated[
        Path | None, typer.Option(help="Harvest with a fitted mixture; default: make one, K=4.")
    ] = None,
    out: Out = None,
) -> None:
    """Draw n images with a strategy into a run folder."""
    from gammaface.commands.progress import progress_bar
    from gammaface.drawing import draw_run
    from gammaface.generators import load_generator
    from gammaface.mixture import LatentMixture

    out = out or home() / f"sample-{Path(model).name}-{strategy}-{seed}"
    generator = load_generator(model)
    mixture = None
    if strategy != "plain":
        mixture = LatentMixture.load(Run.open(harvest or _default_harvest(generator)))
    with progress_bar("sample") as progress:
        draw_run(
            generator,
            mixture,
            n=n,
            out=out,
            strategy=strategy,
            injection=injection,
            seed=seed,
            steps=steps,
            sampler=sampler,
            progress=progress,
        )
    print(out)
