"""Audit of somebody's face classifier on balanced generated faces (the third paper's use).

Whom does it err for, how sure is it, and does its answer flip when a face is moved along one
latent direction with all else equal? The run holds the tables ``faces`` (a row per face),
``groups``, ``gaps``, ``flips``, ``moved`` (a row per face and distance) and ``sentences``,
and pictures of some faces at every distance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.applications.cells import Report
from gammaface.applications.directions import Direction, find_direction, move
from gammaface.applications.faces import Faces, check_attributes, draw_even
from gammaface.applications.groupwise import largest_gap, mean_rows, rate_rows
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator, seeds_for
from gammaface.images import to_png, to_uint8
from gammaface.sampling import Callback
from gammaface.shares.people import name_of, wilson, word_of
from gammaface.strategies import Labeller, as_labeller
from gammaface.workspace import Run, writing

KIND = "classifier-audit"
DISTANCES = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
SHOWN = 8  # faces whose pictures are kept at every distance
MOVED_SEED = 1  # run seed of the moved faces, after the drawn ones'


@dataclass(frozen=True)
class ClassifierOptions:
    """What to try.

    Attributes
    ----------
    attribute : str
        What the classifier is judged on.
    groups : tuple of str
        Faces are drawn evenly over their joint cells.
    along : str
        ``attribute:class`` whose direction faces are moved along.
    n, moved, pilot : int
        Drawn faces, moved faces, and faces that the direction is learned from.
    least : float
        Errors are counted against the labeller where it is at least this sure.
    """

    attribute: str = "gender"
    groups: tuple[str, ...] = ("race3",)
    along: str = "young40:old"
    n: int = 600
    moved: int = 100
    pilot: int = 400
    steps: int = 25
    seed: int = 0
    least: float = 0.8

    def __post_init__(self) -> None:
        if self.along.count(":") != 1 or self.along.split(":")[0] == self.attribute:
            raise GammaFaceError(
                f"faces cannot be moved along '{self.along}' while {self.attribute} is judged",
                fix="Write another attribute and its class, like young40:old.",
            )
        if min(self.n, self.moved, self.steps) < 1 or self.pilot < 8 or not 0 <= self.least <= 1:
            raise GammaFaceError(
                f"n={self.n}, moved={self.moved}, pilot={self.pilot}, steps={self.steps}, least={self.least}",
                fix="Give 1 or more, a pilot of 8 or more, and least between 0 and 1.",
            )


def audit_classifier(
    generator: Generator,
    labeller: Labeller,
    judged: Labeller,
    options: ClassifierOptions,
    *,
    out: Path | str,
    name: str = "",
    report: Report | None = None,
    callback: Callback | None = None,
) -> Run:
    """Try a classifier on balanced faces; see the module.

    Parameters
    ----------
    labeller : AttributeClassifier or Labeller
        Names the groups; its confident answers stand for the truth.
    judged : Labeller
        The classifier on trial.
    name : str
        What it is called.

    Raises
    ------
    GammaFaceError
        For attributes that either does not name, and classes that are never drawn.
    """
    say = report or (lambda stage, done, total: None)
    check_attributes((options.attribute,), as_labeller(judged).classes, who=name or "the classifier on trial")
    check_attributes((*options.groups, options.along.split(":")[0]), as_labeller(labeller).classes)
    config = {"model": generator.name, "judged": name} | asdict(options)
    weights = {
        generator.name: generator.weights_hash,
        "labeller": getattr(labeller, "hash", ""),
        "judged": getattr(judged, "hash", ""),
    }
    common = {"steps": options.steps, "report": say, "callback": callback}
    with writing(out, kind=KIND, config=config, weights=weights, precision=generator.precision) as run:
        if not run.has("tables/faces.parquet"):
            faces = draw_even(generator, labeller, options.groups, n=options.n, seed=options.seed, **common)
            run.write_table("faces", faces_table(faces, judged, options))
            run.write_file("note.txt", faces.note)
        if not run.has("tables/moved.parquet"):
            attribute, word = options.along.split(":")
            direction = find_direction(
                generator, labeller, attribute, word, pilot=options.pilot, seed=options.seed, **common
            )
            seeds = seeds_for(options.seed + MOVED_SEED, options.moved)
            images = move(generator, direction, seeds, DISTANCES, **common)
            _keep(run, images, seeds)
            run.write_table("moved", moved_table(images, seeds, direction, labeller, judged, options))
        _tell(run, options, name)
    return Run.open(out)


def faces_table(faces: Faces, judged: Labeller, options: ClassifierOptions) -> pd.DataFrame:
    """``face, group, truth, truth_p, answer, answer_p, wrong`` (NaN where the truth is unsure)."""
    reader, attribute = as_labeller(judged), options.attribute
    found = np.asarray(reader.probabilities(faces.images)[attribute])
    answer = np.array(reader.classes[attribute], dtype=object)[found.argmax(1)]
    table = pd.DataFrame(
        {
            "face": faces.names,
            "group": faces.groups(options.groups),
            "answer": answer,
            "answer_p": found.max(1),
        }
    )
    if set(reader.classes[attribute]) <= set(faces.classes.get(attribute, ())):
        table["truth"], table["truth_p"] = faces.words(attribute), faces.sure(attribute)
        known = table["truth_p"] >= options.least
        table["wrong"] = np.where(known, (table["truth"] != table["answer"]).astype(float), np.nan)
    else:
        table["truth"], table["truth_p"], table["wrong"] = "", np.nan, np.nan
    return table


def moved_table(
    images: torch.Tensor,
    seeds: np.ndarray,
    direction: Direction,
    labeller: Labeller,
    judged: Labeller,
    options: ClassifierOptions,
) -> pd.DataFrame:
    """``seed, distance, answer, answer_p, along_p, accuracy`` of every moved face."""
    reader, own = as_labeller(judged), as_labeller(labeller)
    number = own.classes[direction.attribute].index(direction.word)
    parts = []
    for distance, faces in zip(DISTANCES, images, strict=True):
        found = np.asarray(reader.probabilities(faces)[options.attribute])
        words = np.array(reader.classes[options.attribute], dtype=object)
        parts.append(
            pd.DataFrame(
                {
                    "seed": seeds,
                    "distance": distance,
                    "answer": words[found.argmax(1)],
                    "answer_p": found.max(1),
                    "along_p": own.probabilities(faces)[direction.attribute][:, number],
                    "accuracy": direction.accuracy,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def flips_table(moved: pd.DataFrame) -> pd.DataFrame:
    """``distance, n, flipped, share, low, high`` of answers that differ from those at 0, and
    ``along``, the mean probability of the class that faces were moved towards."""
    start = moved[moved["distance"] == 0].set_index("seed")["answer"]
    rows = []
    for distance, part in moved.groupby("distance"):
        flipped = int((part["answer"].to_numpy() != start[part["seed"]].to_numpy()).sum())
        low, high = wilson(flipped, len(part))
        rows.append(
            {
                "distance": distance,
                "n": len(part),
                "flipped": flipped,
                "share": flipped / len(part),
                "low": float(low),
                "high": float(high),
                "along": float(part["along_p"].mean()),
            }
        )
    return pd.DataFrame(rows)


def _keep(run: Run, images: torch.Tensor, seeds: np.ndarray) -> None:
    for place, faces in enumerate(images):
        for seed, picture in zip(seeds, to_uint8(faces[:SHOWN]), strict=False):
            file = run.image(int(seed), f"d{place}").relative_to(run.path)
            run.write_file(str(file), to_png(picture, metadata={"seed": int(seed)}))


def _tell(run: Run, options: ClassifierOptions, name: str) -> None:
    faces, moved = run.table("faces"), run.table("moved")
    groups = faces["group"].to_numpy(dtype=object)
    wrong = faces["wrong"].to_numpy(dtype=float)
    errors = rate_rows(wrong, groups).assign(measure="error")
    sure = mean_rows(faces["answer_p"].to_numpy(), groups).rename(columns={"mean": "share"})
    table = pd.concat([errors, sure.assign(measure="confidence", note="")], ignore_index=True)
    gaps = pd.DataFrame(
        [
            {"measure": measure} | largest_gap(values, groups, seed=options.seed)
            for measure, values in (("error", wrong), ("confidence", faces["answer_p"].to_numpy()))
        ]
    )
    flips = flips_table(moved)
    run.write_table("groups", table)
    run.write_table("gaps", gaps)
    run.write_table("flips", flips)
    note = (run.path / "note.txt").read_text() if run.has("note.txt") else ""
    told = _sentences(faces, gaps, flips, float(moved["accuracy"].iloc[0]), options, name, note)
    run.write_table("sentences", pd.DataFrame({"sentence": told}))


def _sentences(faces, gaps, flips, accuracy, options, name, note) -> list[str]:
    what, who = name_of(options.attribute), name or "the classifier"
    known = int(faces["wrong"].notna().sum())
    told = [note] if note else []
    if known:
        share = float(faces["wrong"].mean())
        told.append(
            f"{who} differs from the labeller's confident answers on {what} for {100 * share:.1f}% of"
            f" {known} faces."
        )
    else:
        told.append(f"No error is told: the labeller does not name the same classes of {what}.")
    for row in gaps.itertuples():
        if np.isnan(row.gap):
            told.append(f"No gap in {row.measure} is told: fewer than two groups have enough faces.")
            continue
        size = f"{100 * row.gap:.1f} points (95%: {100 * row.low:.1f} to {100 * row.high:.1f})"
        verdict = "more than chance" if row.p < 0.05 else "no more than chance would give"
        told.append(
            f"Largest gap in {row.measure}: {size} between {row.most} and {row.least}, {verdict}"
            f" (p = {row.p:.3f})."
        )
    attribute, word = options.along.split(":")
    ends = flips.set_index("distance")
    low, high = ends.loc[DISTANCES[0], "along"], ends.loc[DISTANCES[-1], "along"]
    told.append(
        f"The direction towards {word_of(attribute, word)} is read with {100 * accuracy:.0f}% accuracy;"
        f" along it the labeller's probability of that class goes from {low:.2f} to {high:.2f}."
    )
    if high - low < 0.1:
        told.append("It hardly moves that attribute: the flips below say little about it.")
    worst = flips.loc[flips["share"].idxmax()]
    bounds = f"(95%: {100 * worst['low']:.1f} to {100 * worst['high']:.1f})"
    if not worst["flipped"]:
        told.append(
            f"At no distance does any of {int(worst['n'])} faces get another answer {bounds} on {what}."
        )
        return told
    told.append(
        f"Moved by {worst['distance']:+g} standard deviations with all else equal,"
        f" {100 * worst['share']:.1f}% {bounds} of {int(worst['n'])} faces get another answer on {what}."
    )
    return told
