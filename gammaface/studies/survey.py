"""Which (space, timestep, K) makes components that follow people rather than lighting?

One run that looks at the same faces in every space and at many timesteps. It holds

====================  ==================================================================
tables/sweep          :func:`gammaface.sweep.sweep_bic` of every cell, one row per K
tables/association    AMI, Cramer's V and p of component x attribute, one row per cell,
                      K and attribute; p_tail is corrected over the whole table (Holm).
                      Beside them accuracy and majority of the probe of the same space
tables/probes         accuracy of a linear probe, one row per cell and attribute
metrics.json          the findings in numbers and words
====================  ==================================================================

A cell is a source (``generated`` or ``real``), a timestep and a view: a space, as it is or
reduced by PCA. Cells are kept as they are finished, so a run that was cut off goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.attributes import AttributeClassifier
from gammaface.classifiers.own_classifier import OwnClassifier
from gammaface.datasets import random_rows, read_faces
from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator, seeds_for
from gammaface.images import to_unit
from gammaface.mixture import LatentMixture
from gammaface.pca import fit_pca
from gammaface.shares.people import attributes_of
from gammaface.studies.along import Block, along_noising, along_sampling
from gammaface.studies.components import association, holm, looks
from gammaface.studies.probes import linear_probe
from gammaface.studies.survey_findings import LOOKS, findings
from gammaface.sweep import suggest_k, sweep_bic
from gammaface.workspace import Run, writing

LEFT_OUT = ("young",)  # CelebA's own word, which names no age
PEOPLE = ("gender", "race", "young40", "young60", "smile", "glasses", "hair")
PROBED = ["source", "t", "space", "attribute"]  # what a probe belongs to, whatever the view and K
PROBE_DIMENSIONS = 256  # wider codes are reduced first, or a probe would take minutes
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class View:
    """A space as a mixture sees it."""

    space: str  # "x_t", "x0", "h", "h_pooled"
    pca: int | None = None
    covariance: str = "diag"

    @property
    def name(self) -> str:
        reduced = f", PCA {self.pca}" if self.pca else ""
        return f"{self.space}{reduced}, {self.covariance}"


VIEWS = (
    View("x_t"),
    View("x_t", 32, "full"),
    View("x0", 32, "full"),
    View("h_pooled", 32, "full"),
    View("h", 32, "full"),
)
CLEAN_VIEWS = (View("latent"), View("latent", 32, "full"))


@dataclass(frozen=True)
class SurveyOptions:
    """What to look at; stored as the run's configuration."""

    model: str = "faces"
    n: int = 3000
    sqrt_abars: tuple[float, ...] = (0.15, 0.28, 0.44, 0.58, 0.72, 0.80, 0.95)
    k_max: int = 11
    told: tuple[int, ...] = (2, 4, 8)  # numbers of components whose association is measured
    steps: int = 25
    permutations: int = 199
    seed: int = 0


def run_survey(
    generator: Generator,
    classifier: AttributeClassifier | OwnClassifier,
    options: SurveyOptions,
    *,
    out: Path | str,
    real: tuple[torch.Tensor, pd.DataFrame] | None = None,
    report: Report | None = None,
    batch_size: int = MICRO_BATCH,
) -> Run:
    """Survey the generator's own faces, and real ones with noise added if given.

    Parameters
    ----------
    classifier : AttributeClassifier
        Names the perceived attributes of the generator's faces.
    real : (images, labels), optional
        float (n, 3, H, H) in [-1, 1] in the model's framing and resolution, and a table with
        columns named like the classifier's; missing values are left out. Only numbers about
        them are stored.
    report : callable, optional
        ``report(stage, done, total)``; may raise to cancel.

    Raises
    ------
    GammaFaceError
        A model without mid block, fewer faces than components, an `out` that holds
        something else.
    """
    config = asdict(options) | {"real": 0 if real is None else len(real[0])}
    weights = {generator.name: generator.weights_hash, "attributes": classifier.hash}
    say = report or (lambda stage, done, total: None)
    if options.n <= options.k_max:
        raise GammaFaceError(
            f"{options.n} faces for up to {options.k_max} components", fix="Survey more faces."
        )
    timesteps = sorted({generator.timestep_at(s) for s in options.sqrt_abars}, reverse=True)
    with writing(out, kind="survey", config=config, weights=weights, precision=generator.precision) as run:
        _Source(run, "generated", generator, timesteps, options, say).survey(
            along_sampling(
                generator,
                seeds_for(options.seed, options.n),
                timesteps,
                steps=options.steps,
                batch_size=batch_size,
            ),
            options.n,
            lambda images: _people(classifier, images),
        )
        if real is not None:
            images, labels = real
            clean = torch.cat([generator.encode(part) for part in images.split(MICRO_BATCH)])
            _Source(run, "real", generator, timesteps, options, say).survey(
                along_noising(generator, clean, timesteps, seed=options.seed, batch_size=batch_size),
                len(clean),
                lambda _: pd.concat([labels.reset_index(drop=True), looks(images.numpy())], axis=1),
            )
        _join(run)
    return Run.open(run.path)


def real_faces(
    path: Path, generator: Generator, *, n: int, seed: int = 0
) -> tuple[torch.Tensor, pd.DataFrame]:
    """At most n faces of a labelled set, at random, for :func:`run_survey`."""
    faces = read_faces(path)
    rows = random_rows(len(faces.frame), n, seed=seed)
    picked = faces.select(np.isin(np.arange(len(faces.frame)), rows))
    labels = picked.frame[[name for name in PEOPLE if picked.frame[name].notna().any()]]
    return to_unit(picked.images(resolution=generator.side)), labels.astype(object)


def _people(classifier: AttributeClassifier | OwnClassifier, images: torch.Tensor) -> pd.DataFrame:
    """The attributes that the classifier names, and how the pictures look."""
    labels = classifier.label(images)
    labels = labels[[name for name in attributes_of(labels) if name not in LEFT_OUT]].astype(str)
    return pd.concat([labels, looks(images.numpy())], axis=1)


@dataclass(frozen=True)
class _Source:
    """One set of faces: collect its codes, then look at them cell by cell."""

    run: Run
    name: str
    generator: Generator
    timesteps: list[int]
    options: SurveyOptions
    say: Report

    def survey(self, blocks, n: int, describe: Callable[[torch.Tensor], pd.DataFrame]) -> None:
        place = f"faces-{self.name}"
        if not self.run.has(f"tables/{place}.parquet"):
            self._collect(blocks, n)
            self.run.write_table(place, describe(self._images()))
        people = self.run.table(place)
        cells = [(t, view) for t in self.timesteps for view in VIEWS] + [(-1, v) for v in CLEAN_VIEWS]
        for done, (t, view) in enumerate(cells):
            self.say(f"{self.name} cells", done, len(cells))
            place = f"cells/{self.name}-{t}-{view.space}-{view.pca or 0}"
            if not self.run.has(f"{place}.json"):
                found = self._cell(t, view, people)
                self.run.write_file(f"{place}.json", json.dumps(found))
        self.say(f"{self.name} cells", len(cells), len(cells))

    def _collect(self, blocks, n: int) -> None:
        """Codes into one array per space and timestep, without ever holding all of them."""
        stores: dict[tuple[str, int], np.memmap] = {}
        block: Block
        for block in blocks:
            clean = {("latent", -1): block.clean.flatten(1).numpy()}
            for (space, t), rows in (block.codes | clean).items():
                if (space, t) not in stores:
                    file = self._file(space, t)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    shape = (n, rows.shape[1])
                    stores[space, t] = np.lib.format.open_memmap(
                        file, mode="w+", dtype=np.float32, shape=shape
                    )
                stores[space, t][block.first : block.first + block.n] = rows
            self.say(f"{self.name} faces", block.first + block.n, n)

    def _file(self, space: str, t: int) -> Path:
        return self.run.path / "codes" / f"{self.name}-{space}-{t}.npy"

    def _images(self) -> torch.Tensor:
        clean = torch.from_numpy(np.load(self._file("latent", -1))).view(-1, *self.generator.shape)
        return torch.cat([self.generator.decode(part) for part in clean.split(MICRO_BATCH)])

    def _codes(self, t: int, space: str) -> np.ndarray:
        if space != "h_pooled":
            return np.load(self._file(space, t), mmap_mode="r")
        flat = np.load(self._file("h", t), mmap_mode="r")
        channels = self.generator.unet.config.block_out_channels[-1]
        return np.asarray(flat).reshape(len(flat), channels, -1).mean(axis=2)

    def _cell(self, t: int, view: View, people: pd.DataFrame) -> dict[str, list[dict]]:
        """Everything told of one (source, t, view)."""
        options, codes = self.options, self._codes(t, view.space)
        seen = fit_pca(codes, view.pca, seed=options.seed).transform(codes) if view.pca else codes
        place = {
            "source": self.name,
            "t": t,
            "sqrt_abar": self.generator.sqrt_abar(t) if t >= 0 else 1.0,
            "space": view.space,
            "view": view.name,
        }
        where = {"seed": options.seed, "device": str(self.generator.device)}
        table = sweep_bic(seen, range(1, options.k_max + 1), covariance=view.covariance, **where)
        table = table.drop(columns="curve")
        suggestion = suggest_k(table, n=len(seen))
        table = table.assign(suggested=table["k"] == suggestion.k, doubts=" ".join(suggestion.warnings))
        related = []
        for k in sorted({*options.told, suggestion.k} - {1}):
            mixture = LatentMixture(k, covariance=view.covariance, restarts=3, **where).fit(seen)
            rows = association(
                mixture.predict(seen), people, permutations=options.permutations, seed=options.seed
            )
            related += (rows.drop(columns="p_holm").assign(k=k, **place)).to_dict(orient="records")
        probed: list[dict] = []
        if view.pca or view.space == "latent":
            wide = codes if codes.shape[1] <= PROBE_DIMENSIONS else _reduce(codes, options.seed)
            names = [name for name in people if name not in LOOKS]
            probed = linear_probe(wide, people[names], max_iter=300).assign(**place).to_dict(orient="records")
        return {
            "sweep": table.assign(**place).to_dict(orient="records"),
            "association": related,
            "probes": probed,
        }


def _reduce(codes: np.ndarray, seed: int) -> np.ndarray:
    return fit_pca(codes, min(PROBE_DIMENSIONS, len(codes)), seed=seed).transform(codes)


def _join(run: Run) -> None:
    """The cells' rows as three tables, and what they say."""
    cells = [json.loads(file.read_text()) for file in sorted((run.path / "cells").glob("*.json"))]
    tables = {
        name: pd.DataFrame([row for cell in cells for row in cell[name]])
        for name in ("sweep", "association", "probes")
    }
    # Over this many tests no permutation p could be small enough.
    tables["association"]["p_holm"] = holm(tables["association"]["p_tail"].to_numpy())
    read = tables["probes"].drop_duplicates(PROBED)[[*PROBED, "accuracy", "majority"]]
    tables["association"] = tables["association"].merge(read, on=PROBED, how="left")
    for name, table in tables.items():
        run.write_table(name, table)
    run.write_file("metrics.json", json.dumps(findings(**tables), indent=1))
