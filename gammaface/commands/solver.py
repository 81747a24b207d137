"""``gammaface train solver``: which sampler, and how many steps, a model needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.commands.chain import Model, Seed
from gammaface.commands.train import Limit, read_images

REFERENCE = 5000  # training faces that distances are measured to


def solver(
    model: Model = "faces",
    data: Annotated[
        list[str] | None,
        typer.Option(help="Training faces, as for `train card`; without: the model's own samples."),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=2, help="Images per point.")] = 1000,
    point: Annotated[
        list[str] | None, typer.Option(help="SAMPLER:STEPS to try, repeatable; default: 13 of them.")
    ] = None,
    classifier: Annotated[str, typer.Option(help="Classifier whose features count.")] = "attributes",
    seed: Seed = 0,
    limit: Limit = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; repeat the command to continue.")] = None,
    into: Annotated[
        Path | None, typer.Option(help="Model folder that receives solver.json, e.g. models/faces.")
    ] = None,
) -> None:
    """Record quality against steps, and choose the cheapest sampler that is as good as the best."""
    from gammaface.attributes import load_attributes
    from gammaface.classifiers.own_classifier import with_features
    from gammaface.commands.progress import stage_bars
    from gammaface.generators import load_generator
    from gammaface.models.names import take_apart
    from gammaface.solver_choice import POINTS, Choice, record_curve
    from gammaface.tables import Format, render
    from gammaface.workspace import home

    points = [Choice.parse(text) for text in point] if point else POINTS
    extractor = with_features(load_attributes(classifier), named=classifier)
    generator = load_generator(model)
    real = None
    if data:
        pixels = read_images(data, generator.side, limit)
        real = features_of(extractor, pixels, seed=seed)
    with stage_bars() as report_stage:
        run = record_curve(
            generator,
            extractor,
            named=Path(classifier).name,
            out=out or home() / f"solver-{generator.short_name}",
            real=real,
            points=points,
            n=n,
            seed=seed,
            into=into,
            report=report_stage,
        )
    print(render(run.table("curve"), Format.md), end="")
    print((into or run.path) / take_apart(generator.name).solver_file)


def features_of(extractor, pixels, *, seed: int):
    """Features of at most 5,000 of uint8 pictures (n, 3, H, W), at random."""
    from gammaface.datasets import random_rows
    from gammaface.images import to_unit

    return extractor.features(to_unit(pixels[random_rows(len(pixels), REFERENCE, seed=seed)]))
