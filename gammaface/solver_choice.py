"""Which sampler and how many steps a model needs, by its recorded quality against steps.

A model's folder may hold ``solver.json``, with guidance ``solver+pag2.json``: how far the
images of every sampler and number of steps lie from a reference, and the cheapest point that
is about as near as the best.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.balancing import draw_seeds
from gammaface.errors import GammaFaceError
from gammaface.files import write_whole
from gammaface.generators import MICRO_BATCH, Generator, seeds_for
from gammaface.metrics.quality import frechet_distance, kernel_distance
from gammaface.metrics.quality_by_group import DIMENSIONS
from gammaface.models.names import take_apart
from gammaface.sampling import Callback, get_sampler
from gammaface.workspace import MODELS, Run, writing

KIND = "solver"
WITHIN = 0.05  # of the best distance: nearer than that, two points count as equally good
Report = Callable[[str, int, int], None]
"""report(stage, done, total)"""


@dataclass(frozen=True)
class Choice:
    """A sampler and its number of network evaluations per image."""

    sampler: str = "ddim"
    steps: int = 50

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Read ``SAMPLER:STEPS``.

        Examples
        --------
        >>> Choice.parse("unipc:10")
        Choice(sampler='unipc', steps=10)
        """
        name, colon, steps = text.partition(":")
        if not colon or not steps.isdigit() or int(steps) < 1:
            raise GammaFaceError(f"'{text}' is no sampler with its steps", fix="Write it like unipc:10.")
        get_sampler(name)
        return cls(name, int(steps))

    def __str__(self) -> str:
        return f"{self.sampler}:{self.steps}"


DEFAULT = Choice()
MANY = Choice("dpm-solver", 100)  # of a model's own reference: near the path's limit
POINTS = tuple(
    Choice(sampler, steps)
    for sampler, counts in {
        "ddim": (10, 20, 50),
        "dpm-solver": (5, 6, 8, 10, 12, 15),
        "unipc": (6, 8, 10, 12),
    }.items()
    for steps in counts
)


def recommended_sampler(generator: Generator, *, otherwise: Choice = DEFAULT) -> Choice:
    """What the model's ``solver.json`` chose; by default DDIM with 50 steps where there is none.

    A file that was recorded with other weights is not followed.

    Raises
    ------
    GammaFaceError
        When the file is damaged.
    """
    named = take_apart(generator.name)
    files = (folder / named.solver_file for folder in (MODELS / named.base, Path(named.base)))
    file = next((f for f in files if f.is_file()), None)
    if file is None:
        return otherwise
    try:
        recorded = json.loads(file.read_text())
        weights, chosen = recorded["weights"], recorded["chosen"]
        chosen = Choice(str(chosen["sampler"]), int(chosen["steps"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GammaFaceError(
            f"the recorded choice of a sampler is damaged: {error}",
            where=file,
            fix="Delete the file, or record it again with `python -m gammaface train solver`.",
        ) from None
    return chosen if weights == generator.weights_hash else otherwise


def sampler_for(
    generator: Generator, sampler: str | None, steps: int | None, *, otherwise: Choice = DEFAULT
) -> Choice:
    """What was asked for; where nothing was, :func:`recommended_sampler`."""
    if sampler is None and steps is None:
        return recommended_sampler(generator, otherwise=otherwise)
    return Choice(sampler or DEFAULT.sampler, steps or DEFAULT.steps)


def record_curve(
    generator: Generator,
    extractor,
    *,
    named: str = "attributes",
    out: Path | str,
    real: np.ndarray | None = None,
    points: Sequence[Choice] = POINTS,
    n: int = 1000,
    seed: int = 0,
    batch_size: int = MICRO_BATCH,
    into: Path | None = None,
    report: Report | None = None,
    callback: Callback | None = None,
) -> Run:
    """Measure quality against steps, into the run `out`; an interrupted one continues there.

    Every point draws the same seeds, so that points differ by their solver alone. The run
    holds the table ``curve`` (``sampler, steps, frechet, kernel``), the features of every
    point and ``solver.json``.

    Parameters
    ----------
    extractor : AttributeClassifier
        Whatever has ``features(images)`` and ``hash``; distances are in its features, the
        Fréchet distance on at most 64 principal components of the reference.
    named : str
        What the extractor is called; by default as the bundled classifier is.
    real : array of shape (m, d), optional
        Features of the training faces. Without them the reference is n images of the model
        itself, from other seeds and by many steps: then the curve tells what few steps
        change, not how good the model is.
    points : sequence of Choice
        What to try.
    n, seed : int
        Images per point, and the run seed that they come from.
    batch_size : int
        As in :func:`gammaface.latents.harvest`.
    into : Path, optional
        The model's folder, which receives ``solver.json`` in the end.

    Raises
    ------
    GammaFaceError
        No points, fewer than two images, another recording in `out`.
    """
    if not points or n < 2:
        raise GammaFaceError(f"{len(points)} points of {n} images", fix="Give a point and 2 images or more.")
    config = {
        "model": generator.name,
        "points": [str(point) for point in points],
        "n": n,
        "seed": seed,
        "reference": "own samples" if real is None else f"{len(real)} real faces",
    }
    weights = {generator.name: generator.weights_hash, "extractor": extractor.hash}
    say = report or (lambda stage, done, total: None)

    with writing(out, kind=KIND, config=config, weights=weights, precision=generator.precision) as run:

        def features(name: str, how: Choice, run_seed: int) -> np.ndarray:
            if not run.has(f"arrays/{name}.npy"):
                batch = draw_seeds(
                    generator,
                    seeds_for(run_seed, n),
                    **asdict(how),
                    batch_size=batch_size,
                    progress=lambda done, total: say(name, done, total),
                    callback=callback,
                )
                run.write_array(name, extractor.features(batch.images))
            return run.array(name)

        if real is None:
            real = features("reference", MANY, seed + 1)
        rows = []
        for point in points:
            drawn = features(f"{point.sampler}-{point.steps}", point, seed)
            rows.append(asdict(point) | distances(drawn, real, seed=seed))
        table = pd.DataFrame(rows)
        run.write_table("curve", table)
        recorded = {
            "weights": generator.weights_hash,
            "chosen": asdict(choose(table)),
            "rule": f"fewest steps within {WITHIN:.0%} of the lowest Fréchet distance",
            "n": n,
            "seed": seed,
            "reference": config["reference"],
            "extractor": f"{named} ({extractor.hash[:12]})",
            "curve": rows,
        }
        file = take_apart(generator.name).solver_file
        run.write_file(file, json.dumps(recorded, indent=1, ensure_ascii=False))
    run = Run.open(out)
    if into is not None:
        write_whole(into / file, lambda f: f.write((run.path / file).read_bytes()))
    return run


def distances(features: np.ndarray, reference: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """Fréchet and kernel distance of features (n, d) to a reference (m, d)."""
    width = min(DIMENSIONS, reference.shape[1])
    return {
        "frechet": float(frechet_distance(features, reference, dimensions=width)),
        "kernel": float(kernel_distance(features, reference, seed=seed)),
    }


def choose(curve: pd.DataFrame) -> Choice:
    """The fewest steps whose Fréchet distance lies within 5% of the lowest; of equals the nearest.

    Examples
    --------
    >>> rows = [("ddim", 50, 1.0), ("unipc", 10, 1.04), ("ddim", 10, 2.0)]
    >>> str(choose(pd.DataFrame(rows, columns=["sampler", "steps", "frechet"])))
    'unipc:10'
    """
    near = curve[curve["frechet"] <= (1 + WITHIN) * curve["frechet"].min()]
    best = near.sort_values(["steps", "frechet"]).iloc[0]
    return Choice(str(best["sampler"]), int(best["steps"]))
