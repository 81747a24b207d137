"""What a page can ask of one drawn picture: how it came about, and faces near it.

As in :mod:`pages.parts.tasks`, torch and diffusers are imported when a task runs.
"""

from __future__ import annotations

from pathlib import Path

from gammaface.jobs import Reporter
from gammaface.workspace import Run, find_run

from . import task_material as material


def strip(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """How one picture came about, see :func:`gammaface.pictures.details.record_strip`."""
    from gammaface.pictures.details import record_strip

    of, group = picture_run(options)
    generator = material.generator_of(of, device)
    reporter.stage("strip", 0, 1)
    record_strip(generator, of, options["seed"], out=out, group=group, callback=reporter.at_step)


def variations(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """Variations of one picture, see :func:`gammaface.pictures.details.record_variations`."""
    from gammaface.pictures.details import record_variations

    of, group = picture_run(options)
    generator = material.generator_of(of, device)
    reporter.stage("variations", 0, options["n"])
    asked = {key: options[key] for key in ("n", "strength")}
    record_variations(
        generator, of, options["seed"], out=out, group=group, callback=reporter.at_step, **asked
    )


PICTURE_TASKS = {"strip": strip, "variations": variations}


def picture_run(options: dict) -> tuple[Run, str]:
    """The run that holds a picture, and its group there: options ``run, plain``."""
    of = find_run(options["run"])
    if of.manifest.kind == "study":
        return of, "plain" if options["plain"] else "balanced"
    return (Run.open(of.path / "plain") if options["plain"] else of), ""


def details_name(of: Run) -> str:
    """Name of the run that holds what is known of single pictures of another."""
    name = of.path.name if of.path.name != "plain" else f"{of.path.parent.name}-plain"
    return f"details-{name}-{next(iter(of.manifest.weights.values()), '')[:8]}"
