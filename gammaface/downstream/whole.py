"""A study from what was asked for to its run: real faces read, others read or drawn, cells computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gammaface.attributes import AttributeClassifier
from gammaface.baselines import METHODS, Recipe
from gammaface.downstream.bench import Bench, Sizes
from gammaface.downstream.cells import Cell
from gammaface.downstream.drawn import Drawing, Report, draw_sets, missing_sets
from gammaface.downstream.labelled import LabelledSet, read_labelled
from gammaface.downstream.tasks import get_all
from gammaface.generators import Generator
from gammaface.parallel.workers import ALONE, Workers
from gammaface.sampling import Callback
from gammaface.training.face_sets import load_face_sets, parse_data


@dataclass(frozen=True)
class Material:
    """What a study is made of.

    Attributes
    ----------
    data : sequence of str
        ``NAME=PATH`` of labelled real faces.
    generated : sequence of str
        ``NAME=RUN`` of labelled generated ones; a name comes again for more seeds.
    drawing : Drawing, optional
        How to draw the sets that are not given.
    generator, classifier : callable
        Load the model and the labeller; called only where they are needed.
    """

    data: Sequence[str]
    generator: Callable[[], Generator]
    classifier: Callable[[], AttributeClassifier]
    generated: Sequence[str] = ()
    drawing: Drawing | None = None


def make_bench(
    cells: Sequence[Cell],
    material: Material,
    *,
    recipe: Recipe,
    sizes: Sizes,
    workers: Workers = ALONE,
    report: Report | None = None,
    callback: Callback | None = None,
) -> Bench:
    """Load everything that the cells need.

    Raises
    ------
    GammaFaceError
        Data that cannot be read, or generated faces that are neither given nor drawn.
    """
    for text in material.data:
        get_all(parse_data(text)[0])
    labelled: dict[str, list[LabelledSet]] = {}
    for text in material.generated:
        name, path = parse_data(text)
        labelled.setdefault(name, []).append(read_labelled(Path(path)))
    missing = missing_sets(cells, labelled, material.drawing) if material.drawing else {}
    editing = any(METHODS[cell.method].editing for cell in cells)
    sets = {face_set.name: face_set for face_set in load_face_sets(list(material.data), seed=0)}
    generator = material.generator() if editing or missing else None
    if missing:
        # A set per seed of a cell, so that each seed of a study is drawn anew.
        drawing = replace(material.drawing, seeds=1 + max(cell.seed for cell in cells))
        asked = {"workers": workers, "report": report, "callback": callback}
        labelled |= draw_sets(missing, generator, material.classifier(), drawing, **asked)
    return Bench(sets, labelled, recipe=recipe, sizes=sizes, generator=generator if editing else None)
