"""The study that ships with the project: what of the full one was computed, and the copy of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gammaface.attributes import AttributeClassifier
from gammaface.baselines import Recipe
from gammaface.downstream.bench import Sizes
from gammaface.downstream.cells import Cell, read_cells, write_cell
from gammaface.downstream.drawn import Drawing, Report
from gammaface.downstream.grid import Grid
from gammaface.downstream.study import run_downstream
from gammaface.downstream.tasks import TASKS, parse_tasks
from gammaface.downstream.terms import FULL_IMAGES
from gammaface.downstream.whole import Material, make_bench
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.keeping.shipping import shipping
from gammaface.workspace import Run

FULL_SEEDS, FULL_METHODS, FULL_TASKS = 3, 10, 6
METHODS = (
    "baseline",
    "oversample",
    "group-reweigh",
    "plain-augment",
    "gamma-face",
    "gamma-face@stratified",
    "targeted",
)


@dataclass(frozen=True)
class Plan:
    """How much of the study to compute.

    The defaults are a reduced version, which two cores finish in under half an hour.

    Attributes
    ----------
    tasks, methods : tuple of str
        As on the command line.
    seeds, images : int
        Seeds a cell, and pictures shown to each classifier at most.
    per_class, test : int
        Originals a class, and test faces at most.
    drawn, pilot, harvest : int
        Generated faces of a set, and what strategies learn from.
    steps : int, optional
        DDIM steps of a generated face; None takes the model's recorded path.
    """

    tasks: tuple[str, ...] = ("celeba:smile", "utkface:gender")
    methods: tuple[str, ...] = METHODS
    seeds: int = 2
    images: int = 12_800
    backbone: str = "small"
    resolution: int = 64
    learning_rate: float = 1e-3
    validate_every: int = 3_200
    per_class: int = 1_500
    validation: int = 600
    test: int = 3_000
    drawn: int = 500
    pilot: int = 200
    harvest: int = 500
    steps: int | None = 20

    def cells(self, data: Sequence[str]) -> list[Cell]:
        """Its cells, on the data of these names."""
        return Grid(
            parse_tasks(list(self.tasks), list(data)), list(self.methods), seeds=tuple(range(self.seeds))
        ).cells()

    def recipe(self, device: str) -> Recipe:
        """How each classifier is trained."""
        return Recipe(
            backbone=self.backbone,
            resolution=self.resolution,
            images=self.images,
            learning_rate=self.learning_rate,
            validate_every=self.validate_every,
            device=device,
        )

    def in_words(self, cells: pd.DataFrame) -> str:
        """How much was computed, and what of the full study is missing.

        Parameters
        ----------
        cells : pandas.DataFrame
            ``data, target, method`` of a study's cells: earlier plans may have begun it.
        """
        if self.images >= FULL_IMAGES and self.seeds >= FULL_SEEDS:
            return f"The full study: {self.images:,} pictures a classifier, {self.seeds} seeds."
        steps = f" in {self.steps} DDIM steps" if self.steps else ""
        methods, tasks = cells["method"].nunique(), len(cells[["data", "target"]].drop_duplicates())
        return (
            f"A reduced version of the study: {self.images:,} pictures shown to each classifier instead of"
            f" {FULL_IMAGES:,}, {self.seeds} seeds instead of {FULL_SEEDS}, backbone {self.backbone} with"
            f" learning rate {self.learning_rate:g}, {methods} methods of {FULL_METHODS},"
            f" {tasks} tasks of {FULL_TASKS}, sets of {self.drawn:,} generated faces{steps}, shown"
            " again where a mix needs more. Intervals are wide; small effects are not seen."
        )


def record_downstream(
    generator: Generator,
    classifier: Callable[[], AttributeClassifier],
    data: Sequence[str],
    plan: Plan,
    *,
    working: Path,
    out: Path,
    report: Report | None = None,
) -> Run:
    """Compute the plan into a working run, which continues where it was cut off, and copy it.

    Parameters
    ----------
    data : sequence of str
        ``NAME=PATH`` of the real faces that the plan's tasks are on.

    Raises
    ------
    GammaFaceError
        When data is missing.
    """
    names = [text.partition("=")[0] for text in data]
    lacking = dict.fromkeys(t.partition(":")[0] for t in plan.tasks if t.partition(":")[0] not in names)
    if lacking or set(names) - set(TASKS):
        raise GammaFaceError(
            "the study needs labelled real faces",
            fix=" ".join(f"Give --real {name}=PATH." for name in lacking or TASKS),
        )
    cells, recipe = plan.cells(names), plan.recipe(str(generator.device))
    drawing = Drawing(plan.drawn, pilot=plan.pilot, harvest=plan.harvest, steps=plan.steps)
    material = Material(data, generator=lambda: generator, classifier=classifier, drawing=drawing)
    sizes = Sizes(plan.per_class, validation=plan.validation, test=plan.test)
    bench = make_bench(cells, material, recipe=recipe, sizes=sizes, report=report)
    run = run_downstream(bench, cells, out=working, report=report)
    return ship(run, out, note=plan.in_words(run.table("cells")))


def ship(working: Run, out: Path, *, note: str) -> Run:
    """Copy a finished study's predictions and tables; it holds no picture to leave out.

    Raises
    ------
    GammaFaceError
        When the study is not finished.
    """
    with shipping(working, out, note=note) as copy:
        for stored in read_cells(working.path):
            write_cell(
                copy.path,
                stored.cell,
                config=stored.config,
                facts=stored.facts,
                seconds=stored.seconds,
                predictions=stored.predictions,
            )
    return Run.open(out)
