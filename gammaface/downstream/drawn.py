"""Generated faces drawn and labelled for a study: once per set, number and seed, used by all tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from gammaface.attributes import AttributeClassifier
from gammaface.downstream.cells import Cell
from gammaface.downstream.labelled import LabelledSet, read_labelled
from gammaface.drawing import draw_run
from gammaface.generators import Generator
from gammaface.labelling.labels import label_run
from gammaface.parallel.workers import ALONE, Workers
from gammaface.sampling import Callback
from gammaface.solver_choice import sampler_for
from gammaface.standard_mixture import N, standard_mixture
from gammaface.strategies import Target, as_labeller, get_strategy
from gammaface.workspace import extending, home

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Drawing:
    """How many faces of each set to draw.

    Attributes
    ----------
    n : int
        Faces of a set.
    seeds : int
        Sets of each strategy, drawn with seeds 0, 1, ...; a classifier with seed i learns
        from the i-th.
    pilot, harvest : int
        Labelled images and latents that strategies learn from.
    attributes : tuple of str
        What strategies that follow a target even out, jointly.
    sampler, steps : str, int, optional
        By default as recorded for the model.
    """

    n: int
    seeds: int = 1
    pilot: int = 1000
    harvest: int = N
    attributes: tuple[str, ...] = ("gender", "race3")
    sampler: str | None = None
    steps: int | None = None


def missing_sets(cells: Iterable[Cell], given: Collection[str]) -> list[str]:
    """The sets of generated faces that cells ask for and nobody gave, in their order."""
    return [s for s in dict.fromkeys(cell.source for cell in cells) if s and s not in given]


def draw_sets(
    names: Iterable[str],
    generator: Generator,
    classifier: AttributeClassifier,
    drawing: Drawing,
    *,
    workers: Workers = ALONE,
    report: Report | None = None,
    callback: Callback | None = None,
) -> dict[str, list[LabelledSet]]:
    """Draw and label sets named after their strategies.

    Each is a run among the user's, ``drawn-<model>-...``: one that is there is read, one that
    was cut off continues.

    Raises
    ------
    GammaFaceError
        For a name that is no strategy, or one that cannot be drawn with this model.
    """
    path = sampler_for(generator, drawing.sampler, drawing.steps)
    strategies = [get_strategy(name) for name in names]
    found: dict[str, list[LabelledSet]] = {}
    for strategy in strategies:
        options = {}
        if "mixture" in strategy.needs:
            options["mixture"] = standard_mixture(
                generator,
                n=drawing.harvest,
                workers=workers,
                progress=_told(report, "harvest"),
                callback=callback,
            )
        if "target" in strategy.needs:
            options["target"] = Target.even(drawing.attributes, as_labeller(classifier).classes)
            options["labeller"] = classifier
        for seed in range(drawing.seeds):
            place = home() / set_name(generator, strategy.name, drawing, seed, f"{path.sampler}{path.steps}")
            draw_run(
                generator,
                options.get("mixture"),
                n=drawing.n,
                out=place,
                strategy=strategy.name,
                seed=seed,
                sampler=path.sampler,
                steps=path.steps,
                target=options.get("target"),
                labeller=options.get("labeller"),
                pilot=drawing.pilot,
                workers=workers,
                progress=_told(report, f"drawing {strategy.name}, seed {seed}"),
                callback=callback,
            )
            with extending(place, workers=workers) as run:
                label_run(run, classifier, progress=_told(report, "label"))
            found.setdefault(strategy.name, []).append(read_labelled(place))
    return found


def set_name(generator: Generator, strategy: str, drawing: Drawing, seed: int, path: str) -> str:
    """Name of a drawn set's run."""
    model = f"{Path(generator.name).name}-{generator.weights_hash[:8]}"
    return f"drawn-{model}-{strategy}-{path}-{drawing.n}-s{seed}"


def _told(report: Report | None, stage: str):
    return report and (lambda done, total: report(stage, done, total))
