"""The numbers of the attribute classifier's card, measured on the test parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from gammaface.attributes import AGE_NEAR, AttributeClassifier, age_estimate, softmax
from gammaface.classifiers.attribute_network import HEADS
from gammaface.files import write_whole
from gammaface.images import to_unit
from gammaface.tables import Format, render
from gammaface.training.face_sets import FaceSet

BINS = 15
GROUPS = ("gender", "race", "young60", "young")
SMALL = 30
NOTE = (
    "These are perceived attributes: what annotators saw in a picture, not who a person is. "
    f"Intervals are 95% (Wilson). Groups under {SMALL} faces are marked `few`. Age counts as right within "
    f"{AGE_NEAR} years."
)


def calibration_error(sure: np.ndarray, right: np.ndarray, *, bins: int = BINS) -> float:
    """Expected calibration error: mean gap between probability and accuracy over equal bins.

    Source: Guo et al. 2017, eq. 3.

    Parameters
    ----------
    sure : array of shape (n,)
        Probability of each answer, in [0, 1].
    right : bool array of shape (n,)
    bins : int
        Number of bins of equal width.

    Returns
    -------
    float
        In [0, 1]; NaN without faces.

    Examples
    --------
    >>> round(calibration_error(np.array([.9, .9]), np.array([True, False])), 6)
    0.4
    """
    if not len(sure):
        return float("nan")
    place = np.minimum((np.asarray(sure) * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weights=np.asarray(right, float) - sure, minlength=bins)
    return float(np.abs(gaps).sum() / len(sure))


def rate(right: np.ndarray) -> dict[str, float | int]:
    """A share with its Wilson interval and n; NaN without faces."""
    n, hits = len(right), int(np.sum(right))
    if not n:
        return {"value": float("nan"), "low": float("nan"), "high": float("nan"), "n": 0}
    low, high = binomtest(hits, n).proportion_ci(method="wilson")
    return {"value": hits / n, "low": float(low), "high": float(high), "n": n}


def measure(classifier: AttributeClassifier, sets: list[FaceSet]) -> dict[str, pd.DataFrame]:
    """Every figure of the card.

    Returns
    -------
    dict of str to DataFrame
        ``heads`` (set, framing, head, value, low, high, n, ece_before, ece_after, certain,
        precision_certain, mae), ``rates`` (... group, rate, value, low, high, n: accuracy
        and recalls overall and by group) and ``confusion`` (... answer, truth, n).
    """
    tables: dict[str, list[dict]] = {"heads": [], "rates": [], "confusion": []}
    for face_set in sets:
        faces = face_set.only("test")
        for framing, box in face_set.framings().items():
            images = to_unit(faces.images(resolution=classifier.resolution, framing=box))
            logits = classifier.logits(images)
            for name in HEADS:
                known = faces.frame[name].notna().to_numpy()
                if not known.any():
                    continue
                place = {"set": face_set.name, "framing": framing, "head": name}
                rows = _head(classifier, name, logits[name][known], faces.frame[known])
                for table, found in rows.items():
                    tables[table] += [place | row for row in found]
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


def _head(
    classifier: AttributeClassifier, name: str, logits: np.ndarray, frame: pd.DataFrame
) -> dict[str, list[dict]]:
    calibration = classifier.calibration[name]
    before, after = softmax(logits, 1.0), softmax(logits, calibration.temperature)
    sure, right, answers = _judge(name, after, frame)
    old_sure, old_right, _ = _judge(name, before, frame)
    certain = sure >= (np.inf if calibration.threshold is None else calibration.threshold)
    row = rate(right) | {
        "ece_before": calibration_error(old_sure, old_right),
        "ece_after": calibration_error(sure, right),
        "certain": float(certain.mean()),
        "precision_certain": rate(right[certain])["value"],
    }
    if name == "age":
        row["mae"] = float(np.abs(answers - frame["age"]).mean())
        truth = None
    else:
        truth = frame[name].astype(str).to_numpy()
    rates = []
    for group, rows in _groups(name, frame):
        rates.append({"group": group, "rate": "accuracy"} | rate(right[rows]))
        for word in HEADS[name] if truth is not None else ():
            member = rows & (truth == word)
            if member.any():
                rates.append({"group": group, "rate": f"recall of {word}"} | rate(right[member]))
    confusion = []
    if truth is not None:
        table = pd.crosstab(answers, truth)
        confusion = [
            {"answer": answer, "truth": word, "n": int(table.get(word, {}).get(answer, 0))}
            for word in HEADS[name]
            for answer in HEADS[name]
        ]
    return {"heads": [row], "rates": rates, "confusion": confusion}


def _judge(name: str, p: np.ndarray, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability of each answer, whether it is right, and the answer."""
    if name == "age":
        years, sure = age_estimate(p)
        return sure, np.abs(years - frame["age"].to_numpy()) <= AGE_NEAR, years
    answers = np.array(HEADS[name])[p.argmax(1)]
    return p.max(1), answers == frame[name].astype(str).to_numpy(), answers


def _groups(head: str, frame: pd.DataFrame):
    yield "all", np.ones(len(frame), dtype=bool)
    for attribute in GROUPS:
        if attribute != head:
            for word in HEADS[attribute]:
                rows = (frame[attribute] == word).to_numpy()
                if rows.any():
                    yield f"{attribute}={word}", rows


def write_card(classifier: AttributeClassifier, sets: list[FaceSet], *, out: Path) -> dict[str, pd.DataFrame]:
    """Measure on the test parts and write ``out/card.json`` and ``out/card.md``."""
    tables = measure(classifier, sets)
    content = {
        "hash": classifier.hash,
        "resolution": classifier.resolution,
        "data": [face_set.summary() for face_set in sets],
        **{name: json.loads(table.to_json(orient="records")) for name, table in tables.items()},
    }
    write_whole(out / "card.json", lambda f: f.write(json.dumps(content, indent=1).encode()))
    write_whole(out / "card.md", lambda f: f.write(as_markdown(content, tables).encode()))
    return tables


def as_markdown(content: dict, tables: dict[str, pd.DataFrame]) -> str:
    """The card's figures as Markdown tables."""
    rates = tables["rates"].copy()
    rates["few"] = np.where(rates["n"] < SMALL, "few", "")
    parts = [
        NOTE,
        "## Data",
        *(f"- {line}" for line in content["data"]),
        "## Accuracy and calibration",
        render(tables["heads"], Format.md),
        "## Recalls by group",
        render(rates, Format.md),
        "## Answers against labels (counts)",
        render(tables["confusion"], Format.md),
    ]
    return "\n\n".join(parts) + "\n"
