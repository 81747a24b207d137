"""Everything cells are computed from, loaded once, and the way from a cell to its predictions."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from gammaface.baselines import CodeSpace, Examples, Problem, Recipe, Trained, get_method
from gammaface.baselines.trainer import check_recipe, predict, steady
from gammaface.downstream.cells import Cell, predictions_table
from gammaface.downstream.codes import latent_codes
from gammaface.downstream.faces import Pictures, TaskFaces, fingerprint, task_faces
from gammaface.downstream.labelled import LabelledSet, at_resolution
from gammaface.downstream.labeller import relabelled, taught
from gammaface.downstream.tasks import get_task
from gammaface.downstream.terms import REFERENCE
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.models.precision import fast_dtype
from gammaface.training.face_sets import FaceSet
from gammaface.training.loop import denormals_flushed


@dataclass(frozen=True)
class Sizes:
    """Faces used at most; None for the paper's number of originals a class."""

    per_class: int | None = None
    validation: int = 2000
    test: int = 5000


@dataclass(frozen=True)
class Result:
    """A computed cell.

    ``seconds`` hold all its trainings, those of shared networks too, whoever trained them.
    """

    config: dict
    facts: dict
    seconds: float
    predictions: pd.DataFrame


class _Shared(NamedTuple):
    """What several cells begin with, and the seconds that it took."""

    made: object
    seconds: float


class Bench:
    """Computes cells; what several of one task and seed need is trained once.

    Parameters
    ----------
    sets : mapping of str to FaceSet
        Labelled real faces by name (`gammaface.downstream.tasks.TASKS`).
    generated : mapping of str to sequence of LabelledSet
        By strategy, or ``STRATEGY:DATA:TARGET`` for a task's own; cell seed i uses the i-th of
        them, in turns.
    recipe : Recipe
    sizes : Sizes
    generator : Generator, optional
        Whose latents ``ramaswamy`` and ``diga`` edit.
    """

    def __init__(
        self,
        sets: Mapping[str, FaceSet],
        generated: Mapping[str, Sequence[LabelledSet]] | None = None,
        *,
        recipe: Recipe | None = None,
        sizes: Sizes | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.sets, self.generated = dict(sets), dict(generated or {})
        self.recipe, self.sizes, self.generator = recipe or Recipe(), sizes or Sizes(), generator
        check_recipe(self.recipe)
        self._pictures: dict[str, Pictures] = {}
        self._tasks: dict[tuple[str, str], TaskFaces] = {}
        self._pool_codes: dict[str, np.ndarray] = {}
        self._trained: dict[tuple[str, str, int, str], _Shared] = {}
        self._found = 0.0  # seconds behind the shared networks that this cell need not train

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """A hash of every set's labels and parts."""
        return {name: fingerprint(face_set) for name, face_set in self.sets.items()}

    def run_config(self) -> dict:
        """What all cells of a run share."""
        return {"data": self.fingerprints, "recipe": asdict(self.recipe), "sizes": asdict(self.sizes)}

    def faces(self, data: str, target: str) -> TaskFaces:
        """A task's faces, labelled and cut once."""
        if data not in self.sets:
            raise GammaFaceError(f"there is no data '{data}'", fix=f"Give --data {data}=PATH.")
        key = (data, target)
        if key not in self._tasks:
            pictures = self._pictures.setdefault(
                data, Pictures(self.sets[data], resolution=self.recipe.resolution)
            )
            self._tasks[key] = task_faces(
                self.sets[data],
                get_task(data, target),
                pictures,
                validation=self.sizes.validation,
                test=self.sizes.test,
            )
        return self._tasks[key]

    def labelled(self, cell: Cell) -> LabelledSet | None:
        """The set of generated faces that a cell uses."""
        if not cell.source:
            return None
        sets = self.generated.get(cell.own_set) or self.generated.get(cell.source)
        if not sets:
            raise GammaFaceError(
                f"{cell.method} needs generated faces named '{cell.source}'",
                fix=f"Give --generated {cell.source}=RUN.",
            )
        return sets[cell.seed % len(sets)]

    def config(self, cell: Cell) -> dict:
        """Everything that decides a cell's predictions, beside the code and the machine."""
        editing = get_method(cell.method).editing
        return {
            "data": self.fingerprints[cell.data],
            "recipe": asdict(self.recipe),
            "sizes": asdict(self.sizes),
            "generated": pool.hash if (pool := self.labelled(cell)) else "",
            "codes": self._editor().weights_hash if editing else "",
            "mix": asdict(cell.mix) if cell.source else None,
            "labeller": cell.labeller if cell.source else None,
        }

    def check(self, cells: Sequence[Cell]) -> None:
        """Refuse, before hours are spent, cells that cannot be computed."""
        for cell in cells:
            self.faces(cell.data, cell.target).subset(seed=cell.seed, limit=self.sizes.per_class)
            self.config(cell)
            if cell.source and cell.labeller == "full":
                self._pool(cell)

    @denormals_flushed()
    def compute(self, cell: Cell) -> Result:
        """Train a cell's classifier and predict the test faces."""
        config, started, self._found = self.config(cell), time.monotonic(), 0.0
        # The set's hash decides whether it is the same; how it was drawn is kept to draw it again.
        config["drawing"] = pool.drawing if (pool := self.labelled(cell)) else None
        steady()
        faces = self.faces(cell.data, cell.target)
        problem, facts = self._problem(cell, faces)
        plain = cell.method == REFERENCE
        trained: Trained = problem.plain() if plain else get_method(cell.method).train(problem)
        probabilities = predict(trained.network, faces.pictures[faces.test], device=self.recipe.device)
        table = predictions_table(faces.test, faces.labels.iloc[faces.test], cell.target, probabilities)
        seconds = time.monotonic() - started + self._found
        return Result(config, facts | trained.facts, seconds, table)

    def _problem(self, cell: Cell, faces: TaskFaces) -> tuple[Problem, dict]:
        subset = faces.subset(seed=cell.seed, limit=self.sizes.per_class)
        editing = get_method(cell.method).editing
        pool = self._pool(cell, coded=editing) if cell.source else None
        problem = Problem(
            faces.examples(subset),
            faces.examples(faces.validation),
            n_classes=len(faces.classes),
            levels=faces.levels,
            recipe=self.recipe,
            seed=cell.seed,
            generated=pool,
            mix=cell.mix,
            codes=self._codes if editing else None,
            plain=lambda: self._once(cell, REFERENCE, lambda: get_method(REFERENCE).train(problem)),
        )
        facts = {
            "per_class": len(subset) // len(faces.classes),
            "n_validation": len(faces.validation),
            "n_test": len(faces.test),
            "unlabelled": faces.unlabelled,
            "originals": _cell_counts(faces, subset),
            "set": len(self.labelled(cell)) if pool else 0,
            "pool": len(pool) if pool else 0,
            "machine": machine(self.recipe.device),
        }
        if cell.source and cell.labeller == "subset-only":
            labeller = self._once(cell, "labeller", lambda: taught(problem))
            named, found = relabelled(problem, labeller, min_p=cell.min_p)
            problem = replace(problem, generated=named)
            facts |= found | {"pool": len(named)}
        return problem, facts

    def _pool(self, cell: Cell, *, coded: bool = False) -> Examples:
        """Generated faces with their labels; the subset's labeller takes them all."""
        task, resolution = get_task(cell.data, cell.target), self.recipe.resolution
        drawn, min_p = self.labelled(cell), cell.min_p if cell.labeller == "full" else 0.0
        if coded and drawn.hash not in self._pool_codes:
            # The whole set at once, whatever the task: so its codes do not depend on who asks first.
            self._pool_codes[drawn.hash] = self._codes.encode(at_resolution(drawn.images, resolution))
        codes = self._pool_codes[drawn.hash] if coded else None
        return drawn.examples(task, resolution=resolution, min_p=min_p, codes=codes)

    def _once(self, cell: Cell, what: str, train: Callable[[], object]):
        """What cells of one task and seed share; the ones of another are not kept beside it."""
        at = (cell.data, cell.target, cell.seed)
        self._trained = {key: made for key, made in self._trained.items() if key[:3] == at}
        if shared := self._trained.get((*at, what)):
            self._found += shared.seconds
        else:
            started = time.monotonic()
            shared = self._trained[*at, what] = _Shared(train(), time.monotonic() - started)
        return shared.made

    def _editor(self) -> Generator:
        if self.generator is None:
            raise GammaFaceError("ramaswamy and diga edit pictures", fix="Give --model, a generator.")
        return self.generator

    @cached_property
    def _codes(self) -> CodeSpace:
        return latent_codes(self._editor(), resolution=self.recipe.resolution)


def machine(device: str) -> dict:
    """What the last digits of a training depend on."""
    gpu = torch.cuda.get_device_name() if device.startswith("cuda") else ""
    return {
        "device": gpu or platform.machine(),
        "threads": torch.get_num_threads(),
        "bf16": fast_dtype(torch.device(device)) == torch.bfloat16,
        "torch": torch.__version__,
    }


def _cell_counts(faces: TaskFaces, rows: np.ndarray) -> list[dict]:
    """Originals by class and joint group: what the audit measures amplification against."""
    names = [faces.task.target, *faces.task.protected]
    counted = faces.labels.iloc[rows][names].astype(str).value_counts().sort_index()
    return [dict(zip(names, key, strict=True)) | {"n": int(n)} for key, n in counted.items()]
