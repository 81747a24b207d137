"""Commands for the attribute classifier: train it, measure its card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.commands.train import BatchSize, Images, LearningRate, Out, Resolution, Resume, Seed
from gammaface.files import check_writable

Data = Annotated[
    list[str],
    typer.Option(help="NAME=PATH of a labelled set, repeatable, like utk=u.parquet, celeba=c.parquet."),
]


def attributes(
    data: Data,
    out: Out,
    images: Images = 1_000_000,
    batch_size: BatchSize = 64,
    learning_rate: LearningRate = 2e-3,
    weight_decay: Annotated[float, typer.Option(min=0.0)] = 0.05,
    architecture: Annotated[str, typer.Option(help="compact, wide, large or resnet-101.")] = "compact",
    resolution: Resolution = 64,
    start_from: Annotated[
        str | None, typer.Option(help="Bundled name or folder of weights to continue from.")
    ] = None,
    seed: Seed = 0,
    resume: Resume = False,
) -> None:
    """Train the attribute classifier; writes OUT/model with its card."""
    from gammaface.attributes import load_attributes
    from gammaface.training.attribute_card import write_card
    from gammaface.training.attributes import train_attributes
    from gammaface.training.face_sets import load_face_sets
    from gammaface.training.loop import Schedule

    schedule = Schedule(
        images=images,
        batch_size=batch_size,
        learning_rate=learning_rate,
        warmup_images=min(10_000, images // 10),
        decay=0.5,
        weight_decay=weight_decay,
        ema_half_life=12_000,
        seed=seed,
    )
    check_writable(out)
    sets = load_face_sets(data, seed=seed)
    for face_set in sets:
        print(face_set.summary())
    classifier = train_attributes(
        sets,
        out=out,
        schedule=schedule,
        architecture=architecture,
        resolution=resolution,
        start_from=load_attributes(start_from) if start_from else None,
        resume=resume,
    )
    print(write_card(classifier, sets, out=out / "model")["heads"].to_string(index=False))


def attributes_card(
    data: Data,
    model: Annotated[str, typer.Option(help="Bundled name or folder of the classifier.")] = "attributes",
    out: Annotated[Path | None, typer.Option(help="Where to write card.json and card.md.")] = None,
    seed: Seed = 0,
) -> None:
    """Measure a trained classifier on the test parts again."""
    from gammaface.attributes import load_attributes
    from gammaface.training.attribute_card import write_card
    from gammaface.training.face_sets import load_face_sets

    sets = load_face_sets(data, seed=seed)
    tables = write_card(load_attributes(model), sets, out=out or Path("."))
    print(tables["heads"].to_string(index=False))
