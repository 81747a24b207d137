"""The study that ships with the project: what of the full one was computed, and the copy of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gammaface.attributes import AttributeClassifier
from gammaface.baselines import DESIGNS, Recipe
from gammaface.baselines import METHODS as ALL_METHODS
from gammaface.downstream.bench import Sizes
from gammaface.downstream.cells import LABELLERS, Cell, Stored, copy_cell, read_cells
from gammaface.downstream.drawn import BEST, Drawing, Report
from gammaface.downstream.grid import Grid
from gammaface.downstream.study import run_downstream
from gammaface.downstream.study_words import not_varied, precisions_in_words, sets_in_words
from gammaface.downstream.tasks import parse_tasks
from gammaface.downstream.terms import EVEN, FULL_IMAGES, PER_CLASS, SET_NAMES, TASKS
from gammaface.downstream.whole import Material, make_bench
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.keeping.shipping import shipping
from gammaface.parallel.threads import threads
from gammaface.parallel.workers import ALONE, Workers
from gammaface.solver_choice import sampler_for
from gammaface.workspace import Run

FULL_SEEDS, FULL_SHARES, FULL_DATA = 3, (0.3, 0.5, 0.7, 1.0), ("celeba", "utkface")
BEST_SET = f"{EVEN}@{BEST.strategy}"
METHODS = (*ALL_METHODS, f"{BEST_SET}:50")


def full_cells() -> list[Cell]:
    """The full study: every method on every task at every seed, the mixes at every ratio."""
    return Plan(varied=()).cells(FULL_DATA)


@dataclass(frozen=True)
class Plan:
    """How much of the study to compute.

    The defaults are the full one at the paper's budget: hours on two cores.

    Attributes
    ----------
    tasks, methods : tuple of str
        As on the command line.
    shares : tuple of float
        Of generated faces, for the methods that run at several.
    seeds, images : int
        Seeds a cell, and pictures shown to each classifier at most.
    per_class, test : int
        Originals a class, and test faces at most.
    drawn, pilot, harvest : int
        Generated faces of a set, and what strategies learn from.
    sampler, steps : str, int, optional
        Path of a generated face; by default the one recorded for the model.
    varied : tuple of str
        The tasks on which the main mix is also run in the further ones of these:
    designs, labellers, min_ps : tuples of str, str and float
        As in `Grid`: further ones make arms beside the first.
    threads : int
        Of the processor, so that every cell of the study is the same on any number of cores.
    """

    tasks: tuple[str, ...] = tuple(f"{data}:{target}" for data in FULL_DATA for target in TASKS[data])
    methods: tuple[str, ...] = METHODS
    shares: tuple[float, ...] = FULL_SHARES
    seeds: int = FULL_SEEDS
    images: int = FULL_IMAGES
    backbone: str = "small"
    resolution: int = 64
    learning_rate: float = 1e-3
    validate_every: int = 5_000
    per_class: int = min(PER_CLASS.values())
    validation: int = 2_000
    test: int = 2_500
    drawn: int = 2_000
    pilot: int = 1000
    harvest: int = 500
    sampler: str | None = None
    steps: int | None = None
    varied: tuple[str, ...] = ("celeba:smile", "utkface:gender")
    designs: tuple[str, ...] = DESIGNS
    labellers: tuple[str, ...] = LABELLERS
    min_ps: tuple[float, ...] = (0.0, 0.9)
    threads: int = 1

    def on(self, generator: Generator) -> Plan:
        """The same, with the path that a model needs."""
        chosen = sampler_for(generator, self.sampler, self.steps)
        return replace(self, sampler=chosen.sampler, steps=chosen.steps)

    def cells(self, data: Sequence[str]) -> list[Cell]:
        """Its cells, on the data of these names."""
        mixes = {"designs": self.designs, "labellers": self.labellers, "min_ps": self.min_ps}
        main = {name: values[:1] for name, values in mixes.items()}
        found = []
        for text in self.tasks:
            asked = mixes if text in self.varied else main
            tasks, seeds = parse_tasks([text], list(data)), tuple(range(self.seeds))
            found += Grid(tasks, list(self.methods), shares=self.shares, seeds=seeds, **asked).cells()
        return found

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

    def in_words(self, found: Sequence[Stored]) -> str:
        """How much was computed, and what of the full study is missing, task by task.

        Parameters
        ----------
        found : sequence of Stored
            All cells of a study: earlier plans may have begun it, with sets of their own.
        """
        cells = [stored.cell for stored in found]
        shown = f"{self.images:,} pictures shown to each classifier"
        missing = missing_cells(cells)
        small = self.images < FULL_IMAGES or self.per_class < min(PER_CLASS.values())
        if not small and not missing:
            words = f"The full study: {shown}, {FULL_SEEDS} seeds."
            return f"{words}{precisions_in_words(found)}{not_varied(cells)}"
        words = (
            f"A {'reduced version' if small else 'part'} of the study: {shown}"
            f"{_of(self.images, FULL_IMAGES)}, {self.per_class:,} originals a class,"
            f" backbone {self.backbone} with learning rate {self.learning_rate:g}"
            f"{sets_in_words(found)}."
        )
        if missing:
            words += f" Of the full study there are {'; '.join(missing)}."
        words += precisions_in_words(found) + not_varied(cells)
        return f"{words} Intervals are wide; small effects are not seen."


def missing_cells(cells: Sequence[Cell]) -> list[str]:
    """What there is of each task that is not whole, in words.

    Examples
    --------
    >>> missing_cells([c for c in full_cells() if c.target != "race" or c.method == "pass"])
    ['race (UTKFace): 1 of 10 methods, 0 of 4 ratios, 3 of 51 classifiers']
    """
    there, found = set(cells), []
    by_task: dict[tuple[str, str], list[Cell]] = {}
    for cell in full_cells():
        by_task.setdefault((cell.data, cell.target), []).append(cell)
    for (data, target), wanted in by_task.items():
        have = [cell for cell in wanted if cell in there]
        if len(have) == len(wanted):
            continue
        counted = {
            "methods": [len({c.method for c in part}) for part in (have, wanted)],
            "ratios": [len({c.share for c in part if c.source}) for part in (have, wanted)],
            "seeds": [len({c.seed for c in part}) for part in (have, wanted)],
            "classifiers": [len(have), len(wanted)],
        }
        words = ", ".join(f"{n} of {most} {what}" for what, (n, most) in counted.items() if n < most)
        found.append(f"{target} ({SET_NAMES[data]}): {words if have else 'nothing'}")
    return found


def _of(n: int, most: int) -> str:
    return f" instead of {most:,}" if n < most else ""


def check_data(plan: Plan, data: Sequence[str]) -> None:
    """Refuse ``NAME=PATH`` texts that lack a set which the plan's tasks are on, or name an unknown one.

    Raises
    ------
    GammaFaceError
        Names what to give.
    """
    names = [text.partition("=")[0] for text in data]
    lacking = dict.fromkeys(t.partition(":")[0] for t in plan.tasks if t.partition(":")[0] not in names)
    if lacking or set(names) - set(TASKS):
        raise GammaFaceError(
            "the study needs labelled real faces",
            fix=" ".join(f"Give --real {name}=PATH." for name in lacking or TASKS),
        )


def record_downstream(
    generator: Generator,
    classifier: Callable[[], AttributeClassifier],
    data: Sequence[str],
    plan: Plan,
    *,
    working: Path,
    out: Path,
    known: Path | None = None,
    workers: Workers = ALONE,
    report: Report | None = None,
) -> Run:
    """Compute the plan into a working run, which continues where it was cut off, and copy it.

    Parameters
    ----------
    data : sequence of str
        ``NAME=PATH`` of the real faces that the plan's tasks are on.
    known : Path, optional
        A copy of before: its cells are computed again only where they would come out otherwise, or
        were computed on another kind of machine.
    workers : Workers, optional
        They share the cells; the main one writes the copy.

    Returns
    -------
    Run
        The copy; for other workers than the main one, the working run.

    Raises
    ------
    GammaFaceError
        When data is missing.
    """
    check_data(plan, data)
    names = [text.partition("=")[0] for text in data]
    cells, recipe = plan.cells(names), plan.recipe(str(generator.device))
    plan = plan.on(generator)
    drawing = Drawing(
        plan.drawn, pilot=plan.pilot, harvest=plan.harvest, sampler=plan.sampler, steps=plan.steps
    )
    material = Material(data, generator=lambda: generator, classifier=classifier, drawing=drawing)
    sizes = Sizes(plan.per_class, validation=plan.validation, test=plan.test)
    with threads(plan.threads):
        shared = {"workers": workers, "report": report}
        bench = make_bench(cells, material, recipe=recipe, sizes=sizes, **shared)
        run = run_downstream(bench, cells, out=working, known=known, **shared)
    if not workers.main:
        return run
    return ship(
        run,
        out,
        note=plan.in_words(read_cells(run.path)),
        weights={generator.name: generator.weights_hash, "attributes": classifier().hash},
    )


def ship(working: Run, out: Path, *, note: str, weights: Mapping[str, str] | None = None) -> Run:
    """Copy a finished study's predictions and tables; it holds no picture to leave out.

    A study may grow by sets of other models, so its own manifest names none: `weights` are
    those of the models that drew and labelled its sets.

    Raises
    ------
    GammaFaceError
        When the study is not finished.
    """
    with shipping(working, out, note=note, weights=weights) as copy:
        for stored in read_cells(working.path):
            copy_cell(copy.path, stored)
    return Run.open(out)
