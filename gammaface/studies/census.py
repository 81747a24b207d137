"""Who a study's model draws: the finished faces of its first harvested seeds, labelled.

Component cards show a few faces; shares need hundreds. Their labels are kept, and the
pictures of the first of them, so that a lasso on the map finds faces at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from gammaface.attributes import AttributeClassifier
from gammaface.balancing import Batch
from gammaface.generators import MICRO_BATCH
from gammaface.images import to_png, to_uint8
from gammaface.labelling.hand_labels import Recalls
from gammaface.labelling.labels import label_images, labels_of
from gammaface.metrics import cleam
from gammaface.shares import people
from gammaface.shares.evenness import LOOKS, evenness, follow_sentence, moves
from gammaface.shares.people import CLASSIFIER
from gammaface.studies.components import association, looks
from gammaface.workspace import Run

THUMBNAILS = 400  # faces whose pictures are kept: 3 MB at 64 px


def take_census(
    run: Run,
    draw: Callable[[np.ndarray], Batch],
    classifier: AttributeClassifier,
    points: pd.DataFrame,
    *,
    n: int,
    progress: Callable[[int, int], None],
    pictures: int | None = None,
) -> pd.DataFrame:
    """Finish and label the first n harvested seeds; an interrupted census continues.

    Parameters
    ----------
    run : Run
        Open for writing; gets the table ``people`` and pictures, group ``people``.
    draw : callable
        ``draw(seeds) -> Batch``, as :func:`gammaface.balancing.draw_seeds`.
    classifier : AttributeClassifier
    points : DataFrame
        ``seed`` and ``component`` of each harvested latent.
    n : int
        Fewer where fewer were harvested.
    progress : callable
        ``progress(done, total)``.
    pictures : int, optional
        Faces whose pictures are kept, the first by seed; 400 by default.

    Returns
    -------
    DataFrame
        ``seed, component``, the columns of :func:`gammaface.labelling.labels.label_images` and of
        :func:`gammaface.studies.components.looks`.
    """
    chosen = points[["seed", "component"]].head(n)
    held = labels_of(run, classifier, name="people")
    done = 0 if held is None else len(held)
    kept = THUMBNAILS if pictures is None else pictures
    progress(done, len(chosen))
    for start in range(done, len(chosen), MICRO_BATCH):
        block = chosen.iloc[start : start + MICRO_BATCH].reset_index(drop=True)
        images = draw(block["seed"].to_numpy()).images
        pixels = to_uint8(images[: max(0, kept - start)])
        for seed, picture in zip(block["seed"], pixels, strict=False):
            facts = {"seed": int(seed), "model": run.manifest.config["model"]}
            place = run.image(int(seed), "people").relative_to(run.path)
            run.write_file(str(place), to_png(picture, metadata=facts))
        measured = [block, label_images(classifier, images), looks(images.numpy())]
        held = pd.concat([held, pd.concat(measured, axis=1)], ignore_index=True)
        held.attrs = {CLASSIFIER: classifier.hash}
        run.write_table("people", held)
        progress(len(held), len(chosen))
    return held


def count_people(
    run: Run,
    census: pd.DataFrame,
    labels: pd.DataFrame,
    recalls: Mapping[str, Recalls],
    validation: Mapping[str, Recalls],
) -> dict:
    """What the census says, as tables in the run and as numbers and sentences.

    Parameters
    ----------
    run : Run
        Open for writing; gets the tables ``people_shares`` (see :func:`gammaface.shares.people.shares`,
        and ``corrected``), ``people_by_component`` (see
        :func:`gammaface.shares.people.group_shares`), ``association`` (see
        :func:`gammaface.studies.components.association`) and ``moves`` (see
        :func:`gammaface.shares.evenness.moves`).
    census : DataFrame
        From `take_census`.
    labels : DataFrame
        Of the run's pictures, from :func:`gammaface.labelling.labels.label_run`: groups ``plain`` and
        ``balanced``.
    recalls, validation : mappings of str to Recalls
        From :func:`gammaface.labelling.hand_labels.recalls_for`, which the correction uses, and
        :func:`gammaface.labelling.hand_labels.validation_recalls`, kept beside them.
    """
    shares = people.shares(census)
    shares["corrected"] = np.nan
    for attribute, found in recalls.items():
        rows = shares["attribute"] == attribute
        shares.loc[rows, "corrected"] = cleam(shares.loc[rows, "share"].to_numpy(), found.matrix).shares
    tones = people.shares(census, ["tone"]).drop(columns="probability")
    run.write_table("people_shares", pd.concat([shares, tones], ignore_index=True))
    wanted = [*people.attributes_of(census), "tone"]
    run.write_table("people_by_component", people.group_shares(census, census["component"], wanted))
    follows = association(census["component"].to_numpy(), census[[*wanted, *LOOKS]])
    run.write_table("association", follows)
    measured = evenness(shares).merge(people.doubts(census).drop(columns="n"), on="attribute")
    groups = dict(list(labels.groupby("group")))
    moved = moves(groups["plain"], groups["balanced"], census)
    run.write_table("moves", moved)
    return {
        CLASSIFIER: census.attrs[CLASSIFIER],
        "n": len(census),
        "shares": _records(shares),
        "attributes": _records(measured),
        "recalls": _as_json(recalls),
        "validation": _as_json(validation),
        "association": _records(follows),
        "moves": _records(moved),
        "follows": follow_sentence(follows),
    }


def _records(table: pd.DataFrame) -> list[dict]:
    """Rows for JSON, which has no NaN: null."""
    return json.loads(table.to_json(orient="records", double_precision=15))


def _as_json(recalls: Mapping[str, Recalls]) -> dict:
    return {name: asdict(r) | {"matrix": r.matrix.tolist(), "n": list(r.n)} for name, r in recalls.items()}
