"""The sets that rows are trained on: original data, plain draws instead, balanced draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gammaface.datasets import DataSource, load_all, load_images
from gammaface.drawing import draw_run
from gammaface.generators import Generator
from gammaface.images import to_unit
from gammaface.rebalance.critic import Critic
from gammaface.rebalance.recipe import OWN_SEED, SYNTHETIC_SEED, Recipe
from gammaface.rebalance.weights import check_groups
from gammaface.workspace import Run

CHUNK = 256
OWN, BALANCED = "own", "balanced"


@dataclass(frozen=True)
class Original:
    """The generator's original training pictures.

    Attributes
    ----------
    pixels : torch.Tensor
        uint8 (n, 3, H, H).
    labels : numpy.ndarray or None
        (n,) groups, where they are known; otherwise the critic names them.
    """

    pixels: torch.Tensor
    labels: np.ndarray | None = None


@dataclass(frozen=True)
class Material:
    """One set as training needs it; rows of mirror images follow the others.

    Attributes
    ----------
    x : numpy.ndarray
        (n, c, h, w) float16.
    labels : numpy.ndarray
        (n,) groups.
    features : numpy.ndarray
        (n, d).
    """

    x: np.ndarray
    labels: np.ndarray
    features: np.ndarray


def read_pictures(generator: Generator, data: list[str], *, split: str | None) -> torch.Tensor | None:
    """Faces at a generator's resolution, uint8 (n, 3, H, H); None where no data are given.

    Parameters
    ----------
    data : list of str
        ``PATH`` or ``PATH@left,top,right,bottom`` each.
    split : str, optional
        Rows of a ``split`` column to keep; None keeps all.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.datasets.load_images`.
    """
    if not data:
        return None
    return load_all(data, resolution=generator.side, split=split)


def biased_material(
    run: Run, generator: Generator, critic: Critic, recipe: Recipe, original: Original | None, say
) -> Material:
    """The original data, or plain draws of the generator where they are absent.

    Raises
    ------
    GammaFaceError
        For a group of which there is nobody.
    """
    if _held(run, "biased"):
        return _read(run, "biased")
    labels = None
    if original is not None:
        pixels, labels = original.pixels, original.labels
    else:
        pixels = _drawn(run, OWN, generator, critic, recipe, seed=OWN_SEED, say=say)
    return _keep(run, "biased", pixels, labels, generator, critic, recipe)


def balanced_material(
    run: Run, generator: Generator, critic: Critic, recipe: Recipe, *, generation: int, say
) -> Material:
    """A balanced set that the generator draws by the recipe's strategy.

    Raises
    ------
    GammaFaceError
        For a group too rare to be filled.
    """
    name = f"{BALANCED}-{generation}"
    if not _held(run, name):
        pixels = _drawn(run, name, generator, critic, recipe, seed=SYNTHETIC_SEED + generation - 1, say=say)
        return _keep(run, name, pixels, None, generator, critic, recipe)
    return _read(run, name)


def _drawn(run: Run, name: str, generator, critic: Critic, recipe: Recipe, *, seed: int, say) -> torch.Tensor:
    """Pictures drawn into ``drawn/<name>``, uint8."""
    even = name != OWN
    steered = {
        "strategy": recipe.strategy,
        "options": dict(recipe.options),
        "target": critic.target,
        "labeller": critic.labeller,
        "pilot": recipe.pilot,
    }
    found = draw_run(
        generator,
        None,
        n=recipe.synthetic if even else recipe.biased,
        out=run.path / "drawn" / name,
        seed=seed,
        steps=recipe.steps,
        progress=lambda done, total: say(f"draw {name}", done, total),
        **(steered if even else {"strategy": "plain"}),
    )
    return load_images(DataSource(found.path / "images"), resolution=generator.side)


def _keep(run: Run, name: str, pixels: torch.Tensor, labels, generator, critic: Critic, recipe: Recipe):
    images = to_unit(pixels)
    x = [generator.encode(part).half().numpy() for part in images.split(CHUNK)]
    if recipe.mirror:
        x += [generator.encode(part.flip(-1)).half().numpy() for part in images.split(CHUNK)]
    labels = critic.cells(images).argmax(1) if labels is None else labels
    check_groups(np.bincount(labels, minlength=critic.k), critic.target)
    repeated = np.tile(labels, 1 + recipe.mirror)
    features = np.tile(critic.features(images).astype(np.float16), (1 + recipe.mirror, 1))
    run.write_array(f"material/{name}-features", features)
    run.write_array(f"material/{name}-labels", repeated)
    run.write_array(f"material/{name}-x", np.concatenate(x))
    return _read(run, name)


def _held(run: Run, name: str) -> bool:
    return run.has(f"arrays/material/{name}-x.npy")


def _read(run: Run, name: str) -> Material:
    x, labels, features = (run.array(f"material/{name}-{part}") for part in ("x", "labels", "features"))
    return Material(x, np.asarray(labels), np.asarray(features, dtype=np.float32))
