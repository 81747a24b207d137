"""Draw a batch into a run folder, block by block, so that nothing drawn is lost.

A block is denoised, decoded, and written as pictures before the next one begins, on a GPU as on
a CPU: nothing of two blocks overlaps. Within a block a GPU has the steps of a path queued ahead
of it; the host waits for the pictures of each micro-batch, and the GPU for their files.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.balancing import PILOT, Batch, Incomplete, balance
from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator, seeds_for
from gammaface.images import to_png, to_uint8
from gammaface.latents import Progress
from gammaface.mixture import LatentMixture
from gammaface.parallel.parts import drop_parts, read_parts, write_part
from gammaface.parallel.workers import ALONE, Workers
from gammaface.strategies import Labeller, Target, get_strategy
from gammaface.strategies.request import Value
from gammaface.workspace import Run, extending, writing

BLOCK = 256  # images between two writes, and that a strategy chooses together
CHOOSING = {"quota", "stratified", "component-balanced", "evolutionary"}  # others: place by place
POOLED = {"responsibility"}  # injections that choose among seeds: one block, not many
NOTES, PARTS = "notes.json", "parts"
KEPT = ("means", "covariances")  # of a mixture: where pictures began, see `origin`; no two fits share both


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
    workers: Workers = ALONE,
    progress: Progress | None = None,
    callback=None,
) -> Run:
    """Draw n images into the run folder `out`; an interrupted one continues there.

    The run holds ``images/<seed>.png`` and the table ``images`` with ``seed``,
    ``component`` and ``evaluations`` (of the network for this image, the pilot's left out)
    in the order drawn; with a target also ``place`` and ``cell``, what each image was drawn
    for (-1: for the whole, not for a cell). ``notes.json`` has what the strategy says,
    block by block, and the evaluations of its pilot. A run that was cut off learns from the
    same pilot again. Of a mixture that the strategy needs the run keeps the arrays, and goes on
    with no other.

    Several `workers` share the blocks, which are fixed by place: whole micro-batches, or all
    images that a strategy chooses or steers together. Their number changes no picture. Each
    of them learns from the whole pilot.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.balancing.balance`, and when `out` cannot be written. Where a
        group is too rare, what was found stays in the run. When pictures of another mixture lie
        there. For several workers, when the injection chooses among the draws of the whole batch.
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
    made = {"weights": {generator.name: generator.weights_hash}, "precision": generator.precision}
    if pooled and workers.count > 1:
        raise GammaFaceError(
            f"the injection '{injection}' chooses among the draws of the whole batch, which"
            f" {workers.count} workers cannot share",
            fix="Start it as one process, or use the injection mean-noise or resume.",
        )
    used = mixture if "mixture" in chosen.needs else None
    workers.on_main(lambda: _check_mixture(Path(out), used))
    with writing(out, kind="sample", config=config, **made, workers=workers) as run:
        workers.on_main(lambda: _keep_mixture(run, used))
        learned, block = None, BLOCK if strategy in CHOOSING else min(BLOCK, MICRO_BATCH)
        block = n if pooled else block_size(completed, block)
        blocks = workers.on_main(lambda: _open(run, n, block=block))
        mine = [np.arange(start, stop) for start, stop in workers.share(blocks)]
        done = n - sum(stop - start for start, stop in blocks)
        total = done + sum(map(len, mine))
        try:
            for places in mine:
                began, start, short = time.monotonic(), int(places[0]), None
                say = progress and (lambda i, _, done=done: progress(done + i, total))
                done += len(places)
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
                _store(run, batch, start, places, spent, placed=target is not None or short is not None)
                run.add_timing("sample", time.monotonic() - began)
                if short:
                    raise short
            workers.wait()
        finally:
            if workers.main:
                _merge(run)
    with extending(out, workers=workers) as run:
        if workers.main:
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


def _kept(run: Run) -> list[str]:
    return [name for name in KEPT if run.has(f"arrays/mixture_{name}.npy")]


def _check_mixture(out: Path, mixture: LatentMixture | None) -> None:
    """Refuse a run of another mixture before anything in it is changed."""
    if mixture is None or not (out / "manifest.json").is_file():
        return
    run = Run.open(out)
    for name in _kept(run):
        kept, given = run.array(f"mixture_{name}"), getattr(mixture, f"{name}_")
        # The same fit on another number of threads differs in its last bits.
        if kept.shape != given.shape or not np.allclose(kept, given, rtol=1e-4):
            raise GammaFaceError(
                "a run drawn with another mixture lies here",
                where=out,
                fix="Give another --out, or delete that run.",
            )


def _keep_mixture(run: Run, mixture: LatentMixture | None) -> None:
    """Keep what the run lacks of its mixture; older runs of some strategies had kept none."""
    kept = _kept(run)
    if mixture is not None and (kept or _drawn(run) is None):
        for name in set(KEPT).difference(kept):
            run.write_array(f"mixture_{name}", getattr(mixture, f"{name}_"))


def _open(run: Run, n: int, *, block: int) -> list[list[int]]:
    """Spans of places that nothing was drawn of; one that came out short will not fill again."""
    held = _drawn(run)
    there = np.zeros(n, dtype=bool)
    if held is not None:
        there[np.arange(n) if len(held) == n else held["place"].to_numpy()] = True
    blocks = [[start, min(start + block, n)] for start in range(0, n, block)]
    found = [int(there[start:stop].sum()) for start, stop in blocks]
    if any(0 < count < stop - start for count, (start, stop) in zip(found, blocks, strict=True)):
        raise GammaFaceError(
            f"{len(held):,} of {n:,} images were found before the limit on draws",
            where=run.path,
            fix="The same draws would be seen again: raise the option 'limit', in another --out.",
        )
    return [span for span, count in zip(blocks, found, strict=True) if not count]


def _drawn(run: Run) -> pd.DataFrame | None:
    """The rows of all images so far, in the run's table and in parts, by place."""
    tables = list(read_parts(run.path / PARTS).values())
    if run.has("tables/images.parquet"):
        table = run.table("images")
        if "place" not in table:  # then every place has the image of its own seed
            config = run.manifest.config
            table["place"] = table["seed"] - seeds_for(config["seed"], config["n"])[0]
        tables.insert(0, table)
    if not tables:
        return None
    if len(tables) == 1:
        return tables[0].reset_index(drop=True)
    # Parts that were joined, and not dropped before the process was killed, are there twice.
    together = pd.concat(tables).drop_duplicates("place")
    return together.sort_values("place", kind="stable", ignore_index=True)


def _store(run: Run, batch: Batch, start: int, places: np.ndarray, pilot: int, *, placed: bool) -> None:
    """Write a block's pictures, then its rows as a part: they say that the block is whole."""
    model, n = run.manifest.config["model"], len(batch.seeds)
    pictures = to_uint8(batch.images) if n else []
    for picture, seed, component in zip(pictures, batch.seeds, batch.components, strict=True):
        facts = {"seed": int(seed), "component": int(component), "model": model}
        relative = run.image(int(seed)).relative_to(run.path)
        run.write_file(str(relative), to_png(picture, metadata=facts))
    fresh = pd.DataFrame({"seed": batch.seeds, "component": batch.components})
    fresh["evaluations"] = (batch.evaluations - pilot) / max(n, 1)
    fresh["place"] = places
    if placed:
        fresh["cell"] = batch.cells
    notes = {"first": int(places[0]) if n else None, "images": n} | dict(batch.notes)
    fresh.attrs = {"pilot": pilot, "notes": json.loads(json.dumps(notes, default=as_plain))}
    write_part(run.path / PARTS, start, fresh)


def _merge(run: Run) -> None:
    """Join the parts with the run's table and notes."""
    parts = read_parts(run.path / PARTS)
    if not parts:
        return
    table, notes = _drawn(run), _notes(run)
    table.attrs = {}  # of a single part, they are in the notes
    said = [part.attrs for part in parts.values()]
    notes["pilot_evaluations"] = max(notes["pilot_evaluations"], *(each["pilot"] for each in said))
    notes["blocks"] += [each["notes"] for each in said if each["notes"] not in notes["blocks"]]
    notes["blocks"].sort(key=lambda block: (block["first"] is None, block["first"] or 0))
    run.write_file(NOTES, json.dumps(notes, indent=1))
    run.write_table("images", table if "cell" in table else table.drop(columns="place"))
    drop_parts(parts)


def _cost(run: Run) -> str:
    """What an image cost, in words."""
    table, pilot = run.table("images"), _notes(run)["pilot_evaluations"]
    each = pilot / len(table)
    words = f"{float(table['evaluations'].mean()) + each:.1f} network evaluations per image"
    return words + (f", {each:.1f} of them for the pilot" if pilot else "")


def _notes(run: Run) -> dict:
    if run.has(NOTES):
        return run.read_json(NOTES)
    return {"pilot_evaluations": 0, "blocks": []}


def as_plain(value):
    """NumPy's numbers and arrays, as strategies leave them in their notes."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
