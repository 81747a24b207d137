"""``gammaface audit-classifier`` and ``audit-super-resolution``: what balanced faces are for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.commands.chain import Count, Model, Seed, Steps
from gammaface.errors import GammaFaceError

Labeller = Annotated[str, typer.Option(help="Classifier that names the groups: bundled name or folder.")]
Groups = Annotated[str, typer.Option(help="Attributes whose joint cells are drawn evenly and told apart.")]


def audit_classifier(
    judged: Annotated[str, typer.Argument(help="NAME.onnx with its label map, or a classifier's folder.")],
    out: Annotated[Path, typer.Option(help="Run folder to write; the same command continues it.")],
    model: Model = "faces",
    attribute: Annotated[str, typer.Option(help="What the classifier is judged on.")] = "gender",
    groups: Groups = "race3",
    along: Annotated[str, typer.Option(help="attribute:class that faces are moved along.")] = "young40:old",
    n: Count = 600,
    moved: Annotated[int, typer.Option(min=1, help="Faces to move.")] = 100,
    pilot: Annotated[int, typer.Option(min=8, help="Faces that the direction is learned from.")] = 400,
    steps: Steps = 25,
    seed: Seed = 0,
    classifier: Labeller = "attributes",
) -> None:
    """Whom does a face classifier err for, and does it flip when one attribute moves?"""
    # Imported here: torch takes seconds that `--help` should not pay.
    from gammaface.applications.classifier import ClassifierOptions, audit_classifier
    from gammaface.attributes import load_attributes
    from gammaface.audit.parsing import parse_attributes
    from gammaface.commands.progress import stage_bars
    from gammaface.generators import load_generator

    options = ClassifierOptions(
        attribute=attribute,
        groups=parse_attributes(groups),
        along=along,
        n=n,
        moved=moved,
        pilot=pilot,
        steps=steps,
        seed=seed,
    )
    trial, labeller = load_attributes(judged), load_attributes(classifier)
    with stage_bars() as report:
        run = audit_classifier(
            load_generator(model),
            labeller,
            trial,
            options,
            out=out,
            name=Path(judged).name,
            report=report,
        )
    _print(run)


def audit_super_resolution(
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    upscaler: Annotated[Path | None, typer.Option(help="NAME.onnx; bicubic stands beside it.")] = None,
    values: Annotated[str, typer.Option(help="Its pixels: unit (0..1), signed (-1..1) or bytes.")] = "unit",
    factor: Annotated[int, typer.Option(min=2, help="How many times smaller each side is made.")] = 4,
    model: Model = "faces",
    pictures: Annotated[
        Path | None, typer.Option(help="Folder of faces; default: draw balanced ones.")
    ] = None,
    attributes: Annotated[str, typer.Option(help="Attributes that are read again.")] = "gender,race3,young40",
    groups: Groups = "race3",
    n: Count = 600,
    steps: Steps = 25,
    seed: Seed = 0,
    classifier: Labeller = "attributes",
) -> None:
    """Made small and large again, whose perceived attributes change?"""
    from gammaface.applications.faces import draw_even, read_folder
    from gammaface.applications.super_resolution import (
        BICUBIC,
        UpscalingOptions,
        audit_upscaling,
        bicubic,
        onnx_upscaler,
    )
    from gammaface.attributes import load_attributes
    from gammaface.audit.parsing import parse_attributes
    from gammaface.commands.progress import stage_bars
    from gammaface.files import file_hash
    from gammaface.generators import load_generator

    options = UpscalingOptions(factor, parse_attributes(attributes), parse_attributes(groups), seed)
    upscalers, weights = {}, {}
    if upscaler is not None:
        upscalers[upscaler.name] = onnx_upscaler(upscaler, values=values)
        weights[upscaler.name] = file_hash(upscaler)
    upscalers[BICUBIC] = bicubic(factor)
    labeller = load_attributes(classifier)
    with stage_bars() as report:
        if pictures is not None:
            side = labeller.resolution
            if side % factor:
                raise GammaFaceError(f"{side} px by a factor of {factor}", fix="Give one that divides it.")
            faces = read_folder(pictures, labeller, resolution=side, limit=n, report=report)
            source = str(pictures)
        else:
            generator = load_generator(model)
            weights[generator.name] = generator.weights_hash
            faces = draw_even(generator, labeller, options.groups, n=n, seed=seed, steps=steps, report=report)
            source = generator.name
        run = audit_upscaling(
            faces, labeller, upscalers, options, out=out, model=source, weights=weights, report=report
        )
    _print(run)


def _print(run) -> None:
    print("\n".join(run.table("sentences")["sentence"]))
    print(run.path)
