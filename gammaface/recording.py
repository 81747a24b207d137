"""The runs that ship with the project, and how each is computed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from gammaface.attributes import load_attributes
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.study import Report, StudyOptions, run_study
from gammaface.survey import SurveyOptions, real_faces, run_survey
from gammaface.workspace import EXAMPLES

LIMIT_BYTES = 10 * 2**20
FIRST_LIGHT = StudyOptions(n=2000, images=24, steps=50, seed=0)
COMPONENTS = SurveyOptions(n=2000, steps=25, seed=0)


def _first_light(generator: Generator, out: Path, real: Path | None, report: Report | None) -> None:
    run_study(generator, FIRST_LIGHT, out=out, report=report)
    # The latents and the census' faces are recomputed from their seeds; the run ships
    # without them.
    shutil.rmtree(out / "harvest")
    shutil.rmtree(out / "images" / "people", ignore_errors=True)


def _components(generator: Generator, out: Path, real: Path | None, report: Report | None) -> None:
    faces = real_faces(real, generator, n=COMPONENTS.n, seed=COMPONENTS.seed) if real else None
    run_survey(generator, load_attributes(), COMPONENTS, out=out, real=faces, report=report)
    # Codes are recomputed from seeds; what is told of each cell is in the tables. Labels of
    # single real faces do not ship.
    shutil.rmtree(out / "codes")
    shutil.rmtree(out / "cells")
    (out / "tables" / "faces-real.parquet").unlink(missing_ok=True)


RECORDED: dict[str, Callable[[Generator, Path, Path | None, Report | None], None]] = {
    "first-light": _first_light,
    "components": _components,
}


def record_run(
    name: str, generator: Generator, *, real: Path | None = None, report: Report | None = None
) -> Path:
    """Compute one shipped run again, beside the old one, and swap them when it is whole.

    Parameters
    ----------
    real : Path, optional
        Labelled real faces, for the runs that look at some beside the model's own; only
        numbers about them are kept.

    Raises
    ------
    GammaFaceError
        When the new run is too large to ship.
    """
    final = EXAMPLES / name
    fresh = EXAMPLES / f"{name}.new" / name
    fresh.parent.mkdir(parents=True, exist_ok=True)
    RECORDED[name](generator, fresh, real, report)
    (fresh / ".lock").unlink(missing_ok=True)
    size = sum(f.stat().st_size for f in fresh.rglob("*") if f.is_file())
    if size > LIMIT_BYTES:
        raise GammaFaceError(
            f"the run takes {size / 2**20:.1f} MB, the limit is {LIMIT_BYTES >> 20} MB",
            where=fresh,
            fix="Keep fewer pictures or rows.",
        )
    shutil.rmtree(final, ignore_errors=True)
    fresh.rename(final)
    fresh.parent.rmdir()
    return final
