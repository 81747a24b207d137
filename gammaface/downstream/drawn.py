"""Generated faces drawn and labelled for a study: once per set, number and seed, used by all tasks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from gammaface.attributes import AttributeClassifier
from gammaface.audit.recipe import METHODS as AUDITED
from gammaface.downstream.cells import Cell
from gammaface.downstream.labelled import LabelledSet, read_labelled
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
    attributes : tuple of str
        What strategies that follow a target even out, jointly.
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
    attributes: tuple[str, ...] = ("gender", "race3")
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
            return replace(cls(**stored), attributes=tuple(stored["attributes"]))
        except (TypeError, KeyError) as error:
            raise GammaFaceError(
                f"how the cell's faces were drawn cannot be read: {error}",
                fix="Give the faces themselves: --generated NAME=RUN.",
            ) from None

    def of(self, strategy: Strategy) -> dict[str, Value]:
        """All options of a strategy, those left at their defaults included."""
        return strategy.complete(self.options.get(strategy.name, {}))


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
    was cut off continues. Each knows how it was drawn.

    Raises
    ------
    GammaFaceError
        For a name that is no strategy, or one that cannot be drawn with this model.
    """
    path = sampler_for(generator, drawing.sampler, drawing.steps)
    drawing = replace(drawing, sampler=path.sampler, steps=path.steps)
    strategies = [get_strategy(name) for name in names]
    found: dict[str, list[LabelledSet]] = {}
    for strategy in strategies:
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
            given["target"] = Target.even(drawing.attributes, as_labeller(classifier).classes)
            given["labeller"] = classifier
        how = replace(drawing, options={strategy.name: drawing.of(strategy)})
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
            drawn = replace(read_labelled(place), drawing=asdict(how))
            found.setdefault(strategy.name, []).append(drawn)
    return found


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
        used["attributes"] = list(drawing.attributes)
    if strategy.learn:
        used["pilot"] = drawing.pilot
    digest = hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:8]
    model = f"{Path(generator.name).name}-{generator.weights_hash[:8]}"
    return f"drawn-{model}-{strategy.name}-{drawing.n}-{digest}-s{seed}"


def _told(report: Report | None, stage: str):
    return report and (lambda done, total: report(stage, done, total))
