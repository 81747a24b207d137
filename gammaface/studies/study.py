"""The whole chain on one model, as one run: harvest, sweep, fit, map, draw, label.

What `python -m gammaface demo` computes, what the first screens show, and what ships as
``examples/first-light``. The run holds

====================  ==================================================================
arrays/mixture_*      the fitted mixture, see :meth:`gammaface.mixture.LatentMixture.load`
tables/sweep          one row per K, see :func:`gammaface.sweep.sweep_bic`
tables/convergence    ``k, iteration, log_likelihood``: how every K's likeliest fit rose
tables/points         ``seed, x, y, component, confidence`` of each harvested latent
tables/components     ``component, weight, n, share, low, high, brightness, contrast``
tables/images         ``group, seed, component, model, brightness, contrast`` of each
                      picture; groups are ``plain``, ``balanced`` and ``exemplar``
tables/labels         of each picture, see :func:`gammaface.labelling.labels.label_run`
tables/people         labels of the first harvested seeds, see
                      :func:`gammaface.studies.census.take_census`; what they say of the model:
                      ``people_shares``, ``people_by_component``, ``association``,
                      ``moves``
images/<group>/*.png  the pictures, named by seed
means/*.png           what the model makes of each component's mean, where that is a picture
metrics.json          every number of the report; without a classifier, why nothing of
                      people was measured
====================  ==================================================================
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.attributes import AttributeClassifier
from gammaface.balancing import Batch, balance, draw_seeds
from gammaface.generators import Generator
from gammaface.images import to_grid, to_png, to_uint8
from gammaface.labelling.hand_labels import recalls_for, validation_recalls
from gammaface.labelling.labels import BUNDLED, find_classifier, label_run
from gammaface.latents import DEFAULT_SQRT_ABAR, harvest
from gammaface.sampling import Callback
from gammaface.studies import stages
from gammaface.studies.census import count_people, take_census
from gammaface.studies.findings import describe_components, study_numbers
from gammaface.studies.stages import Report, timed
from gammaface.workspace import Run, home, writing

STAGES = ("harvest", "sweep", "fit", "map", "exemplars", "plain", "balanced", "people", "label")


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
    sampler: str = "ddim"
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
    with writing(out, kind="study", config=config, weights=weights, precision=generator.precision) as run:
        with timed(run, "harvest"):
            latents = harvest(
                generator,
                n=options.n,
                t=t,
                space=options.space,
                seed=options.seed,
                pca=options.pca,
                steps=options.steps,
                sampler=options.sampler,
                out=out / "harvest",
                progress=lambda done, total: say("harvest", done, total),
                callback=callback,
            )
        with timed(run, "sweep"):
            where = {"seed": options.seed, "device": str(generator.device)}
            sweep = stages.sweep(run, latents, k_max=options.k_max, **where, say=say)
        say("fit", 0, 1)
        with timed(run, "fit"):
            mixture, suggestion = stages.fit(run, latents, sweep, k=options.k, **where)
        say("map", 0, 1)
        with timed(run, "map"):
            points = stages.points(run, latents, mixture, options.seed)
        batches = {}
        with timed(run, "exemplars"):
            batches["exemplar"] = _exemplars(generator, points, options, t, say, callback)
            stages.store_means(run, stages.decoded_means(generator, mixture, latents))
        for group, strategy in (("plain", "plain"), ("balanced", "component-uniform")):
            with timed(run, group):
                batches[group] = balance(
                    generator,
                    mixture,
                    n=options.images,
                    strategy=strategy,
                    injection=options.injection,
                    seed=options.seed,
                    steps=options.steps,
                    sampler=options.sampler,
                    progress=lambda done, total, group=group: say(group, done, total),
                    callback=callback,
                )
        images = _store_images(run, batches)
        components = describe_components(points, images, mixture)
        run.write_table("components", components)
        people = {"missing": missing or "labelling was turned off"}
        if classifier is not None and options.labelled > 0:
            people = _people(run, generator, classifier, points, options, t, say, callback)
        numbers = study_numbers(
            generator,
            config,
            k=mixture.n_components,
            suggestion=suggestion,
            sweep=sweep,
            components=components,
            batches=batches,
            people=people,
        )
        run.write_file("metrics.json", json.dumps(numbers | {"timings": run.manifest.timings}, indent=1))
    return Run.open(out)


def _exemplars(
    generator: Generator, points: pd.DataFrame, options: StudyOptions, t: int, say, callback
) -> Batch:
    """The pictures of each component's surest members."""
    chosen = stages.surest_members(points)
    return draw_seeds(
        generator,
        chosen["seed"].to_numpy(),
        components=chosen["component"].to_numpy(),
        steps=options.steps,
        sampler=options.sampler,
        through=t,
        progress=lambda done, total: say("exemplars", done, total),
        callback=callback,
    )


def _store_images(run: Run, batches: dict[str, Batch]) -> pd.DataFrame:
    for group, batch in batches.items():
        run.write_file(f"grid-{group}.png", to_png(to_grid(to_uint8(batch.images), columns=8)))
    return stages.store_pictures(run, batches)


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
        path = {"through": t, "steps": options.steps, "sampler": options.sampler}
        return draw_seeds(generator, seeds, **path, callback=callback)

    with timed(run, "people"):
        census = take_census(
            run,
            draw,
            classifier,
            points,
            n=options.labelled,
            progress=lambda done, total: say("people", done, total),
        )
    with timed(run, "label"):
        labels = label_run(run, classifier, progress=lambda done, total: say("label", done, total))
        recalls = recalls_for(classifier, home(), generator=generator.weights_hash)
        return count_people(run, census, labels, recalls, validation_recalls(classifier))
