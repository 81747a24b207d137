"""Commands that train, and measure what was trained: autoencoder, diffusion, card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.files import check_writable

app = typer.Typer(help="Train the autoencoder or the diffusion model.", no_args_is_help=True)

Data = Annotated[
    list[str],
    typer.Option(help="Parquet file or folder, repeatable; PATH@left,top,right,bottom crops."),
]
Resolution = Annotated[int, typer.Option(help="64 or 128.")]
Out = Annotated[Path, typer.Option(help="Folder for checkpoints and results.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue from the newest checkpoint.")]
Images = Annotated[int, typer.Option(min=1, help="Images to see in all.")]
BatchSize = Annotated[int, typer.Option(min=1)]
LearningRate = Annotated[float, typer.Option(min=1e-12)]
Seed = Annotated[int, typer.Option(min=0)]
Limit = Annotated[int | None, typer.Option(min=1, help="Use at most this many images a source, at random.")]


def read_images(data: list[str], resolution: int, limit: int | None, split: str = "train"):
    """uint8 (n, 3, H, H) of all sources together."""
    # Imported here: torch and diffusers take seconds that `--help` should not pay.
    from gammaface.datasets import load_all
    from gammaface.errors import GammaFaceError

    if resolution not in (64, 128):
        raise GammaFaceError(f"resolution {resolution}", fix="Give --resolution 64 or 128.")
    return load_all(data, resolution=resolution, limit=limit, split=split)


@app.command()
def autoencoder(
    data: Data,
    out: Out,
    resolution: Resolution = 64,
    images: Images = 100_000,
    batch_size: BatchSize = 16,
    learning_rate: LearningRate = 1.5e-3,
    seed: Seed = 0,
    limit: Limit = None,
    resume: Resume = False,
) -> None:
    """Train the autoencoder; writes OUT/autoencoder."""
    from accelerate import PartialState

    from gammaface.training.autoencoder import train_autoencoder
    from gammaface.training.bundle import read_training, write_training
    from gammaface.training.loop import Schedule

    schedule = Schedule(
        images=images,
        batch_size=batch_size,
        learning_rate=learning_rate,
        warmup_images=min(2_000, images // 10),
        decay=0.6,
        weight_decay=0.0,
        ema_half_life=3_000,
        seed=seed,
    )
    check_writable(out)
    pixels = read_images(data, resolution, limit)
    train_autoencoder(pixels, out=out, schedule=schedule, resume=resume)
    if PartialState().is_main_process:
        progress, config = read_training(out)
        write_training(out / "autoencoder", progress, config=config)
        print(out / "autoencoder")


@app.command()
def diffusion(
    data: Data,
    out: Out,
    autoencoder: Annotated[
        Path | None, typer.Option(help="Folder of the trained autoencoder; for --recipe latent.")
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="latent: ours. paper: diffusers' DDPM on pixels, Adam, 50 epochs.")
    ] = "latent",
    resolution: Resolution = 64,
    images: Images = 1_000_000,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Default: 64; paper: 16.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-12, help="Default: 3e-4; paper: 1e-4.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Of --recipe paper.")] = 50,
    widths: Annotated[
        str, typer.Option(help="Channels per level, of --recipe paper.")
    ] = "128,128,256,256,512,512",
    start_from: Annotated[
        Path | None, typer.Option(help="U-Net folder to continue from, e.g. models/faces/unet.")
    ] = None,
    seed: Seed = 0,
    limit: Limit = None,
    resume: Resume = False,
) -> None:
    """Train a diffusion model, on an autoencoder's latents or as the paper did; writes OUT/model."""
    from gammaface.errors import GammaFaceError

    if recipe == "paper":
        _as_the_paper(
            data, out, resolution, limit, resume,
            epochs=epochs, batch_size=batch_size or 16, learning_rate=learning_rate or 1e-4,
            widths=widths, seed=seed,
        )  # fmt: skip
        return
    if recipe != "latent":
        raise GammaFaceError(f"there is no recipe '{recipe}'", fix="Choose latent or paper.")
    if autoencoder is None:
        raise GammaFaceError(
            "the recipe latent needs an autoencoder",
            fix="Give --autoencoder OUT/autoencoder, or --recipe paper.",
        )
    from accelerate import PartialState

    from gammaface.training.bundle import load_autoencoder, load_unet, read_training, write_bundle
    from gammaface.training.diffusion import encode_latents, train_diffusion
    from gammaface.training.loop import Schedule

    check_writable(out)
    coder = load_autoencoder(autoencoder)
    pixels = read_images(data, resolution, limit)
    latents, made_of = encode_latents(pixels, coder, cache=out / "latents.npy")
    schedule = Schedule(
        images=images,
        batch_size=batch_size or 64,
        learning_rate=learning_rate or 3e-4,
        warmup_images=min(6_000, images // 10),
        ema_half_life=12_000,
        seed=seed,
    )
    unet, progress = train_diffusion(
        latents,
        out=out,
        schedule=schedule,
        start_from=load_unet(start_from) if start_from else None,
        data=made_of,
        resume=resume,
    )
    if PartialState().is_main_process:
        config = read_training(out)[1]
        write_bundle(out / "model", unet=unet, autoencoder=coder, progress=progress, config=config)
        print(out / "model")


def _as_the_paper(data, out, resolution, limit, resume, *, widths: str, **recipe) -> None:
    from accelerate import PartialState

    from gammaface.errors import GammaFaceError
    from gammaface.training.paper import PaperRecipe, train_as_the_paper

    try:
        channels = tuple(int(w) for w in widths.split(","))
    except ValueError:
        raise GammaFaceError(f"'{widths}' is no list of widths", fix="Write --widths 128,128,256.") from None
    asked = PaperRecipe(widths=channels, **recipe)
    check_writable(out)
    folder = train_as_the_paper(read_images(data, resolution, limit), out=out, recipe=asked, resume=resume)
    if PartialState().is_main_process:
        print(folder)


@app.command()
def card(
    data: Data,
    model: Annotated[str, typer.Option(help="Trained generator.")],
    out: Annotated[Path, typer.Option(help="Folder for card.json and samples.png.")],
    n: Annotated[int, typer.Option("-n", min=64, help="Images to draw.")] = 1000,
    classifier: Annotated[
        str, typer.Option(help="Attribute classifier; '' measures without.")
    ] = "attributes",
    resolution: Resolution = 64,
    limit: Limit = None,
) -> None:
    """Measure a trained generator: samples, copies, distances, who it draws."""
    from gammaface.attributes import load_attributes
    from gammaface.classifiers.own_classifier import with_features
    from gammaface.commands.progress import progress_bar
    from gammaface.generators import load_generator
    from gammaface.training.card import measure_generator

    seeing = with_features(load_attributes(classifier), named=classifier) if classifier else None
    train, test = (read_images(data, resolution, limit, split) for split in ("train", "test"))
    with progress_bar("card") as progress:
        measure_generator(
            load_generator(model),
            train,
            test,
            out=out,
            classifier=seeing,
            named=Path(classifier).name,
            n=n,
            progress=progress,
        )
    print(out / "card.json")
