"""A downstream study as a job: faces are drawn and labelled, then classifiers trained; it resumes.

As in :mod:`pages.parts.tasks`, torch and diffusers are imported when it runs.
"""

from __future__ import annotations

from pathlib import Path

from gammaface.jobs import Reporter

from . import task_material as material


def downstream(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """See :func:`gammaface.downstream.study.run_downstream`; finished classifiers are kept."""
    from gammaface.attributes import load_attributes
    from gammaface.baselines import Recipe
    from gammaface.downstream.bench import Sizes
    from gammaface.downstream.drawn import Drawing
    from gammaface.downstream.grid import Grid
    from gammaface.downstream.study import run_downstream
    from gammaface.downstream.tasks import get_task
    from gammaface.downstream.whole import Material, make_bench

    tasks = [get_task(options["data"], target) for target in options["targets"]]
    cells = Grid(tasks, options["methods"], seeds=tuple(range(options["seeds"]))).cells()
    drawn = options["drawn"]
    given = Material(
        [f"{options['data']}={options['path']}"],
        generator=lambda: material.generator(options["model"], device),
        classifier=lambda: load_attributes(device=device),
        drawing=Drawing(drawn, pilot=min(1000, 2 * drawn), harvest=max(200, min(2000, 2 * drawn))),
    )
    bench = make_bench(
        cells,
        given,
        recipe=Recipe(
            backbone=options["backbone"],
            images=options["images"],
            validate_every=max(640, options["images"] // 10),
            device=device,
        ),
        sizes=Sizes(options["per_class"]),
        report=reporter.stage,
        callback=reporter.at_step,
    )
    run_downstream(bench, cells, out=out, report=reporter.stage)


CLASSIFIED_TASKS = {"downstream": downstream}
