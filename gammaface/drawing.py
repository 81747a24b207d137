"""Draw a batch into a run folder, block by block, so that nothing drawn is lost."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.balancing import Batch, balance
from gammaface.generators import Generator
from gammaface.images import to_png, to_uint8
from gammaface.latents import Progress
from gammaface.mixture import LatentMixture
from gammaface.strategies import get_strategy
from gammaface.workspace import Run, writing

BLOCK = 256  # images between two writes
POOLED = {"responsibility"}  # injections that choose among seeds: one block, not many


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
    progress: Progress | None = None,
    callback=None,
) -> Run:
    """Draw n images into the run folder `out`; an interrupted one continues there.

    The run holds ``images/<seed>.png`` and the table ``images`` with ``seed`` and
    ``component`` in the order drawn.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.balancing.balance`, and when `out` cannot be written.
    """
    get_strategy(strategy)
    config = {
        "model": generator.name,
        "strategy": strategy,
        "injection": injection,
        "n": n,
        "seed": seed,
        "steps": steps,
        "sampler": sampler,
        "k": mixture.n_components if mixture else None,
        "t": mixture.latents_.t if mixture and mixture.latents_ else None,
    }
    weights = {generator.name: generator.weights_hash}
    with writing(out, kind="sample", config=config, weights=weights) as run:
        drawn = run.table("images") if run.has("tables/images.parquet") else None
        done = 0 if drawn is None else len(drawn)
        block = n if strategy == "component-uniform" and injection in POOLED else BLOCK
        for start in range(done, n, block):
            places = np.arange(start, min(start + block, n))
            began = time.monotonic()
            batch = balance(
                generator,
                mixture,
                n=n,
                strategy=strategy,
                injection=injection,
                seed=seed,
                steps=steps,
                sampler=sampler,
                callback=callback,
                places=places,
                progress=progress and (lambda i, _, start=start: progress(start + i, n)),
            )
            drawn = _store(run, batch, drawn)
            run.add_timing("sample", time.monotonic() - began)
        evaluations = float(drawn["evaluations"].mean())
        run.update(note=f"{evaluations:.1f} network evaluations per image")
    return Run.open(out)


def _store(run: Run, batch: Batch, before: pd.DataFrame | None) -> pd.DataFrame:
    model = run.manifest.config["model"]
    for picture, seed, component in zip(to_uint8(batch.images), batch.seeds, batch.components, strict=True):
        facts = {"seed": int(seed), "component": int(component), "model": model}
        relative = run.image(int(seed)).relative_to(run.path)
        run.write_file(str(relative), to_png(picture, metadata=facts))
    fresh = pd.DataFrame(
        {
            "seed": batch.seeds,
            "component": batch.components,
            "evaluations": batch.evaluations / len(batch.seeds),
        }
    )
    table = fresh if before is None else pd.concat([before, fresh], ignore_index=True)
    run.write_table("images", table)
    return table
