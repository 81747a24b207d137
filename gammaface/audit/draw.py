"""Draw one cell of an audit and keep what its faces look like, not the faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.audit.book import Book
from gammaface.audit.cells import Cell, read_cell, write_cell
from gammaface.audit.memory import Memory
from gammaface.audit.options import BASE, HARVEST_SEED, PLAIN, AuditOptions, Method
from gammaface.audit.parts import Parts, spent_on
from gammaface.audit.reading import read_faces, second_table
from gammaface.audit.second import Second
from gammaface.balancing import Batch, Incomplete, balance
from gammaface.drawing import CHOOSING, POOLED, block_size
from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator, micro_batches, seeded
from gammaface.latents import Progress, harvest
from gammaface.mixture import LatentMixture, fingerprint
from gammaface.parallel.workers import ALONE, Workers
from gammaface.sampling import Callback, get_sampler, sampler_path
from gammaface.strategies.kept_heads import KEPT
from gammaface.strategies.pilot import pilot_seeds

PLACED, CHOSEN = 512, 2048  # images between two writes, see `block_of`
# Strategies whose every draw is a plain one of seeds that others, or other targets, draw, too.
PLAIN_DRAWS = (PLAIN, "quota", "stratified", "component-balanced")
Shrink = Callable[[torch.Tensor], np.ndarray]
Keep = Callable[[np.ndarray, np.ndarray], None]


@dataclass
class Scene:
    """Everything that cells are drawn with; the generator stands behind the memory."""

    generator: Generator
    memory: Memory
    classifier: object
    options: AuditOptions
    book: Book
    place: Path
    given: LatentMixture | None
    second: Second | None
    callback: Callback | None
    workers: Workers = ALONE
    seed: int = -1  # the one whose plain draws are remembered
    piloted: bool = False

    def remember(self, cell: Cell) -> None:
        """Keep one set of plain draws for each seed, and its pilot if several cells learn."""
        if cell.seed != self.seed:
            self.memory.forget()
            self.seed, self.piloted = cell.seed, False
        if self.options.method(cell.method).learns and not self.piloted:
            self.piloted = True
            cells = [c for c in self.options.cells() if c.seed == cell.seed and not self.has(c)]
            pilots = [m.pilot for m in (self.options.method(c.method) for c in cells) if m.learns]
            if len(pilots) > 1 and max(pilots):
                self._walk(pilot_seeds(cell.seed, max(pilots)))

    @property
    def saved(self) -> float:
        """Seconds that what was remembered would have taken so far."""
        return self.memory.saved + KEPT.saved

    def keeping(self, cell: Cell) -> AbstractContextManager:
        """Remembers what a cell evaluates, where other cells will need it."""
        method = self.options.method(cell.method)
        if is_base(cell) or method.strategy not in PLAIN_DRAWS:
            return nullcontext()
        return self.memory.keeping(middle=str(method.options.get("space", "")).startswith("h"))

    def _walk(self, seeds: np.ndarray) -> None:
        path = sampler_path(self.options.sampler, self.generator.alphas, self.options.steps)
        with self.memory.keeping(middle=True):
            for chunk, _ in micro_batches(seeds, MICRO_BATCH):
                streams = seeded(chunk)
                get_sampler(self.options.sampler)(
                    self.generator.predict,
                    self.generator.noise(streams),
                    path,
                    alphas=self.generator.alphas,
                    generators=streams,
                    callback=self.callback,
                )

    def prepare(self, cells: Sequence[Cell]) -> None:
        """Harvest together, before several workers part, if one of these cells needs the mixture."""
        needs = (self.options.method(cell.method).of.needs for cell in cells)
        if self.workers.count > 1 and any("mixture" in each for each in needs):
            _ = self.mixture

    @cached_property
    def mixture(self) -> LatentMixture:
        """The mixture given, or one fitted on a harvest of the audit's own."""
        if self.given is not None:
            return self.given
        latents = harvest(
            self.generator,
            n=self.options.harvest,
            seed=HARVEST_SEED,
            steps=self.options.steps,
            out=self.place / "harvest",
            workers=self.workers,
            callback=self.callback,
        )
        return LatentMixture(self.options.k, restarts=3).fit(latents)

    def config(self, cell: Cell) -> dict:
        """Everything that decides a cell's images."""
        method = self.options.method(cell.method)
        config = method.config()
        if cell.target:
            target = self.book.targets[cell.target]
            config |= {"attributes": list(target.attributes), "shares": target.shares.tolist()}
        if "mixture" in method.of.needs:
            fitted = {"harvest": self.options.harvest, "k": self.options.k}
            config["mixture"] = fitted if self.given is None else {"hash": fingerprint(self.given)}
        return config

    def has(self, cell: Cell) -> bool:
        """Whether a cell is finished; one that was refused is not, and is tried again.

        Raises
        ------
        GammaFaceError
            When it was drawn with something else than would be now.
        """
        stored = read_cell(self.place / "cells" / cell.name)
        if stored is None or stored.refused:
            return False
        now = self.config(cell)
        changed = [key for key in now | stored.config if stored.config.get(key) != now.get(key)]
        if changed:
            what = "the method another name, like NAME=strategy"
            if cell.method in (BASE, PLAIN):
                what = f"the {changed[0]} of before; one method may have an n of its own: --set METHOD.n=N"
            raise GammaFaceError(
                f"the cell '{cell.name}' was drawn with another {changed[0]}",
                fix=f"Give {what}, or another --out.",
            )
        return True


def draw_cell(scene: Scene, cell: Cell, *, progress: Progress, shrink: Shrink, keep: Keep) -> None:
    """Draw a cell into its folder, block by block; one that was cut off goes on after its last block.

    ``shrink(images)`` makes thumbnails of the first block, and ``keep(pictures, seeds)`` gets them
    once every block is there. A strategy that refuses, or that finds too few images, is part of the
    audit: the reason is kept in words, with what was found. Blocks before a refusal stay for the
    next attempt.
    """
    method, config = scene.options.method(cell.method), scene.config(cell)
    parts, block = Parts(scene.place / "cells" / cell.name, config), block_of(method)
    learned, refused = None, ""
    scene.remember(cell)
    while parts.stop < method.n and not (refused or parts.incomplete):
        places = np.arange(parts.stop, min(parts.stop + block, method.n))
        saved, incomplete = scene.saved, ""
        try:
            with scene.keeping(cell):
                batch = _balance(scene, cell, method, places, learned, progress)
        except Incomplete as error:
            batch, incomplete = error.batch, error.what
        except GammaFaceError as error:
            if method.strategy == PLAIN:
                raise  # nothing could be told without it
            refused = str(error)
            continue
        # The price is that of a draw of its own: what was remembered counts in full.
        spent = spent_on(batch, new=learned is None, seconds=batch.seconds + scene.saved - saved)
        learned = batch.learned
        if parts.stop == 0:
            parts.show(shrink(batch.images))
        parts.add(places, *_seen(scene, batch, parts.stop), spent=spent, incomplete=incomplete)
    labels, features, facts = parts.together()
    lacking = refused or ("" if len(labels) else parts.incomplete)
    if not lacking:  # before cell.json, after which nobody would come back for them
        keep(parts.shown(), labels["seed"].to_numpy())
    write_cell(
        scene.place,
        cell,
        config=config,
        facts=facts | {"refused": lacking, "incomplete": parts.incomplete},
        labels=None if lacking else labels,
        features=None if lacking else features,
    )
    if not refused:
        parts.drop()


def block_of(method: Method) -> int:
    """Images drawn between two writes: few where every place has an image of its own, whatever the
    others', and many where a strategy chooses among them."""
    pooled = method.strategy == "component-uniform" and method.injection in POOLED
    chooses = method.strategy in CHOOSING or pooled
    return block_size(method.options, CHOSEN if chooses else PLACED)


def _balance(scene: Scene, cell: Cell, method: Method, places, learned, progress: Progress) -> Batch:
    needs, options = method.of.needs, scene.options
    return balance(
        scene.generator,
        scene.mixture if "mixture" in needs else None,
        n=method.n,
        strategy=method.strategy,
        injection=method.injection,
        seed=cell.seed,
        steps=options.steps,
        sampler=options.sampler,
        target=scene.book.targets[cell.target] if cell.target else None,
        labeller=scene.classifier if "labeller" in needs else None,
        pilot=method.pilot,
        options=method.options,
        learned=learned,
        places=places,
        progress=lambda done, _: progress(int(places[0]) + done, method.n),
        callback=scene.callback,
    )


def _seen(scene: Scene, batch: Batch, start: int) -> tuple[pd.DataFrame, np.ndarray | None]:
    """What is kept of a block's images: a row and the features of each."""
    if not len(batch.seeds):
        return pd.DataFrame(), None
    own = pd.DataFrame({"seed": batch.seeds, "component": batch.components, "cell": batch.cells})
    labels, features = read_faces(scene.classifier, batch.images)
    asked = max(0, scene.options.second_n - start)
    second = second_table(scene.second, batch.images, scene.book.classes, n=asked)
    return pd.concat([own, labels, second], axis=1), features


def is_base(cell: Cell) -> bool:
    """Whether a cell is the plain draw that distances are measured to."""
    return cell.method == BASE
