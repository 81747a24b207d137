"""A harvest explored, as one run: which K, which components, a map, and who is in them.

What Explore/Harvest starts and Explore/Clusters shows. The run holds what a study holds of its
components (see :mod:`gammaface.studies.study`) and draws no batches:

===================  ===================================================================
harvest/             the latents, unless those of another run were explored
arrays/mixture_*     the fitted mixture
tables/sweep, convergence, points, components
                     as in a study
tables/images        the surest members of each component, group ``exemplar``
tables/people        labels of the first harvested seeds, whose faces are all kept; with
                     ``people_by_component`` and ``association``
means/*.png          what the model makes of each component's mean
metrics.json         the numbers; without a classifier, why nothing of people was measured
===================  ===================================================================
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.attributes import AttributeClassifier
from gammaface.balancing import Batch, draw_seeds
from gammaface.generators import Generator
from gammaface.labelling.labels import BUNDLED, find_classifier, labels_of
from gammaface.latents import DEFAULT_SQRT_ABAR, Latents, harvest
from gammaface.mixture import LatentMixture
from gammaface.sampling import Callback
from gammaface.shares import people
from gammaface.shares.evenness import LOOKS, follow_sentence
from gammaface.studies import stages
from gammaface.studies.census import take_census
from gammaface.studies.components import association
from gammaface.studies.findings import describe_components
from gammaface.studies.stages import Report, timed
from gammaface.sweep import Suggestion
from gammaface.workspace import Run, writing

KIND = "exploration"


@dataclass(frozen=True)
class ExploreOptions:
    """What to look at; stored as the run's configuration."""

    model: str = "faces"
    n: int = 2000
    t: int | None = None
    space: str = "x_t"
    pca: int | None = None
    sampler: str = "ddim"
    steps: int = 50
    seed: int = 0
    k: int | None = None  # None: what the sweep suggests
    k_max: int = 11
    covariance: str = "diag"
    labelled: int = 256  # harvested seeds whose finished faces are kept and labelled; 0: none
    classifier: str = BUNDLED
    of: str = ""  # run whose latents are explored again; empty: they are harvested


def run_exploration(
    generator: Generator,
    options: ExploreOptions,
    *,
    out: Path | str,
    codes: tuple[Latents, Run] | None = None,
    report: Report | None = None,
    callback: Callback | None = None,
) -> Run:
    """Harvest and describe components in the run folder `out`; an interrupted one continues.

    Parameters
    ----------
    generator : Generator
    options : ExploreOptions
    codes : (Latents, Run), optional
        Latents of `options.of`, and that run, whose labels of the same seeds are taken over.
    report, callback
        As in :func:`gammaface.studies.study.run_study`.

    Raises
    ------
    GammaFaceError
        As :func:`harvest` and :func:`sweep_bic`, and for a classifier other than the bundled
        one that cannot be loaded.
    """
    out = Path(out)
    classifier, missing = find_classifier(options.classifier, device=str(generator.device))
    t = options.t if options.t is not None else generator.timestep_at(DEFAULT_SQRT_ABAR)
    config = asdict(options) | {"t": t, "sqrt_abar": round(generator.sqrt_abar(t), 6)}
    weights = {generator.name: generator.weights_hash}
    say = report or (lambda stage, done, total: None)
    with writing(out, kind=KIND, config=config, weights=weights, precision=generator.precision) as run:
        latents = codes[0] if codes else _harvest(run, generator, options, t, say, callback)
        with timed(run, "sweep"):
            asked = {"covariance": options.covariance, "seed": options.seed, "device": str(generator.device)}
            table = stages.sweep(run, latents, k_max=options.k_max, say=say, **asked)
        say("fit", 0, 1)
        with timed(run, "fit"):
            mixture, suggestion = stages.fit(run, latents, table, k=options.k, **asked)
        say("map", 0, 1)
        with timed(run, "map"):
            drawn = codes[1].table("points") if codes and codes[1].has("tables/points.parquet") else None
            points = stages.points(run, latents, mixture, options.seed, drawn=drawn)
        draw = _Draw(generator, options, t, callback)
        with timed(run, "exemplars"):
            chosen = stages.surest_members(points)
            say("exemplars", 0, len(chosen))
            images = stages.store_pictures(run, {"exemplar": draw(chosen["seed"], chosen["component"])})
            stages.store_means(run, stages.decoded_means(generator, mixture, latents))
        components = describe_components(points, images, mixture)
        components["tied"] = components["component"].map(chosen.groupby("component")["tied"].first())
        run.write_table("components", components)
        found = {"missing": missing or "labelling was turned off"}
        if classifier is not None and options.labelled > 0:
            with timed(run, "people"):
                if codes:
                    _take_over(run, codes[1], classifier, points)
                census = take_census(
                    run,
                    draw,
                    classifier,
                    points,
                    n=options.labelled,
                    pictures=options.labelled,
                    progress=lambda done, total: say("people", done, total),
                )
                found = _count(run, census)
        numbers = _numbers(config, len(points), mixture, suggestion, components, found)
        run.write_file("metrics.json", json.dumps(numbers, indent=1))
    return Run.open(out)


def _harvest(run: Run, generator: Generator, options: ExploreOptions, t: int, say, callback) -> Latents:
    say("harvest", 0, options.n)
    with timed(run, "harvest"):
        return harvest(
            generator,
            n=options.n,
            t=t,
            space=options.space,
            seed=options.seed,
            pca=options.pca,
            steps=options.steps,
            sampler=options.sampler,
            out=run.path / "harvest",
            progress=lambda done, total: say("harvest", done, total),
            callback=callback,
        )


@dataclass(frozen=True)
class _Draw:
    """Finish harvested seeds: the images that their latents become."""

    generator: Generator
    options: ExploreOptions
    t: int
    callback: Callback | None

    def __call__(self, seeds, components=None) -> Batch:
        return draw_seeds(
            self.generator,
            np.asarray(seeds),
            components=None if components is None else np.asarray(components),
            through=self.t,
            steps=self.options.steps,
            sampler=self.options.sampler,
            callback=self.callback,
        )


def _take_over(run: Run, other: Run, classifier: AttributeClassifier, points: pd.DataFrame) -> None:
    """Labels and faces of the same seeds, with the components that they have now."""
    held = labels_of(other, classifier, name="people")
    if held is None or labels_of(run, classifier, name="people") is not None:
        return
    attrs, now = held.attrs, points.set_index("seed")["component"]
    held["component"] = held["seed"].map(now).to_numpy()
    held.attrs = attrs
    for seed in held["seed"]:
        if (picture := other.image(int(seed), "people")).is_file():
            target = run.image(int(seed), "people")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, target)
    run.write_table("people", held)


def _count(run: Run, census: pd.DataFrame) -> dict:
    """Who the components hold, as tables in the run and in words."""
    wanted = [*people.attributes_of(census), "tone"]
    run.write_table("people_by_component", people.group_shares(census, census["component"], wanted))
    follows = association(census["component"].to_numpy(), census[[*wanted, *LOOKS]])
    run.write_table("association", follows)
    return {"n": len(census), "follows": follow_sentence(follows)}


def _numbers(
    config: dict,
    n: int,
    mixture: LatentMixture,
    suggestion: Suggestion,
    components: pd.DataFrame,
    found: dict,
) -> dict:
    kept = ("t", "sqrt_abar", "space", "pca", "sampler", "steps", "seed")
    return {
        "harvest": {"n": n} | {key: config[key] for key in kept},
        "k": {
            "used": mixture.n_components,
            "suggested": suggestion.k,
            "reason": suggestion.reason,
            "warnings": list(suggestion.warnings),
        },
        "components": json.loads(components.to_json(orient="records")),
        "people": found,
    }
