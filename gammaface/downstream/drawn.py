"""Generated faces drawn and labelled for a study: once per set, number and seed, used by all tasks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from gammaface.attributes import AttributeClassifier
from gammaface.audit.recipe import METHODS as AUDITED
from gammaface.downstream.cells import Cell
from gammaface.downstream.labelled import LabelledSet, read_labelled
from gammaface.downstream.tasks import get_task
from gammaface.drawing import draw_run
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.labelling.labels import label_run
from gammaface.parallel.workers import ALONE, Workers
from gammaface.sampling import Callback
from gammaface.solver_choice import sampler_for
from gammaface.standard_mixture import N, standard_mixture
from gammaface.strategies import Target, as_labeller, get_strategy
from gammaface.strategies.option import Value
from gammaface.strategies.strategy import Strategy
from gammaface.workspace import extending, home

Report = Callable[[str, int, int], None]
BEST = AUDITED["guided"]  # of the balancing audit: the evenest shares without spoiling faces


@dataclass(frozen=True)
class Drawing:
    """How to draw each set of faces; with a set's seed, all that is needed to draw it again.

    Attributes
    ----------
    n : int
        Faces of a set.
    seeds : int
        Sets of each strategy, drawn with seeds 0, 1, ...; a classifier with seed i learns
        from the i-th.
    pilot, harvest : int
        Labelled images and latents that strategies learn from.
    attributes : tuple of str, optional
        What strategies that follow a target even out, jointly; by default each task's own, its
        target and whom it protects.
    sampler, steps : str, int, optional
        By default as recorded for the model.
    options : mapping of str to mapping
        By strategy, options that differ from its defaults; by default those of the audit's
        best one.
    """

    n: int
    seeds: int = 1
    pilot: int = 1000
    harvest: int = N
    attributes: tuple[str, ...] | None = None
    sampler: str | None = None
    steps: int | None = None
    options: Mapping[str, Mapping[str, Value]] = field(
        default_factory=lambda: {BEST.strategy: dict(BEST.options)}
    )

    @classmethod
    def told(cls, stored: Mapping) -> Drawing:
        """The drawing that a cell keeps in its configuration.

        Raises
        ------
        GammaFaceError
            For one that is damaged, or that another version kept.
        """
        try:
            evened = stored["attributes"]
            return replace(cls(**stored), attributes=None if evened is None else tuple(evened))
        except (TypeError, KeyError) as error:
            raise GammaFaceError(
                f"how the cell's faces were drawn cannot be read: {error}",
                fix="Give the faces themselves: --generated NAME=RUN.",
            ) from None

    def of(self, strategy: Strategy) -> dict[str, Value]:
        """All options of a strategy, those left at their defaults included."""
        return strategy.complete(self.options.get(strategy.name, {}))


@dataclass(frozen=True)
class Wanted:
    """A set of generated faces to draw: with which strategy, and what it evens out, if anything."""

    strategy: str
    attributes: tuple[str, ...] = ()


def missing_sets(cells: Iterable[Cell], given: Collection[str], drawing: Drawing) -> dict[str, Wanted]:
    """The sets of generated faces that cells ask for and nobody gave, by their keys, in order.

    A key is a strategy's name, and ``STRATEGY:DATA:TARGET`` (`Cell.own_set`) where the set is even
    over a task's own attributes.

    Raises
    ------
    GammaFaceError
        For a name that is no strategy.
    """
    found = {}
    for cell in cells:
        if not cell.source or not {cell.source, cell.own_set}.isdisjoint(given):
            continue
        if "target" not in get_strategy(cell.source).needs:
            found[cell.source] = Wanted(cell.source)
        elif drawing.attributes:
            found[cell.source] = Wanted(cell.source, drawing.attributes)
        else:
            found[cell.own_set] = Wanted(cell.source, get_task(cell.data, cell.target).attributes)
    return found


def draw_sets(
    wanted: Mapping[str, Wanted],
    generator: Generator,
    classifier: AttributeClassifier,
    drawing: Drawing,
    *,
    workers: Workers = ALONE,
    report: Report | None = None,
    callback: Callback | None = None,
) -> dict[str, list[LabelledSet]]:
    """Draw and label sets, one per seed; tasks that want the same faces share them.

    Each is a run among the user's, ``drawn-<model>-...``: one that is there is read, one that
    was cut off continues. Each knows how it was drawn.

    Raises
    ------
    GammaFaceError
        For one that cannot be drawn with this model.
    """
    path = sampler_for(generator, drawing.sampler, drawing.steps)
    drawing = replace(drawing, sampler=path.sampler, steps=path.steps)
    drawn: dict[Wanted, list[LabelledSet]] = {}
    for each in dict.fromkeys(wanted.values()):
        strategy = get_strategy(each.strategy)
        given = {}
        if "mixture" in strategy.needs:
            given["mixture"] = standard_mixture(
                generator,
                n=drawing.harvest,
                workers=workers,
                progress=_told(report, "harvest"),
                callback=callback,
            )
        if "target" in strategy.needs:
            given["target"] = Target.even(each.attributes, as_labeller(classifier).classes)
            given["labeller"] = classifier
        how = replace(
            drawing, attributes=each.attributes or None, options={strategy.name: drawing.of(strategy)}
        )
        for seed in range(drawing.seeds):
            place = home() / set_name(generator, classifier, strategy, how, seed)
            draw_run(
                generator,
                given.get("mixture"),
                n=how.n,
                out=place,
                strategy=strategy.name,
                seed=seed,
                sampler=path.sampler,
                steps=path.steps,
                target=given.get("target"),
                labeller=given.get("labeller"),
                pilot=how.pilot,
                options=how.of(strategy),
                workers=workers,
                progress=_told(report, f"drawing {strategy.name}, seed {seed}"),
                callback=callback,
            )
            with extending(place, workers=workers) as run:
                label_run(run, classifier, progress=_told(report, "label"))
            drawn.setdefault(each, []).append(replace(read_labelled(place), drawing=asdict(how)))
    return {key: drawn[each] for key, each in wanted.items()}


def set_name(
    generator: Generator,
    classifier: AttributeClassifier,
    strategy: Strategy,
    drawing: Drawing,
    seed: int,
) -> str:
    """Name of a drawn set's run: what decides its pictures and labels has a part in it."""
    used = {"sampler": drawing.sampler, "steps": drawing.steps, "labeller": classifier.hash}
    used["options"] = drawing.of(strategy)
    if "mixture" in strategy.needs:
        used["harvest"] = drawing.harvest
    if "target" in strategy.needs:
        used["attributes"] = list(drawing.attributes or ())
    if strategy.learn:
        used["pilot"] = drawing.pilot
    digest = hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:8]
    return f"drawn-{generator.short_name}-{strategy.name}-{drawing.n}-{digest}-s{seed}"


def _told(report: Report | None, stage: str):
    return report and (lambda done, total: report(stage, done, total))
