"""``gammaface survey``: which space, timestep and K follow people?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.commands.chain import Count, Model, Seed


def survey(
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    model: Model = "faces",
    classifier: Annotated[str, typer.Option(help="Bundled name or folder.")] = "attributes",
    real: Annotated[
        Path | None, typer.Option(help="Labelled real faces, to survey them with noise added as well.")
    ] = None,
    n: Count = 3000,
    steps: Annotated[int, typer.Option(min=2, help="Network evaluations per face.")] = 25,
    seed: Seed = 0,
) -> None:
    """Every space at many timesteps: BIC, what components follow, what a probe can read."""
    from gammaface.attributes import load_attributes
    from gammaface.commands.progress import stage_bars
    from gammaface.generators import load_generator
    from gammaface.studies.survey import SurveyOptions, real_faces, run_survey

    generator = load_generator(model)
    options = SurveyOptions(model=model, n=n, steps=steps, seed=seed)
    faces = real_faces(real, generator, n=n, seed=seed) if real else None
    with stage_bars() as report:
        run = run_survey(generator, load_attributes(classifier), options, out=out, real=faces, report=report)
    print(run.path)
