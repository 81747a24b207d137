"""The sets that rows are trained on: original data, plain draws instead, balanced draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """Pictures that rows may be trained on, e.g. the generator's original training data.

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
    """One set as training needs it.

    Attributes
    ----------
    x : numpy.ndarray
        (n, c, h, w) float16, or (2n, c, h, w): rows of mirror images follow the others.
    labels : numpy.ndarray
        (n,) groups.
    features : numpy.ndarray
        (n, d).
    """

    x: np.ndarray
    labels: np.ndarray
    features: np.ndarray

    def for_each(self, values: np.ndarray) -> np.ndarray:
        """A value of every picture (n,) as one of every row of `x`: a mirror image has its picture's."""
        return np.tile(values, len(self.x) // len(self.labels))


def reads_original(generator: Generator, data: Sequence[str]) -> Callable[[], Original] | None:
    """What reads original training faces at a generator's resolution; None where no data are given.

    Parameters
    ----------
    data : sequence of str
        ``PATH`` or ``PATH@left,top,right,bottom`` each; of a ``split`` column, its train rows.
        What is read may raise as :func:`gammaface.datasets.load_images`.
    """
    if not data:
        return None
    return lambda: Original(load_all(list(data), resolution=generator.side, split="train"))


def reads_real(generator: Generator, data: Sequence[str]) -> Callable[[], torch.Tensor] | None:
    """The same for real test faces, uint8 (n, 3, H, H); of a ``split`` column, its test rows."""
    if not data:
        return None
    return lambda: load_all(list(data), resolution=generator.side, split="test")


def biased_material(
    run: Run,
    generator: Generator,
    critic: Critic,
    recipe: Recipe,
    original: Callable[[], Original] | None,
    say,
) -> Material:
    """The original data, or plain draws of the generator where they are absent.

    Raises
    ------
    GammaFaceError
        For a group of which there is nobody.
    """
    if _held(run, "biased"):
        return _read(run, "biased")
    if original is not None:
        found = original()
    else:
        found = Original(_drawn(run, OWN, generator, critic, recipe, seed=OWN_SEED, say=say))
    return _keep(run, "biased", found, generator, critic, recipe)


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
        return _keep(run, name, Original(pixels), generator, critic, recipe)
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
        sampler=recipe.sampler,
        steps=recipe.steps,
        progress=lambda done, total: say(f"draw {name}", done, total),
        **(steered if even else {"strategy": "plain"}),
    )
    return load_images(DataSource(found.path / "images"), resolution=generator.side)


def _keep(run: Run, name: str, found: Original, generator, critic: Critic, recipe: Recipe) -> Material:
    images, labels = to_unit(found.pixels), found.labels
    x = [generator.encode(part).half().numpy() for part in images.split(CHUNK)]
    if recipe.mirror:
        x += [generator.encode(part.flip(-1)).half().numpy() for part in images.split(CHUNK)]
    if labels is None:
        cells, features = critic.look(images)
        labels = cells.argmax(1)
    else:
        features = critic.features(images)
    check_groups(np.bincount(labels, minlength=critic.k), critic.target)
    run.write_array(f"material/{name}-features", features.astype(np.float16))
    run.write_array(f"material/{name}-labels", labels)
    run.write_array(f"material/{name}-x", np.concatenate(x))
    return _read(run, name)


def _held(run: Run, name: str) -> bool:
    return run.has(f"arrays/material/{name}-x.npy")


def _read(run: Run, name: str) -> Material:
    x, labels, features = (run.array(f"material/{name}-{part}") for part in ("x", "labels", "features"))
    return Material(x, np.asarray(labels), np.asarray(features, dtype=np.float32))
