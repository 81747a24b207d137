"""A rebalancing as one run: rows that are missing are trained and measured, finished ones kept.

The run holds

=======================  =================================================================
rows/<name>/model/       the row's generator, a diffusers pipeline folder
rows/<name>/training/    checkpoints, until the row is trained
rows/<name>/row.json     what its training took
drawn/<name>/            pictures that rows are trained on, a run each
arrays/material/*        the same as the network sees them
arrays/sets/*            what every row drew, in numbers
images/<name>/*          the first pictures of each row, at equal seeds
tables/*                 see `tables`
=======================  =================================================================

Rows may be added later; model, classifier and recipe stay.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.generators import Generator
from gammaface.images import to_unit
from gammaface.rebalance.bundle import read_generator, trainable, untrained, write_generator
from gammaface.rebalance.critic import Critic
from gammaface.rebalance.forgetting import forget_row
from gammaface.rebalance.material import Material, Original, balanced_material, biased_material
from gammaface.rebalance.measures import by_set
from gammaface.rebalance.recipe import TUNE_SHARE, Recipe
from gammaface.rebalance.rows import PLAIN, Row, before, every_row
from gammaface.rebalance.sets import BASE, REAL, Seen, draw_sets, keep_seen, read_sets
from gammaface.rebalance.tables import between_groups, groups_table, rows_table, shares_table
from gammaface.rebalance.time_weights import fit_time_weights
from gammaface.rebalance.tune import Examples, freeze_first, train_network
from gammaface.rebalance.weights import class_weights, density_ratio
from gammaface.rebalance.words import sentences_table
from gammaface.training.loop import Schedule
from gammaface.workspace import Run, writing

KIND = "rebalance"
GIVEN, ABSENT = "the original training data", "plain draws of the generator: the original data were not given"
Report = Callable[[str, int, int], None]
"""report(stage, done, total): called often, may raise to cancel."""


@dataclass(frozen=True)
class Scene:
    """What every row shares."""

    run: Run
    recipe: Recipe
    critic: Critic
    base: Generator
    original: Callable[[], Original] | None
    say: Report

    def folder(self, row: Row) -> Path:
        return self.run.path / "rows" / row.name

    def facts(self, row: Row) -> dict:
        """What its training took; {} where there was none."""
        file = self.folder(row) / "row.json"
        return json.loads(file.read_text()) if file.is_file() else {}

    def generator(self, row: Row) -> Generator:
        """A row's finished generator."""
        if row == PLAIN:
            return self.base
        digest = self.facts(row)["weights"]
        return read_generator(self.folder(row) / "model", like=self.base, name=row.name, weights_hash=digest)

    def biased(self) -> Material:
        return biased_material(self.run, self.base, self.critic, self.recipe, self.original, self.say)

    def balanced(self, row: Row) -> Material:
        source = self.generator(before(row))
        return balanced_material(
            self.run, source, self.critic, self.recipe, generation=row.generation, say=self.say
        )

    def material(self, row: Row) -> Material:
        return self.biased() if row.data == "biased" else self.balanced(row)

    def reference(self) -> Seen:
        """What distances are measured to."""
        return read_sets(self.run, self.run.manifest.config["reference"])[0]


def run_rebalance(
    generator: Generator,
    critic: Critic,
    recipe: Recipe,
    *,
    out: Path | str,
    original: Callable[[], Original] | None = None,
    real: Callable[[], torch.Tensor] | None = None,
    made_of: str = "",
    report: Report | None = None,
) -> Run:
    """Retrain a generator row by row and measure what each draws.

    Parameters
    ----------
    generator : Generator
        The plain one, with an unconditional UNet2DModel.
    critic : Critic
        From :func:`gammaface.rebalance.critic_of`: names the groups, and gives the bias loss.
    out : path
        An interrupted run continues there, row by row and within a row.
    original : callable, optional
        Reads its training data, for the rows that weigh them; without, plain draws stand in.
    real : callable, optional
        Reads real pictures, uint8 (n, 3, H, H), that distances are measured to; without, plain
        draws of another seed. Neither is called by a run that holds what came of it.
    made_of : str, optional
        A hash of the data that generator and classifier were made from, where the run was given
        data and not models; it is part of what the run is.
    report : callable, optional
        ``report(stage, done, total)``; may raise to cancel.

    Returns
    -------
    Run
        With the tables of :mod:`gammaface.rebalance.tables` and ``sentences``.

    Raises
    ------
    GammaFaceError
        For a network that cannot be retrained, a group that nobody is in or that is too rare
        to fill, another run in `out`, and stored weights or checkpoints that do not fit.
    """
    trainable(generator)
    recipe = recipe.on(generator)
    say = report or (lambda stage, done, total: None)
    config = {
        "model": recipe.model,
        "recipe": recipe.config(),
        "groups": list(critic.target.names),
        "original": GIVEN if original is not None else ABSENT,
        "reference": REAL if real is not None else BASE,
        "extractor": critic.extractor,
        **({"data": made_of} if made_of else {}),
    }
    weights = {generator.name: generator.weights_hash, "classifier": critic.hash}
    with writing(out, kind=KIND, config=config, weights=weights, precision=generator.precision) as run:
        scene = Scene(run, recipe, critic, generator, original, say)
        if real is not None and not read_sets(run, REAL):
            keep_seen(run, REAL, 0, Seen(*critic.look(to_unit(real()))))
        wanted = recipe.planned()
        if original is not None and any(row.data == "biased" for row in wanted):
            scene.biased()  # now: data that cannot be read should not be found out hours later
        draw_sets(run, BASE, generator, critic, recipe, say)
        run.write_table("between", between_groups(scene.reference(), critic))
        done: list[Row] = []
        stopped: list[Row] = []
        # Rows of an earlier call stay in the tables, whether asked for again or not.
        for row in (row for row in every_row() if row in wanted or scene.facts(row)):
            if row.generation > 1 and (stopped or not _may_go_on(scene, before(row))):
                stopped.append(row)
                continue
            if row.start and not scene.facts(row):
                began = time.monotonic()
                forget_row(run, row, sets=recipe.sets)
                _train_row(scene, row)
                run.add_timing(f"train {row.name}", time.monotonic() - began)
            began = time.monotonic()
            draw_sets(run, row.name, scene.generator(row), critic, recipe, say)
            run.add_timing(f"draw {row.name}", time.monotonic() - began)
            done.append(row)
            _write_tables(scene, done, stopped, groups=False)
        _write_tables(scene, done, stopped, groups=True)
    return Run.open(out)


def _train_row(scene: Scene, row: Row) -> None:
    """Train what a row needs and keep its generator, whole or not at all."""
    recipe, folder, critic = scene.recipe, scene.folder(row), scene.critic
    examples = _examples(scene, row)
    anew = row.start == "anew"
    start = untrained(scene.base, seed=recipe.seed) if anew else trainable(scene.generator(before(row)))
    frozen = freeze_first(start) if row.frozen else []
    sizes = [(p.numel(), p.requires_grad) for p in start.parameters()]
    seen = recipe.anew_images if anew else recipe.tune_images
    schedule = Schedule(
        images=seen,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate * (1.0 if anew else TUNE_SHARE),
        warmup_images=max(1, seen // 20),
        decay=0.5,
        ema_half_life=recipe.ema_images,
        seed=recipe.seed,
    )
    network, progress = train_network(
        start,
        examples,
        scene.base,
        schedule=schedule,
        out=folder / "training",
        kind=f"rebalance {row.words()}",
        bias=recipe.bias if row.bias else None,
        critic=critic if row.bias else None,
        progress=lambda done, total: scene.say(f"train {row.name}", done, total),
    )
    write_generator(folder / "model", scene.base, network)
    stored = read_generator(folder / "model", like=scene.base, name=row.name)
    facts = {
        "weights": stored.weights_hash,
        "images_seen": progress["seen"],
        "seconds": round(progress["seconds"], 1),
        "loss": progress["history"],
        "frozen": frozen,
        "trained_share": sum(n for n, learns in sizes if learns) / sum(n for n, _ in sizes),
    }
    scene.run.write_file(f"rows/{row.name}/row.json", json.dumps(facts))
    shutil.rmtree(folder / "training", ignore_errors=True)


def _examples(scene: Scene, row: Row) -> Examples:
    """What a row is trained on, with the weights of its kind."""
    recipe, material = scene.recipe, scene.material(row)
    if not row.weighting:
        return Examples(material.x)
    if row.weighting == "class":
        return Examples(material.x, material.for_each(class_weights(material.labels, scene.critic.target)))
    even = scene.balanced(row)
    if row.weighting == "ratio":
        weights = density_ratio(material.features, even.features, seed=recipe.seed)
        return Examples(material.x, material.for_each(weights))
    by_time = fit_time_weights(
        np.asarray(material.x),
        np.asarray(even.x),
        alphas=scene.base.alphas,
        presentations=recipe.weighing_images,
        out=scene.folder(row) / "discriminator",
        seed=recipe.seed,
        device=scene.base.device,
        progress=lambda done, total: scene.say(f"weigh {row.name}", done, total),
    )
    return Examples(material.x, by_time=by_time)


def _may_go_on(scene: Scene, row: Row) -> bool:
    """Whether the guard lets a generation follow a row."""
    table = scene.run.table("rows").set_index("row")
    return row.name in table.index and bool(table.at[row.name, "go_on"])


def _write_tables(scene: Scene, rows: list[Row], stopped: list[Row], *, groups: bool) -> None:
    run, critic, recipe = scene.run, scene.critic, scene.recipe
    sets = {row.name: read_sets(run, row.name) for row in rows}
    base, reference = read_sets(run, BASE)[0], scene.reference()
    measured = _measured(scene, rows, sets, base, reference)
    paths = {row.name: run.array(f"sets/{row.name}-path") for row in rows}
    facts = {row.name: scene.facts(row) for row in rows}
    table = rows_table(rows, measured, paths, facts, critic, n=recipe.n)
    run.write_table("by_set", measured)
    run.write_table("rows", table)
    run.write_table("shares", shares_table(rows, sets, critic))
    sentences = sentences_table(
        table,
        run.table("between"),
        target=" and ".join(critic.target.attributes),
        reference=run.manifest.config["reference"],
        original=run.manifest.config["original"],
        bias=recipe.bias,
        stopped=stopped,
    )
    run.write_table("sentences", sentences)
    if groups:
        found = groups_table(rows, sets, reference, critic, resamples=recipe.resamples, say=scene.say)
        run.write_table("groups", found)


def _measured(scene: Scene, rows: list[Row], sets, base: Seen, reference: Seen) -> pd.DataFrame:
    """Figures of every set; those of rows measured before are read."""
    held = scene.run.table("by_set") if scene.run.has("tables/by_set.parquet") else None
    parts = []
    for row in rows:
        known = None if held is None else held[held["row"] == row.name]
        if known is not None and known["set"].nunique() == len(sets[row.name]):
            parts.append(known)
            continue
        trained_on = scene.material(row).features if row.data else None
        parts.append(
            by_set(row.name, sets[row.name], sets[PLAIN.name], base, reference, scene.critic, trained_on)
        )
    return pd.concat(parts, ignore_index=True)
