"""Rebalancing of pictures of any classes: a generator and a classifier made for them.

The generator is a small pixel model trained on the long-tailed pictures, so the original data
are at hand. The classifier learns from every training picture there is, each class drawn
equally often: from the even set where the tail was cut from one, as the paper's is.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from gammaface.datasets.long_tail import ClassImages
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator, load_generator
from gammaface.images import to_unit
from gammaface.rebalance.bias_term import BiasTerm
from gammaface.rebalance.bundle import write_generator
from gammaface.rebalance.class_classifier import train_class_classifier
from gammaface.rebalance.critic import critic_of
from gammaface.rebalance.material import Original
from gammaface.rebalance.recipe import Recipe
from gammaface.rebalance.run import Report, run_rebalance
from gammaface.rebalance.tune import Examples, train_network
from gammaface.training.diffusion import UNetWidths, build_scheduler, build_unet
from gammaface.training.loop import Schedule
from gammaface.workspace import Run

DIGITS_BETA = 0.1
TINY = 16  # pixels; for these a narrow network is enough
SMALLEST = 4  # side below which the maps are not halved any more
DIGITS = Recipe(
    model="digits",
    attributes=("class",),
    strategy="quota",
    synthetic=1000,
    mirror=False,
    tune_images=16_000,
    anew_images=64_000,
    learning_rate=1e-3,
    weighing_images=20_000,
    bias=BiasTerm(through="steps", steps=2),
    n=1500,
    steps=12,
    path_pairs=100,
    resamples=100,
)
"""The demonstration on scikit-learn's digits."""


def run_class_set(
    images: ClassImages,
    recipe: Recipe,
    *,
    out: Path,
    beta: float | None = None,
    report: Report | None = None,
) -> Run:
    """Rebalance a generator of labelled pictures.

    What the run starts from, the plain generator and the classifier, lies beside it in
    ``<out>-parts`` and is made once for the same pictures and training.

    Parameters
    ----------
    images : ClassImages
        See :mod:`gammaface.datasets.long_tail`.
    recipe : Recipe
        Over one attribute, which gives the classes their name.
    beta : float, optional
        Cut a long tail from the training pictures first; None takes them as they are.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.rebalance.run_rebalance` and :func:`gammaface.datasets.long_tail.tail_counts`.
    """
    if len(recipe.attributes) != 1:
        raise GammaFaceError(
            f"{len(recipe.attributes)} attributes for a set with one class each", fix="Name one attribute."
        )
    made_of = _hash(images, recipe, beta)
    parts = Path(out).with_name(f"{Path(out).name}-parts") / made_of
    tail = images if beta is None else images.long_tailed(beta, seed=recipe.seed)
    classifier = train_class_classifier(
        images, attribute=recipe.attributes[0], out=parts / "classifier", seed=recipe.seed
    )
    train, test = tail.select(~tail.test), tail.select(tail.test)
    generator = _plain(train, recipe, parts / "generator", report)
    return run_rebalance(
        generator,
        critic_of(classifier, recipe.attributes),
        recipe,
        out=out,
        original=lambda: Original(train.pixels, train.codes),
        real=lambda: test.pixels,
        made_of=made_of,
        report=report,
    )


def _hash(images: ClassImages, recipe: Recipe, beta: float | None) -> str:
    """Of all that decides the plain generator and the classifier."""
    schedule = (recipe.anew_images, recipe.batch_size, recipe.learning_rate, recipe.ema_images, recipe.seed)
    told = repr((images.classes, tuple(images.pixels.shape), beta, recipe.mirror, *schedule))
    digest = hashlib.sha256(told.encode())
    for array in (images.pixels.numpy(), images.codes, images.test):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _plain(train: ClassImages, recipe: Recipe, out: Path, report: Report | None) -> Generator:
    """The plain generator, trained on the long tail; read if it is there."""
    if not (out / "model" / "model_index.json").is_file():
        side = train.pixels.shape[-1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            network = build_unet(widths_for(side), channels=3, side=side)
        scheduler = build_scheduler()
        blank = Generator(
            recipe.model,
            network,
            None,
            np.maximum(scheduler.alphas_cumprod.double().numpy(), 1e-12),
            scheduler.config.prediction_type,
            "",
            torch.device("cuda" if torch.cuda.is_available() else "cpu"),
            clip=1.0,
        )
        x = to_unit(train.pixels)
        x = torch.cat([x, x.flip(-1)]) if recipe.mirror else x
        schedule = Schedule(
            images=recipe.anew_images,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            warmup_images=max(1, recipe.anew_images // 20),
            decay=0.5,
            ema_half_life=recipe.ema_images,
            seed=recipe.seed,
        )
        network.to(blank.device)
        say = report or (lambda stage, done, total: None)
        trained, _ = train_network(
            network,
            Examples(x.half().numpy()),
            blank,
            schedule=schedule,
            out=out / "training",
            kind="rebalance plain",
            progress=lambda done, total: say("train plain", done, total),
        )
        write_generator(out / "model", blank, trained)
        shutil.rmtree(out / "training", ignore_errors=True)
    return replace(load_generator(out / "model"), name=recipe.model)


def widths_for(side: int) -> UNetWidths:
    """Channels of a pixel model: halved until 4 pixels are left or the side is odd.

    Examples
    --------
    >>> widths_for(8).channels, widths_for(32).channels
    ((32, 64), (64, 128, 128, 128))
    """
    levels = 1
    while levels < 4 and side % 2**levels == 0 and side // 2**levels >= SMALLEST:
        levels += 1
    if levels == 1:
        raise GammaFaceError(f"pictures of {side} pixels cannot be halved", fix="Give a resolution like 32.")
    width = 32 if side <= TINY else 64
    return UNetWidths((width, *[2 * width] * (levels - 1)), layers=1, head_dim=16)
