"""``gammaface downstream``: do classifiers trained with generated faces become fairer?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.commands.progress import stage_bars
from gammaface.errors import GammaFaceError
from gammaface.parallel.workers import join

Data = Annotated[list[str], typer.Option(help="NAME=PATH, repeat; NAME: celeba, ffhq, utkface or fairface.")]
Generated = Annotated[
    list[str] | None,
    typer.Option(
        help="NAME=RUN of labelled generated faces, like plain=RUN, or NAME:DATA:TARGET=RUN for one task"
        " alone; repeat a NAME for more seeds."
    ),
]
Model = Annotated[
    str, typer.Option(help="Generator that --draw draws with, and whose latents ramaswamy and diga edit.")
]
Draw = Annotated[
    int | None,
    typer.Option(min=1, help="Draw and label so many faces, once a seed, for every set that is not given."),
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; default: cuda where there is one.")]


def downstream(
    data: Data,
    out: Annotated[Path, typer.Option(help="Run folder to write; the same command continues it.")],
    generated: Generated = None,
    draw: Draw = None,
    tasks: Annotated[
        list[str] | None, typer.Option(help="TARGET or NAME:TARGET, repeat. Default: all.")
    ] = None,
    methods: Annotated[
        list[str] | None, typer.Option(help="METHOD\\[@SET][:PERCENT], repeat. Default: all.")
    ] = None,
    ratios: Annotated[
        str, typer.Option(help="Generated shares of gamma-face and plain-augment in %, like 30,50,70,100.")
    ] = "50",
    seeds: Annotated[str, typer.Option(help="0..2 or 0,1,2.")] = "0",
    design: Annotated[
        list[str] | None, typer.Option(help="fixed or additive; a second one beside the first.")
    ] = None,
    labeller: Annotated[
        list[str] | None, typer.Option(help="full or subset-only; a second one beside the first.")
    ] = None,
    min_p: Annotated[
        list[float] | None, typer.Option(help="Least confidence of a pseudo-label; repeat for more arms.")
    ] = None,
    backbone: Annotated[str, typer.Option(help="compact, small, resnet-101 or tiny.")] = "compact",
    resolution: Annotated[int, typer.Option(min=16)] = 64,
    images: Annotated[int, typer.Option(min=1, help="Pictures shown to a classifier at most.")] = 100_000,
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 1e-4,
    validate_every: Annotated[int, typer.Option(min=1, help="Pictures between validations.")] = 5_000,
    patience: Annotated[int, typer.Option(min=1, help="Validations without gain before the end.")] = 4,
    augmentation: Annotated[str, typer.Option(help="faces or none.")] = "faces",
    per_class: Annotated[
        int | None, typer.Option(min=1, help="Originals a class; default: 5,000, 7,000 of three.")
    ] = None,
    test_faces: Annotated[int, typer.Option(min=1, help="Test faces at most.")] = 5_000,
    resamples: Annotated[int, typer.Option(min=2, help="Of the bootstrap.")] = 1000,
    model: Model = "faces",
    device: Device = None,
) -> None:
    """Train and audit every classifier of a grid; print what the paper claims and what holds."""
    from gammaface.baselines import METHODS, Recipe
    from gammaface.downstream.bench import Sizes
    from gammaface.downstream.drawn import Drawing
    from gammaface.downstream.grid import Grid, parse_percent, parse_seeds
    from gammaface.downstream.study import run_downstream
    from gammaface.downstream.tasks import parse_tasks
    from gammaface.downstream.whole import make_bench

    grid = Grid(
        parse_tasks(tasks or [], [text.partition("=")[0] for text in data]),
        methods or list(METHODS),
        shares=tuple(map(parse_percent, ratios.split(","))),
        seeds=parse_seeds(seeds),
        designs=tuple(design or ["fixed"]),
        labellers=tuple(labeller or ["full"]),
        min_ps=tuple(min_p or [0.0]),
    )
    cells = grid.cells()
    recipe = Recipe(
        backbone=backbone,
        resolution=resolution,
        images=images,
        batch_size=batch_size,
        learning_rate=learning_rate,
        validate_every=validate_every,
        patience=patience,
        augmentation=augmentation,
        device=device or _device(),
    )
    workers = join()
    with stage_bars() as report:
        bench = make_bench(
            cells,
            _material(data, generated, Drawing(draw) if draw else None, model, recipe.device),
            recipe=recipe,
            sizes=Sizes(per_class, test=test_faces),
            workers=workers,
            report=report,
        )
        run = run_downstream(bench, cells, out=out, resamples=resamples, workers=workers, report=report)
    print("\n".join(face_set.summary() for face_set in bench.sets.values()))
    print("\n".join(_sizes(run.table("cells"))))
    print("\n".join(run.table("claims")["sentence"]))
    print(run.path)


def downstream_cell(
    run: Path,
    cell: Annotated[str, typer.Argument(help="Name of a cell; `table RUN --name cells` lists them.")],
    data: Data,
    generated: Generated = None,
    model: Model = "faces",
    device: Device = None,
) -> None:
    """Compute one stored cell again from its seed and compare the predictions.

    Generated faces that its study drew are drawn again in the same way; others are given. It
    computes with as many threads as the study did.
    """
    from gammaface.baselines import Recipe
    from gammaface.downstream.bench import Sizes
    from gammaface.downstream.cells import read_cell
    from gammaface.downstream.drawn import Drawing
    from gammaface.downstream.study import reproduce
    from gammaface.downstream.whole import make_bench
    from gammaface.parallel.threads import threads
    from gammaface.workspace import Run

    opened = Run.open(run)
    stored = read_cell(opened.path, cell)
    recipe, sizes = Recipe(**stored.config["recipe"]), Sizes(**stored.config["sizes"])
    if device and device != recipe.device:
        raise GammaFaceError(f"the cell was computed on {recipe.device}", fix="Leave --device out.")
    drawn = stored.config.get("drawing")
    drawing = Drawing.told(drawn) if drawn else None
    machine = stored.facts.get("machine", {})
    with threads(machine.get("threads")):
        with stage_bars() as report:
            material = _material(data, generated, drawing, model, recipe.device)
            bench = make_bench([stored.cell], material, recipe=recipe, sizes=sizes, report=report)
        differing = reproduce(opened, cell, bench)
    if len(differing):
        raise GammaFaceError(
            f"{len(differing)} of {len(stored.predictions)} predictions differ",
            where=cell,
            fix=f"It was computed on {machine}; compare there.",
        )
    print(f"{cell}: {len(stored.predictions)} predictions, identical")


def downstream_tables(
    run: Path, resamples: Annotated[int, typer.Option(min=2, help="Of the bootstrap.")] = 1000
) -> None:
    """Write a study's tables again from its stored predictions."""
    from gammaface.downstream.tables import write_tables
    from gammaface.workspace import extending

    with extending(run) as opened, stage_bars() as report:
        tables = write_tables(opened, resamples=resamples, report=report)
    print("\n".join(tables["claims"]["sentence"]))


def _material(data, generated, drawing, model, device):
    from gammaface.attributes import load_attributes
    from gammaface.downstream.whole import Material
    from gammaface.generators import load_generator

    return Material(
        data,
        generator=lambda: load_generator(model, device=device),
        classifier=lambda: load_attributes(device=device),
        generated=generated or (),
        drawing=drawing,
    )


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _sizes(cells) -> list[str]:
    """How many faces each task trains on, in words."""
    lines = []
    for (data, target), part in cells.groupby(["data", "target"], sort=False):
        generated = sorted({int(n) for n in part["n_generated"]})
        lines.append(
            f"{data}:{target}: {part['per_class'].iloc[0]:,} originals a class to draw from,"
            f" N = {int((part['n_original'] + part['n_generated']).min()):,}"
            f" to {int((part['n_original'] + part['n_generated']).max()):,} to train on,"
            f" {', '.join(f'{n:,}' for n in generated)} of them generated,"
            f" {part['n_test'].iloc[0]:,} to test on"
        )
    return lines
