"""What Explore can start: a harvest with its components, its 3-D map, a filmstrip, a survey.

As in :mod:`pages.parts.tasks`, torch and diffusers are imported when a task runs.
"""

from __future__ import annotations

from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.jobs import Reporter
from gammaface.workspace import Run, find_run, home, writing

from . import task_material as material

MAP_3D = "map3d"  # kind of the runs that hold a map in three dimensions


def explore(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """A harvest and what is in it, see :func:`gammaface.studies.exploration.run_exploration`."""
    from gammaface.studies.exploration import ExploreOptions, run_exploration

    generator = material.generator(options["model"], device)
    reporter.watch(material.look_at(generator))
    of = find_run(options["of"]) if options.get("of") else None
    run_exploration(
        generator,
        ExploreOptions(**options),
        out=out,
        codes=(material.latents_of(generator, of, reporter), of) if of else None,
        report=reporter.stage,
        callback=reporter.at_step,
    )


def map_in_3d(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """A map in three dimensions of a run's latents, as a run beside it."""
    import pandas as pd

    from gammaface.projection import CACHE, project

    of = find_run(options["of"])
    latents = material.latents_of(material.generator_of(of, device), of, reporter)
    config = {"of": of.manifest.name, "model": of.manifest.config["model"]}
    with writing(out, kind=MAP_3D, config=config, weights=of.manifest.weights) as run:
        reporter.stage("map", 0, 1)
        seed = of.manifest.config["seed"]
        xyz = project(latents.array, dimensions=3, seed=seed, cache=home() / CACHE)
        places = dict(zip("xyz", xyz.T, strict=True))
        run.write_table("points", pd.DataFrame({"seed": latents.seeds} | places))


def film(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """A few seeds on their way from noise to picture, see :mod:`gammaface.studies.film`."""
    from gammaface.studies.film import record_film

    reporter.stage("film", 0, len(options["seeds"]))
    settings = {key: options[key] for key in ("seeds", "steps", "sampler")}
    record_film(material.generator(options["model"], device), out=out, callback=reporter.at_step, **settings)


def survey(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """Which space, timestep and K follow people, see :mod:`gammaface.studies.survey`."""
    from gammaface.labelling.labels import find_classifier
    from gammaface.studies.survey import SurveyOptions, run_survey

    classifier, missing = find_classifier(device=device)
    if classifier is None:
        raise GammaFaceError(missing, fix="Train an attribute classifier: a survey needs its labels.")
    generator = material.generator(options["model"], device)
    run_survey(generator, classifier, SurveyOptions(**options), out=out, report=reporter.stage)


EXPLORE_TASKS = {"explore": explore, "map": map_in_3d, "film": film, "survey": survey}


def map_name(of: Run) -> str:
    """Name of the run that holds the 3-D map of another."""
    return f"{MAP_3D}-{of.manifest.name}-{next(iter(of.manifest.weights.values()), '')[:8]}"
