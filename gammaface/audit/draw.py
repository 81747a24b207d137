"""Draw one cell of an audit and keep what its faces look like, not the faces."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import nullcontext
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
from gammaface.audit.reading import label_table, second_table
from gammaface.audit.second import Second
from gammaface.balancing import Batch, Incomplete, balance
from gammaface.drawing import block_size
from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator, micro_batches, seeded
from gammaface.latents import Progress, harvest
from gammaface.mixture import LatentMixture
from gammaface.sampling import Callback, get_sampler, sampler_path
from gammaface.strategies.pilot import pilot_seeds

BLOCK = 2048  # images held in memory at once
PLAIN_DRAWS = (PLAIN, "quota")  # strategies whose every draw is a plain one


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
            raise GammaFaceError(
                f"the cell '{cell.name}' was drawn with another {changed[0]}",
                fix="Give the method another name, like NAME=strategy, or another --out.",
            )
        return True


def fingerprint(mixture: LatentMixture) -> str:
    """A hash of a mixture's parameters."""
    parts = (mixture.weights_, mixture.means_, mixture.covariances_)
    return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()[:16]


def draw_cell(scene: Scene, cell: Cell, *, progress: Progress) -> torch.Tensor:
    """Draw a cell into its folder; returns its first block of images, for thumbnails.

    A strategy that refuses, or that finds too few images, is part of the audit: the reason
    is kept in words, with what was found.
    """
    method, spent, tables, features, first = scene.options.method(cell.method), _Spent(), [], [], None
    learned, block = None, block_size(method.options, BLOCK)
    refused = incomplete = ""
    scene.remember(cell)
    for start in range(0, method.n, block):
        places = np.arange(start, min(start + block, method.n))
        saved = scene.memory.saved
        try:
            plainly = method.strategy in PLAIN_DRAWS and not is_base(cell)
            with scene.memory.keeping() if plainly else nullcontext():
                batch = _balance(scene, cell, method, places, learned, progress)
        except Incomplete as error:
            batch, incomplete = error.batch, error.what
        except GammaFaceError as error:
            if method.strategy == PLAIN:
                raise  # nothing could be told without it
            refused = str(error)
            break
        # The price is that of a draw of its own: what was remembered counts in full.
        spent.add(batch, new=learned is None, seconds=batch.seconds + scene.memory.saved - saved)
        learned = batch.learned
        if len(batch.seeds):
            tables.append(_table(scene, batch, start))
            if hasattr(scene.classifier, "features"):
                features.append(scene.classifier.features(batch.images))
            first = batch.images if first is None else first
        if incomplete:
            break
    if not tables:
        refused = refused or incomplete
    write_cell(
        scene.place,
        cell,
        config=scene.config(cell),
        facts=spent.facts() | {"refused": refused, "incomplete": incomplete},
        labels=pd.concat(tables, ignore_index=True) if tables and not refused else None,
        features=np.concatenate(features) if features and not refused else None,
    )
    return torch.empty(0) if first is None or refused else first


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


def _table(scene: Scene, batch: Batch, start: int) -> pd.DataFrame:
    """What is kept of each image."""
    own = pd.DataFrame({"seed": batch.seeds, "component": batch.components, "cell": batch.cells})
    asked = max(0, scene.options.second_n - start)
    seen = second_table(scene.second, batch.images, scene.book.classes, n=asked)
    return pd.concat([own, label_table(scene.classifier, batch.images), seen], axis=1)


class _Spent:
    """What a cell has cost so far."""

    def __init__(self) -> None:
        self.delivered = self.evaluations = self.pilot = 0
        self.seconds = self.draws = 0.0
        self.notes: list[dict] = []

    def add(self, batch: Batch, *, new: bool, seconds: float) -> None:
        n = len(batch.seeds)
        self.delivered += n
        self.evaluations += batch.evaluations
        self.seconds += seconds
        if new and batch.learned is not None:
            self.pilot += batch.learned.evaluations
        self.draws += drawn_for(n, batch.notes)
        self.notes.append(dict(batch.notes))

    def facts(self) -> dict:
        return {
            "delivered": self.delivered,
            "evaluations": self.evaluations,
            "pilot_evaluations": self.pilot,
            "seconds": round(self.seconds, 3),
            "kept_share": self.delivered / self.draws if self.draws else float("nan"),
            "notes": self.notes,
        }


def drawn_for(n: int, notes: Mapping) -> float:
    """Draws behind n delivered images, from what a strategy says.

    Examples
    --------
    >>> drawn_for(10, {}), drawn_for(10, {"draws": 40}), drawn_for(10, {"draws_per_image": 1.5})
    (10, 40, 15.0)
    """
    if "draws" in notes:
        return notes["draws"] + notes.get("mutations_tried", 0)
    return n * notes.get("draws_per_image", 1)


def is_base(cell: Cell) -> bool:
    """Whether a cell is the plain draw that distances are measured to."""
    return cell.method == BASE
