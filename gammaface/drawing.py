"""Draw a batch into a run folder, block by block, so that nothing drawn is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.balancing import PILOT, Batch, Incomplete, balance
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.images import to_png, to_uint8
from gammaface.latents import Progress
from gammaface.mixture import LatentMixture
from gammaface.strategies import Labeller, Target, get_strategy
from gammaface.strategies.request import Value
from gammaface.workspace import Run, extending, writing

BLOCK = 256  # images between two writes
POOLED = {"responsibility"}  # injections that choose among seeds: one block, not many
NOTES = "notes.json"


def draw_run(
    generator: Generator,
    mixture: LatentMixture | None,
    *,
    n: int,
    out: Path | str,
    strategy: str = "component-uniform",
    injection: str = "mean-noise",
    seed: int = 0,
    steps: int = 50,
    sampler: str = "ddim",
    target: Target | None = None,
    labeller: Labeller | None = None,
    pilot: int = PILOT,
    options: Mapping[str, Value] | None = None,
    progress: Progress | None = None,
    callback=None,
) -> Run:
    """Draw n images into the run folder `out`; an interrupted one continues there.

    The run holds ``images/<seed>.png`` and the table ``images`` with ``seed``,
    ``component`` and ``evaluations`` (of the network for this image, the pilot's left out)
    in the order drawn; with a target also ``place`` and ``cell``, what each image was drawn
    for (-1: for the whole, not for a cell). ``notes.json`` has what the strategy says,
    block by block, and the evaluations of its pilot. A run that was cut off learns from the
    same pilot again.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.balancing.balance`, and when `out` cannot be written. Where a
        group is too rare, what was found stays in the run.
    """
    chosen = get_strategy(strategy)
    ask = {
        "n": n,
        "strategy": strategy,
        "injection": injection,
        "seed": seed,
        "steps": steps,
        "sampler": sampler,
    }
    config = {
        "model": generator.name,
        **ask,
        "k": mixture.n_components if mixture else None,
        "t": mixture.latents_.t if mixture and mixture.latents_ else None,
    }
    if completed := chosen.complete(options or {}):
        config["options"] = completed
    if chosen.learn:
        config["pilot"] = pilot
    if target is not None:
        config |= {
            "attributes": list(target.attributes),
            "cells": list(target.names),
            "shares": target.shares.tolist(),
            "labeller": getattr(labeller, "hash", ""),
        }
    ask |= {"target": target, "labeller": labeller, "pilot": pilot, "options": completed}
    pooled = strategy == "component-uniform" and injection in POOLED
    weights = {generator.name: generator.weights_hash}
    with writing(out, kind="sample", config=config, weights=weights) as run:
        learned = None
        for places in _open(run, n, block=n if pooled else block_size(completed, BLOCK)):
            began, start, short = time.monotonic(), int(places[0]), None
            say = progress and (lambda i, _, start=start: progress(start + i, n))
            try:
                batch = balance(
                    generator,
                    mixture,
                    **ask,
                    places=places,
                    learned=learned,
                    progress=say,
                    callback=callback,
                )
            except Incomplete as error:
                batch, places, short = error.batch, error.places, error
            spent = batch.learned.evaluations if batch.learned and learned is None else 0
            learned = batch.learned
            _store(run, batch, places, spent, placed=target is not None or short is not None)
            run.add_timing("sample", time.monotonic() - began)
            if short:
                raise short
    with extending(out) as run:
        run.update(note=_cost(run))
    return Run.open(out)


def block_size(options: Mapping[str, Value], block: int) -> int:
    """Images of a block: whole batches, where a strategy steers batches together.

    Examples
    --------
    >>> block_size({}, 256), block_size({"batch": 100}, 256)
    (256, 300)
    """
    batch = options.get("batch", 1)
    return -(-block // batch) * batch


def _open(run: Run, n: int, *, block: int) -> list[np.ndarray]:
    """The blocks that nothing was drawn of; one that came out short will not fill again."""
    blocks = [np.arange(start, min(start + block, n)) for start in range(0, n, block)]
    if not run.has("tables/images.parquet"):
        return blocks
    table = run.table("images")
    held = table["place"] if "place" in table else np.arange(len(table))
    found = [int(np.isin(places, held).sum()) for places in blocks]
    short = [i for i, places in enumerate(blocks) if 0 < found[i] < len(places)]
    if short:
        raise GammaFaceError(
            f"{len(table):,} of {n:,} images were found before the limit on draws",
            where=run.path,
            fix="The same draws would be seen again: raise the option 'limit', in another --out.",
        )
    return [places for places, count in zip(blocks, found, strict=True) if not count]


def _store(run: Run, batch: Batch, places: np.ndarray, pilot: int, *, placed: bool) -> None:
    model, n = run.manifest.config["model"], len(batch.seeds)
    pictures = to_uint8(batch.images) if n else []
    for picture, seed, component in zip(pictures, batch.seeds, batch.components, strict=True):
        facts = {"seed": int(seed), "component": int(component), "model": model}
        relative = run.image(int(seed)).relative_to(run.path)
        run.write_file(str(relative), to_png(picture, metadata=facts))
    fresh = pd.DataFrame({"seed": batch.seeds, "component": batch.components})
    fresh["evaluations"] = (batch.evaluations - pilot) / max(n, 1)
    if placed:
        fresh["place"], fresh["cell"] = places, batch.cells
    before = [run.table("images")] if run.has("tables/images.parquet") else []
    notes = _notes(run)
    notes["pilot_evaluations"] = max(pilot, notes["pilot_evaluations"])
    notes["blocks"].append({"first": int(places[0]) if n else None, "images": n} | dict(batch.notes))
    run.write_file(NOTES, json.dumps(notes, indent=1, default=as_plain))
    run.write_table("images", pd.concat([*before, fresh], ignore_index=True))


def _cost(run: Run) -> str:
    """What an image cost, in words."""
    table, pilot = run.table("images"), _notes(run)["pilot_evaluations"]
    each = pilot / len(table)
    words = f"{float(table['evaluations'].mean()) + each:.1f} network evaluations per image"
    return words + (f", {each:.1f} of them for the pilot" if pilot else "")


def _notes(run: Run) -> dict:
    if run.has(NOTES):
        return json.loads((run.path / NOTES).read_text())
    return {"pilot_evaluations": 0, "blocks": []}


def as_plain(value):
    """NumPy's numbers and arrays, as strategies leave them in their notes."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
