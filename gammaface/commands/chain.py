"""Commands that run the chain: demo, harvest, sweep, fit, sample."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gammaface.errors import GammaFaceError
from gammaface.models.hub import plain_name
from gammaface.parallel.workers import join
from gammaface.workspace import extending, home

# torch and diffusers take seconds to import: only the command that needs them pays.
Model = Annotated[
    str, typer.Option(help="Bundled name, local diffusers folder or hub id; +pag behind it: clearer faces.")
]
Out = Annotated[Path | None, typer.Option(help="Run folder to write.")]
Count = Annotated[int, typer.Option("-n", min=1, help="How many.")]
Seed = Annotated[int, typer.Option(min=0, help="Run seed.")]
Timestep = Annotated[int | None, typer.Option(help="Timestep; default: sqrt(abar) = .44.")]
Space = Annotated[str, typer.Option(help="x_t, x0, h or h_pooled; x0 at --t 0 is the clean latent.")]
Steps = Annotated[int, typer.Option(min=1, help="Network evaluations per image.")]
Sampler = Annotated[str, typer.Option(help="ddim, ddpm, dpm-solver or unipc.")]
StepsOrChosen = Annotated[
    int | None,
    typer.Option(min=1, help="Network evaluations per image; default: as recorded for the model, else 50."),
]
SamplerOrChosen = Annotated[
    str | None,
    typer.Option(help="ddim, ddpm, dpm-solver or unipc; default: as recorded for the model, else ddim."),
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; default: cuda where there is one.")]
Pca = Annotated[int | None, typer.Option(help="Reduce codes to this many dimensions.")]

MOST_COMPONENTS = 1000
DEMO_STEPS = 20  # of DDIM: a demo's pictures need no more


def demo(
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    model: Model = "faces",
    n: Count = 2000,
    images: Annotated[int, typer.Option(min=1, help="Pictures per grid.")] = 48,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="DDIM steps; default: the sampler recorded for the model, else 20."),
    ] = None,
    seed: Seed = 0,
) -> None:
    """The whole chain: harvest, sweep, fit, map, draw evenly, report."""
    from gammaface.commands.progress import stage_bars
    from gammaface.generators import load_generator
    from gammaface.report import write_report
    from gammaface.solver_choice import Choice, sampler_for
    from gammaface.studies.study import StudyOptions, run_study

    generator = load_generator(model)
    path = sampler_for(generator, None, steps, otherwise=Choice("ddim", DEMO_STEPS))
    options = StudyOptions(model=model, n=n, images=images, **asdict(path), seed=seed)
    with stage_bars() as report_stage:
        run = run_study(generator, options, out=out, report=report_stage)
    print(write_report(run))


def harvest(
    model: Model = "faces",
    n: Count = 2000,
    t: Timestep = None,
    space: Space = "x_t",
    seed: Seed = 0,
    pca: Pca = None,
    steps: StepsOrChosen = None,
    sampler: SamplerOrChosen = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images at once.")] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Pictures to noise forward instead: PATH or PATH@left,top,right,bottom."),
    ] = None,
    out: Out = None,
) -> None:
    """Keep the latents of n seeds, or of n pictures, at a timestep."""
    from gammaface.commands.progress import progress_bar
    from gammaface.datasets import load_random
    from gammaface.forward import harvest_images
    from gammaface.generators import MICRO_BATCH, load_generator
    from gammaface.images import to_unit
    from gammaface.latents import harvest as harvest_latents
    from gammaface.solver_choice import sampler_for

    if data and (steps or sampler):
        raise GammaFaceError(
            "pictures are noised in one step, without a sampler", fix="Leave --steps and --sampler out."
        )
    out = out or home() / f"harvest-{plain_name(model)}-{'pictures-' if data else ''}{space}-{seed}"
    generator = load_generator(model)
    asked = {"t": t, "space": space, "seed": seed, "pca": pca, "batch_size": batch_size or MICRO_BATCH}
    with progress_bar("harvest") as progress:
        shared = {"workers": join(), "progress": progress}
        if data:
            pixels = load_random(data, most=n, seed=seed, resolution=generator.side)
            harvest_images(generator, to_unit(pixels), **asked, out=out, **shared)
        else:
            path = asdict(sampler_for(generator, sampler, steps))
            harvest_latents(generator, n=n, **asked, **path, out=out, **shared)
    print(out)


def parse_range(text: str) -> range:
    """``1..11`` or ``4`` to a range of K."""
    low, dots, high = text.partition("..")
    try:
        ks = range(int(low), int(high if dots else low) + 1)
    except ValueError:
        ks = range(0)
    if not ks or ks[0] < 1 or ks[-1] > MOST_COMPONENTS:
        raise GammaFaceError(
            f"'{text[:40]}' is no range of K", fix=f"Write it like 1..11, from 1 to {MOST_COMPONENTS}."
        )
    return ks


def sweep(
    run: Path,
    k: Annotated[str, typer.Option(help="Range of K, like 1..11.")] = "1..11",
    covariance: Annotated[str, typer.Option(help="diag, full, tied or spherical.")] = "diag",
    seed: Seed = 0,
    device: Device = None,
) -> None:
    """Fit every K on a harvest and say which one BIC prefers."""
    from gammaface.commands.progress import progress_bar
    from gammaface.generators import pick_device
    from gammaface.latents import Latents
    from gammaface.sweep import keep_sweep, suggest_k, sweep_bic

    ks, workers = parse_range(k), join()
    with extending(run, workers=workers) as opened, progress_bar("sweep", "K") as progress:
        latents = Latents.load(opened)
        asked = {"covariance": covariance, "seed": seed, "device": pick_device(device)}
        table = sweep_bic(latents, ks, **asked, workers=workers, progress=progress)
        if workers.main:
            keep_sweep(opened, table)
    table = table.drop(columns="curve")
    print(table.to_string(index=False))
    suggestion = suggest_k(table, n=len(latents.array))
    print(suggestion.reason + ".", *suggestion.warnings, sep="\n")


def fit(
    run: Path,
    k: Annotated[int, typer.Option(min=1, help="Number of components.")],
    covariance: Annotated[str, typer.Option(help="diag, full, tied or spherical.")] = "diag",
    seed: Seed = 0,
    device: Device = None,
) -> None:
    """Fit a mixture on a harvest and keep it there."""
    from gammaface.generators import pick_device
    from gammaface.latents import Latents
    from gammaface.mixture import LatentMixture

    workers = join()
    with extending(run, workers=workers) as opened:
        latents = Latents.load(opened)
        mixture = LatentMixture(k, covariance=covariance, seed=seed, restarts=3, device=pick_device(device))
        mixture.fit(latents, workers=workers)
        if workers.main:
            mixture.save(opened)
            print("weights", *(f"{w:.3f}" for w in mixture.weights_))
            print(f"bic {mixture.bic(latents.array):.1f}")
