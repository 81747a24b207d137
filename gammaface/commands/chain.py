"""Commands that run the chain: demo, harvest, sweep, fit, sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.errors import GammaFaceError
from gammaface.workspace import extending, home

# torch and diffusers take seconds to import: only the command that needs them pays.
Model = Annotated[str, typer.Option(help="Bundled name, local diffusers folder or hub id.")]
Out = Annotated[Path | None, typer.Option(help="Run folder to write.")]
Count = Annotated[int, typer.Option("-n", min=1, help="How many.")]
Seed = Annotated[int, typer.Option(min=0, help="Run seed.")]
Steps = Annotated[int, typer.Option(min=1, help="Network evaluations per image.")]
Timestep = Annotated[int | None, typer.Option(help="Timestep; default: sqrt(abar) = .44.")]
Space = Annotated[str, typer.Option(help="x_t, x0, h or h_pooled.")]
Sampler = Annotated[str, typer.Option(help="ddim, ddpm or dpm-solver.")]
Pca = Annotated[int | None, typer.Option(help="Reduce codes to this many dimensions.")]


def demo(
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    model: Model = "faces",
    n: Count = 2000,
    images: Annotated[int, typer.Option(min=1, help="Pictures per grid.")] = 48,
    steps: Steps = 20,
    seed: Seed = 0,
) -> None:
    """The whole chain: harvest, sweep, fit, map, draw evenly, report."""
    from gammaface.commands.progress import stage_bars
    from gammaface.generators import load_generator
    from gammaface.report import write_report
    from gammaface.study import StudyOptions, run_study

    options = StudyOptions(model=model, n=n, images=images, steps=steps, seed=seed)
    with stage_bars() as report_stage:
        run = run_study(load_generator(model), options, out=out, report=report_stage)
    print(write_report(run))


def harvest(
    model: Model = "faces",
    n: Count = 2000,
    t: Timestep = None,
    space: Space = "x_t",
    seed: Seed = 0,
    pca: Pca = None,
    steps: Steps = 50,
    sampler: Sampler = "ddim",
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images at once.")] = None,
    out: Out = None,
) -> None:
    """Keep the latents of n seeds at a timestep."""
    from gammaface.commands.progress import progress_bar
    from gammaface.generators import MICRO_BATCH, load_generator
    from gammaface.latents import harvest as harvest_latents

    out = out or home() / f"harvest-{Path(model).name}-{space}-{seed}"
    generator = load_generator(model)
    with progress_bar("harvest") as progress:
        harvest_latents(
            generator,
            n=n,
            t=t,
            space=space,
            seed=seed,
            pca=pca,
            steps=steps,
            sampler=sampler,
            batch_size=batch_size or MICRO_BATCH,
            out=out,
            progress=progress,
        )
    print(out)


def parse_range(text: str) -> range:
    """``1..11`` or ``4`` to a range of K."""
    low, _, high = text.partition("..")
    try:
        ks = range(int(low), int(high or low) + 1)
    except ValueError:
        ks = range(0)
    if not ks or ks[0] < 1:
        raise GammaFaceError(f"'{text}' is no range of K", fix="Write it like 1..11, from 1 up.")
    return ks


def sweep(
    run: Path,
    k: Annotated[str, typer.Option(help="Range of K, like 1..11.")] = "1..11",
    covariance: Annotated[str, typer.Option(help="diag, full, tied or spherical.")] = "diag",
    seed: Seed = 0,
) -> None:
    """Fit every K on a harvest and say which one BIC prefers."""
    from gammaface.commands.progress import progress_bar
    from gammaface.latents import Latents
    from gammaface.sweep import suggest_k, sweep_bic

    ks = parse_range(k)
    with extending(run) as opened, progress_bar("sweep", "K") as progress:
        latents = Latents.load(opened)
        table = sweep_bic(latents, ks, covariance=covariance, seed=seed, progress=progress)
        opened.write_table("sweep", table)
    print(table.to_string(index=False))
    suggestion = suggest_k(table, n=len(latents.array))
    print(suggestion.reason + ".", *suggestion.warnings, sep="\n")


def fit(
    run: Path,
    k: Annotated[int, typer.Option(min=1, help="Number of components.")],
    covariance: Annotated[str, typer.Option(help="diag, full, tied or spherical.")] = "diag",
    seed: Seed = 0,
) -> None:
    """Fit a mixture on a harvest and keep it there."""
    from gammaface.latents import Latents
    from gammaface.mixture import LatentMixture

    with extending(run) as opened:
        latents = Latents.load(opened)
        mixture = LatentMixture(k, covariance=covariance, seed=seed, restarts=3).fit(latents)
        mixture.save(opened)
    print("weights", *(f"{w:.3f}" for w in mixture.weights_))
    print(f"bic {mixture.bic(latents.array):.1f}")
