"""Sets that a row's generator draws, seen by the critic; what is kept of them is numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gammaface.audit.quality import Faces
from gammaface.balancing import draw_seeds
from gammaface.generators import Generator, seeds_for
from gammaface.images import to_png, to_uint8
from gammaface.rebalance.critic import Critic
from gammaface.rebalance.recipe import BASE_SEED, PATH_SEED, Recipe
from gammaface.rebalance.scores import path_length
from gammaface.workspace import Run

BASE, REAL = "base", "real"  # a plain draw of its own that rows are compared with; real pictures


@dataclass(frozen=True)
class Seen:
    """Pictures as the critic sees them: probabilities (n, K) and features (n, d)."""

    cells: np.ndarray
    features: np.ndarray

    @classmethod
    def joined(cls, sets: Sequence[Seen]) -> Seen:
        """All sets as one, in order."""
        return cls(np.concatenate([s.cells for s in sets]), np.concatenate([s.features for s in sets]))

    @property
    def faces(self) -> Faces:
        """Features with the likeliest group of each."""
        return Faces(self.features, self.cells.argmax(1))


def draw_sets(run: Run, name: str, generator: Generator, critic: Critic, recipe: Recipe, say) -> None:
    """Draw the sets that a row lacks, and its moves along the noise; keep a few pictures.

    Every row has the same seeds, so that pictures and sets compare in pairs.
    """
    count = 1 if name == BASE else recipe.sets
    for number in range(count):
        if _held(run, name, number):
            continue
        seeds = seeds_for(BASE_SEED if name == BASE else number, recipe.n)
        batch = draw_seeds(
            generator,
            seeds,
            steps=recipe.steps,
            sampler=recipe.sampler,
            progress=lambda done, total, i=number: say(f"draw {name}", i * recipe.n + done, count * total),
        )
        if name != BASE and number == 0:
            _keep_pictures(run, name, seeds[: recipe.shown], batch.images)
        keep_seen(run, name, number, Seen(*critic.look(batch.images)))
    if name != BASE and not run.has(f"arrays/sets/{name}-path.npy"):
        moves = path_length(
            generator,
            critic.features,
            pairs=recipe.path_pairs,
            steps=recipe.steps,
            sampler=recipe.sampler,
            seed=PATH_SEED,
            progress=lambda done, total: say(f"path {name}", done, total),
        )
        run.write_array(f"sets/{name}-path", moves)


def keep_seen(run: Run, name: str, number: int, seen: Seen) -> None:
    """Store one set; the probabilities last, for they say that it is whole."""
    run.write_array(f"sets/{name}-{number}-features", seen.features.astype(np.float16))
    run.write_array(f"sets/{name}-{number}-cells", seen.cells.astype(np.float32))


def places_of(run: Run, name: str, sets: int) -> list[Path]:
    """Where a row's sets, moves and pictures lie, whether or not they are there."""
    parts = [f"{number}-{part}" for number in range(sets) for part in ("features", "cells")]
    arrays = [run.path / "arrays" / "sets" / f"{name}-{part}.npy" for part in (*parts, "path")]
    return [*arrays, run.path / "images" / name]


def read_sets(run: Run, name: str) -> list[Seen]:
    """Every stored set of a row, in order."""
    found, number = [], 0
    while _held(run, name, number):
        cells, features = (run.array(f"sets/{name}-{number}-{part}") for part in ("cells", "features"))
        found.append(Seen(np.asarray(cells, dtype=float), np.asarray(features, dtype=np.float32)))
        number += 1
    return found


def _held(run: Run, name: str, number: int) -> bool:
    return run.has(f"arrays/sets/{name}-{number}-cells.npy")


def _keep_pictures(run: Run, name: str, seeds: np.ndarray, images) -> None:
    for seed, picture in zip(seeds, to_uint8(images), strict=False):
        relative = run.image(int(seed), name).relative_to(run.path)
        facts = {"seed": int(seed), "row": name, "model": run.manifest.config["recipe"]["model"]}
        run.write_file(str(relative), to_png(picture, metadata=facts))
