"""``gammaface rebalance``: retrain a generator so that it draws everyone evenly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.commands.chain import SamplerOrChosen, Seed, StepsOrChosen
from gammaface.errors import GammaFaceError

Images = Annotated[int | None, typer.Option(min=1, show_default="of the recipe")]


def rebalance(
    out: Annotated[Path | None, typer.Option(help="Run folder; the same command continues it.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Bundled name, local diffusers folder or hub id.", show_default="faces"),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Pictures of any classes: a folder with one CSV, or digits; trains a model on them."
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column of the CSV with the classes.", show_default="class")
    ] = None,
    beta: Annotated[
        float | None, typer.Option(help="Cut a long tail from --data: the last class keeps this share.")
    ] = None,
    resolution: Annotated[int | None, typer.Option(min=8, help="Side of the pictures of --data.")] = None,
    attribute: Annotated[
        str | None, typer.Option(help="What is evened out; with + jointly.", show_default="race")
    ] = None,
    rows: Annotated[
        str, typer.Option(help="all, or names of rows, see --dry-run; rows may be added later.")
    ] = "all",
    generations: Annotated[
        int, typer.Option(min=1, help="Repeat the row 'tune' on its own draws; stops at signs of collapse.")
    ] = 1,
    strategy: Annotated[
        str | None, typer.Option(help="Draws the balanced set: evolutionary, quota or stratified.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="OPTION=VALUE of the strategy, repeat.")
    ] = None,
    synthetic: Images = None,
    biased: Images = None,
    tune_images: Images = None,
    anew_images: Images = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of training anew; fine-tuning has a tenth.")
    ] = None,
    bias: Annotated[str | None, typer.Option(help="Bias loss: soft or straight_through.")] = None,
    through: Annotated[
        str | None, typer.Option(help="Its gradient: x0 (predicted) or steps (a few from noise).")
    ] = None,
    sets: Annotated[int | None, typer.Option(min=1, help="Sets measured a row.")] = None,
    n: Annotated[int | None, typer.Option("-n", min=2, help="Images a set.")] = None,
    steps: StepsOrChosen = None,
    sampler: SamplerOrChosen = None,
    seed: Seed = 0,
    classifier: Annotated[
        str | None, typer.Option(help="Bundled name or folder.", show_default="attributes")
    ] = None,
    original: Annotated[
        list[str] | None,
        typer.Option(help="Original training faces, PATH or PATH@left,top,right,bottom; default: none."),
    ] = None,
    real: Annotated[
        list[str] | None, typer.Option(help="Real test faces for distances, written likewise; repeat.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the rows and what they cost.")] = False,
) -> None:
    """Retrain a generator row by row, as in the paper's table 1, and measure what each draws."""
    # Imported here: torch and diffusers take seconds that `--help` should not pay.
    from dataclasses import replace

    from gammaface.audit.parsing import parse_attributes, parse_options
    from gammaface.generators import load_generator
    from gammaface.rebalance import ROWS, Recipe
    from gammaface.rebalance.class_sets import DIGITS

    _refuse_ignored(
        data,
        of_faces={
            "--model": model,
            "--attribute": attribute,
            "--classifier": classifier,
            "--original": original,
            "--real": real,
        },
        of_data={
            "--beta cuts the tail": beta,
            "--label names the classes": label,
            "--resolution is the side": resolution,
        },
    )
    given = {
        "strategy": strategy,
        "synthetic": synthetic,
        "biased": biased,
        "tune_images": tune_images,
        "anew_images": anew_images,
        "learning_rate": learning_rate,
        "sets": sets,
        "n": n,
        "steps": steps,
        "sampler": sampler,
    }
    label = label or "class"
    start, loss = DIGITS if data else Recipe(), {"kind": bias, "through": through}
    recipe = replace(
        start,
        model=Path(data).name if data else model or "faces",
        attributes=(label,) if data else parse_attributes(attribute or "race"),
        rows=tuple(ROWS) if rows == "all" else tuple(name.strip() for name in rows.split(",")),
        generations=generations,
        options=parse_options(set_ or []),
        bias=replace(start.bias, **_given(loss)),
        seed=seed,
        **_given(given),
    )
    if dry_run:
        _print_plan(recipe if data else recipe.on(load_generator(recipe.model)))
        return
    if out is None:
        raise GammaFaceError(
            "a rebalancing needs a place", fix="Give --out RUN, or --dry-run to see its rows."
        )
    if data:
        run = _classes(data, recipe, out, label=label, beta=beta, resolution=resolution)
    else:
        run = _faces(recipe, out, classifier or "attributes", original or [], real or [])
    print("\n".join(run.table("sentences")["sentence"]))
    print(run.path)


def _refuse_ignored(data: str | None, *, of_faces: dict, of_data: dict) -> None:
    """Refuse what nobody would look at: of faces beside --data, and what --data is taken for without it."""
    faces, pictures = list(_given(of_faces)), list(_given(of_data))
    if data and faces:
        raise GammaFaceError(
            f"{', '.join(faces)} beside --data, whose model, classes and pictures are its own",
            fix=f"Leave {', '.join(faces)} out, or --data.",
        )
    if pictures and not data:
        raise GammaFaceError(f"{' and '.join(pictures)} of --data", fix="Give --data, or leave that out.")


def _given(options: dict) -> dict:
    """Those that were given; the recipe has the others."""
    return {name: value for name, value in options.items() if value is not None}


def _faces(recipe, out: Path, classifier: str, original: list[str], real: list[str]):
    from gammaface.attributes import load_attributes
    from gammaface.commands.progress import stage_bars
    from gammaface.generators import load_generator
    from gammaface.rebalance import critic_of, reads_original, reads_real, run_rebalance

    critic = critic_of(load_attributes(classifier), recipe.attributes)
    generator = load_generator(recipe.model)
    with stage_bars() as report:
        return run_rebalance(
            generator,
            critic,
            recipe,
            out=out,
            original=reads_original(generator, original),
            real=reads_real(generator, real),
            report=report,
        )


def _classes(data: str, recipe, out: Path, *, label: str, beta: float | None, resolution: int | None):
    from gammaface.commands.progress import stage_bars
    from gammaface.datasets.long_tail import digits, read_class_images
    from gammaface.rebalance.class_sets import run_class_set

    if data == "digits":
        images = digits(seed=recipe.seed)
    else:
        images = read_class_images(data, label=label, resolution=resolution, seed=recipe.seed)
    with stage_bars() as report:
        return run_class_set(images, recipe, out=out, beta=beta, report=report)


def _print_plan(recipe) -> None:
    from gammaface.rebalance import estimate

    plan = estimate(recipe)
    print(plan.to_string(index=False))
    print(
        f"{len(plan)} rows: {plan['training'].sum():,} network evaluations of one image for training,"
        f" {plan['drawing'].sum():,} for drawing if every draw for the balanced set is kept"
    )
