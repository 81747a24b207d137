"""Drawn batches: which there are, and their pictures beside plain ones."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from gammaface.workspace import Run, list_runs

from .pictures import Face
from .state import Study


@dataclass(frozen=True)
class Shown:
    """A balanced batch and the plain one beside it: pictures, and who is in them."""

    balanced: pd.DataFrame
    plain: dict[int, Face]
    words: str
    labels: tuple[pd.DataFrame, pd.DataFrame] | None  # of the balanced and the plain pictures
    moves: pd.DataFrame | None


def batches(study: Study) -> dict[str, Run]:
    """Finished batches of this model with these weights, newest first."""
    runs = [
        r
        for r in list_runs()
        if (r.manifest.kind, r.manifest.state) == ("sample", "done")
        and r.manifest.weights == study.run.manifest.weights
    ]
    runs.sort(key=lambda r: r.manifest.created, reverse=True)
    return {r.manifest.name: r for r in runs}


def read(study: Study, batch: Run | None) -> Shown:
    """The recorded pictures of the study, or those of a batch."""
    labels = moves = None
    if batch is None:
        images, c = study.images, study.config
        table = images[images["group"] == "balanced"]
        files = {
            int(s): study.run.image(int(s), "plain") for s in images.loc[images["group"] == "plain", "seed"]
        }
        table = table.assign(file=[study.run.image(int(s), "balanced") for s in table["seed"]])
        k = study.numbers["k"]["used"]
        if study.people is not None:
            groups = study.people.labels.groupby("group")
            labels = groups.get_group("balanced"), groups.get_group("plain")
            moves = study.people.moves
    else:
        table, c, files = batch.table("images"), batch.manifest.config, {}
        table = table.assign(file=[batch.image(int(s)) for s in table["seed"]])
        if batch.has("plain/manifest.json"):
            plain = Run.open(batch.path / "plain")
            files = {int(s): plain.image(int(s)) for s in plain.table("images")["seed"]}
            if batch.has("tables/moves.parquet"):
                labels = batch.table("labels"), plain.table("labels")
                moves = batch.table("moves")
        k = c["k"]
    plainly = c.get("strategy") == "plain"
    drawn = "plain sampling" if plainly else f"K = {k}, {c['injection']} injection"
    words = f"{len(table)} faces, {drawn}, seed {c['seed']}, {c['steps']} steps"
    return Shown(table, {s: Face(f, f"Plain face, seed {s}") for s, f in files.items()}, words, labels, moves)
