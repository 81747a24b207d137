"""The whole chain on one model, as one run: harvest, sweep, fit, map, draw, label.

What `python -m gammaface demo` computes, what the first screens show, and what ships as
``examples/first-light``. The run holds

====================  ==================================================================
arrays/mixture_*      the fitted mixture, see :meth:`gammaface.mixture.LatentMixture.load`
tables/sweep          one row per K, see :func:`gammaface.sweep.sweep_bic`
tables/points         ``seed, x, y, component, confidence`` of each harvested latent
tables/components     ``component, weight, n, share, low, high, brightness, contrast``
tables/images         ``group, seed, component, model, brightness, contrast`` of each
                      picture; groups are ``plain``, ``balanced`` and ``exemplar``
tables/labels         of each picture, see :func:`gammaface.labels.label_run`
tables/people         labels of the first harvested seeds, see
                      :func:`gammaface.census.take_census`; what they say of the model:
                      ``people_shares``, ``people_by_component``, ``association``,
                      ``moves``
images/<group>/*.png  the pictures, named by seed
metrics.json          every number of the report; without a classifier, why nothing of
                      people was measured
====================  ==================================================================
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.attributes import AttributeClassifier
from gammaface.balancing import Batch, balance, draw_seeds
from gammaface.census import count_people, take_census
from gammaface.findings import describe_components, study_numbers
from gammaface.generators import Generator
from gammaface.hand_labels import recalls_for, validation_recalls
from gammaface.images import to_grid, to_png, to_uint8
from gammaface.labels import BUNDLED, find_classifier, label_run
from gammaface.latents import DEFAULT_SQRT_ABAR, Latents, harvest
from gammaface.mixture import LatentMixture
from gammaface.projection import project
from gammaface.sampling import Callback
from gammaface.sweep import suggest_k, sweep_bic
from gammaface.workspace import Run, home, writing

STAGES = ("harvest", "sweep", "fit", "map", "exemplars", "plain", "balanced", "people", "label")
EXEMPLARS = 16  # pictures on all component cards together
FALLBACK_K = 4  # the paper's choice, used where BIC prefers one Gaussian
Report = Callable[[str, int, int], None]
"""report(stage, done, total): called often, may raise to cancel."""


@dataclass(frozen=True)
class StudyOptions:
    """What to compute; stored as the run's configuration."""

    model: str = "faces"
    n: int = 2000
    t: int | None = None
    space: str = "x_t"
    pca: int | None = None
    k: int | None = None  # None: what the sweep suggests
    k_max: int = 11
    injection: str = "mean-noise"
    images: int = 24  # per grid
    steps: int = 50
    seed: int = 0
    labelled: int = 384  # harvested seeds whose finished faces are labelled; 0: none
    classifier: str = BUNDLED


def run_study(
    generator: Generator,
    options: StudyOptions,
    *,
    out: Path | str,
    report: Report | None = None,
    callback: Callback | None = None,
) -> Run:
    """Compute a study into the run folder `out`; an interrupted one continues there.

    Raises
    ------
    GammaFaceError
        As :func:`harvest`, :func:`sweep_bic` and :func:`balance`, and for a classifier other
        than the bundled one that cannot be loaded.
    """
    out = Path(out)
    classifier, missing = find_classifier(options.classifier, device=str(generator.device))
    t = options.t if options.t is not None else generator.timestep_at(DEFAULT_SQRT_ABAR)
    config = asdict(options) | {"t": t, "sqrt_abar": round(generator.sqrt_abar(t), 6)}
    weights = {generator.name: generator.weights_hash}
    say = report or (lambda stage, done, total: None)
    with writing(out, kind="study", config=config, weights=weights) as run:
        with _timed(run, "harvest"):
            latents = harvest(
                generator,
                n=options.n,
                t=t,
                space=options.space,
                seed=options.seed,
                pca=options.pca,
                steps=options.steps,
                out=out / "harvest",
                progress=lambda done, total: say("harvest", done, total),
                callback=callback,
            )
        with _timed(run, "sweep"):
            sweep = _sweep(run, latents, options, say)
        suggestion = suggest_k(sweep, n=len(latents.array))
        k = options.k or (suggestion.k if suggestion.k > 1 else FALLBACK_K)
        say("fit", 0, 1)
        with _timed(run, "fit"):
            mixture = LatentMixture(k, seed=options.seed, restarts=3).fit(latents)
        mixture.save(run)
        say("map", 0, 1)
        with _timed(run, "map"):
            points = _points(run, latents, mixture, options.seed)
        batches = {}
        with _timed(run, "exemplars"):
            batches["exemplar"] = _exemplars(generator, points, options, t, say, callback)
        for group, strategy in (("plain", "plain"), ("balanced", "component-uniform")):
            with _timed(run, group):
                batches[group] = balance(
                    generator,
                    mixture,
                    n=options.images,
                    strategy=strategy,
                    injection=options.injection,
                    seed=options.seed,
                    steps=options.steps,
                    progress=lambda done, total, group=group: say(group, done, total),
                    callback=callback,
                )
        images = _store_images(run, batches, points)
        components = describe_components(points, images, mixture)
        run.write_table("components", components)
        people = {"missing": missing or "labelling was turned off"}
        if classifier is not None and options.labelled > 0:
            people = _people(run, generator, classifier, points, options, t, say, callback)
        numbers = study_numbers(
            generator,
            config,
            k=k,
            suggestion=suggestion,
            sweep=sweep,
            components=components,
            batches=batches,
            people=people,
        )
        run.write_file("metrics.json", json.dumps(numbers | {"timings": run.manifest.timings}, indent=1))
    return Run.open(out)


@contextmanager
def _timed(run: Run, stage: str):
    started = time.monotonic()
    yield
    run.add_timing(stage, time.monotonic() - started)


def _sweep(run: Run, latents: Latents, options: StudyOptions, say) -> pd.DataFrame:
    if run.has("tables/sweep.parquet"):
        return run.table("sweep")
    top = min(options.k_max, len(latents.array))
    sweep = sweep_bic(
        latents,
        range(1, top + 1),
        seed=options.seed,
        progress=lambda done, total: say("sweep", done, total),
    )
    run.write_table("sweep", sweep)
    return sweep


def _points(run: Run, latents: Latents, mixture: LatentMixture, seed: int) -> pd.DataFrame:
    responsibilities = mixture.predict_proba(latents.array)
    if run.has("tables/points.parquet"):
        return run.table("points")
    xy = project(latents.array, seed=seed)
    points = pd.DataFrame(
        {
            "seed": latents.seeds,
            "x": xy[:, 0],
            "y": xy[:, 1],
            "component": responsibilities.argmax(axis=1),
            "confidence": responsibilities.max(axis=1).astype(np.float32),
        }
    )
    run.write_table("points", points)
    return points


def _exemplars(
    generator: Generator, points: pd.DataFrame, options: StudyOptions, t: int, say, callback
) -> Batch:
    """The pictures of random members of each component: typical, not hand-picked.

    In high dimensions nearly every responsibility is 1, so ranking by it would be noise.
    """
    each = max(1, EXEMPLARS // points["component"].nunique())
    chosen = points.groupby("component").head(each).sort_values(["component", "seed"])
    return draw_seeds(
        generator,
        chosen["seed"].to_numpy(),
        components=chosen["component"].to_numpy(),
        steps=options.steps,
        through=t,
        progress=lambda done, total: say("exemplars", done, total),
        callback=callback,
    )


def _store_images(run: Run, batches: dict[str, Batch], points: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for group, batch in batches.items():
        pixels = to_uint8(batch.images)
        run.write_file(f"grid-{group}.png", to_png(to_grid(pixels, columns=8)))
        for picture, seed, component in zip(pixels, batch.seeds, batch.components, strict=True):
            facts = {
                "group": group,
                "seed": int(seed),
                "component": int(component),
                "model": run.manifest.config["model"],
            }
            run.write_file(
                str(run.image(int(seed), group).relative_to(run.path)),
                to_png(picture, metadata=facts),
            )
            brightness, contrast = picture.mean() / 255, picture.std() / 255
            rows.append(facts | {"brightness": brightness, "contrast": contrast})
    images = pd.DataFrame(rows)
    run.write_table("images", images)
    return images


def _people(
    run: Run,
    generator: Generator,
    classifier: AttributeClassifier,
    points: pd.DataFrame,
    options: StudyOptions,
    t: int,
    say,
    callback,
) -> dict:
    """Labels of the first harvested seeds and of every picture, and what they say."""

    def draw(seeds: np.ndarray) -> Batch:
        return draw_seeds(generator, seeds, through=t, steps=options.steps, callback=callback)

    with _timed(run, "people"):
        census = take_census(
            run,
            draw,
            classifier,
            points,
            n=options.labelled,
            progress=lambda done, total: say("people", done, total),
        )
    with _timed(run, "label"):
        labels = label_run(run, classifier, progress=lambda done, total: say("label", done, total))
        recalls = recalls_for(classifier, home(), generator=generator.weights_hash)
        return count_people(run, census, labels, recalls, validation_recalls(classifier))
