"""A person's labels of generated faces, and the classifier's recalls that follow from them.

Recalls on real faces do not carry over to generated ones (Teo et al. 2023, CLEAM). A run of
kind ``hand-labels`` holds one person's answers for one attribute of one study's faces, each
on disk as soon as it is given, with what the classifier says of the same face beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.shares.people import CLASSES, CLASSIFIER, SMALL, name_of, shares, wilson
from gammaface.workspace import Run, writing

KIND = "hand-labels"
CANNOT_TELL = "cannot tell"
WANTED = 200  # faces, about ten minutes
ENOUGH = 10  # hand-labelled faces of every class before their recalls are used
COLUMNS = ("seed", "answer", "predicted", "classifier")


@dataclass(frozen=True)
class Recalls:
    """P(answer i | class j) of one attribute, shape (K, K), and where it was measured."""

    matrix: np.ndarray
    source: str
    n: tuple[int, ...]  # faces per class
    by_hand: bool


def order(seeds, *, seed: int = 0, n: int = WANTED) -> list[int]:
    """n of the seeds in a random order of their own, the same whenever it is asked for.

    A prefix of it is a fair sample of the faces, so one may stop at any time.

    Examples
    --------
    >>> order(range(5), n=3) == order([4, 2, 0, 1, 3], n=3)
    True
    """
    ranked = np.unique(np.asarray(list(seeds), dtype=np.int64))
    return np.random.default_rng(seed).permutation(ranked)[:n].tolist()


def place_of(home: Path, study: Run, attribute: str) -> Path:
    """The run that holds the answers for one attribute of a study's faces."""
    digest = next(iter(study.manifest.weights.values()), "")[:8]
    return Path(home) / f"{KIND}-{study.manifest.name}-{digest}-{attribute}"


def answers_of(place: Path) -> pd.DataFrame:
    """``seed, answer, predicted, classifier`` in the order answered; empty where none is.

    ``predicted`` is what the classifier with that hash says, missing where it has not been
    asked.
    """
    if not (place / "tables" / "answers.parquet").is_file():
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    return Run.open(place).table("answers")


def record(
    place: Path, study: Run, attribute: str, answers: pd.DataFrame, *, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Keep a person's answers, with the classifier's beside them.

    Parameters
    ----------
    place : Path
        From `place_of`.
    study : Run
        Whose faces they are.
    attribute : str
    answers : DataFrame
        ``seed`` and ``answer``: a class of the attribute, or `CANNOT_TELL`.
    known : DataFrame, optional
        The classifier's labels: ``seed``, the attribute, and its hash in the attrs.

    Returns
    -------
    DataFrame
        As `answers_of`.

    Raises
    ------
    GammaFaceError
        When another process writes the answers, or the disk refuses.
    """
    table = beside(answers, attribute, known)
    manifest = study.manifest
    config = {"of": manifest.name, "model": manifest.config["model"], "attribute": attribute}
    with writing(place, kind=KIND, config=config, weights=manifest.weights) as run:
        run.write_table("answers", table)
    return table


def beside(answers: pd.DataFrame, attribute: str, known: pd.DataFrame | None) -> pd.DataFrame:
    """Answers with what the classifier says of each face; older sayings of it are replaced."""
    table = answers.reindex(columns=COLUMNS).astype({"seed": np.int64} | dict.fromkeys(COLUMNS[1:], object))
    if known is not None and len(table):
        words = known.drop_duplicates("seed").set_index("seed")[attribute].astype(object)
        found = table["seed"].map(words)
        table["predicted"] = found.where(found.notna(), table["predicted"])
        table.loc[found.notna(), "classifier"] = known.attrs[CLASSIFIER]
    return table.reset_index(drop=True)


def confusion(answers: pd.DataFrame, words: tuple[str, ...]) -> np.ndarray:
    """Counts (K, K): row i is the classifier's answer, column j the person's."""
    both = answers[answers["answer"].isin(words) & answers["predicted"].isin(words)]
    codes = [pd.Categorical(both[c], categories=words).codes for c in ("predicted", "answer")]
    counts = np.zeros((len(words), len(words)), dtype=int)
    np.add.at(counts, tuple(codes), 1)
    return counts


def confusion_table(answers: pd.DataFrame, words: tuple[str, ...]) -> pd.DataFrame:
    """How the classifier names the faces of each class that the person saw.

    Returns
    -------
    DataFrame
        ``truth`` (the person's), ``answer`` (the classifier's), ``count, n`` (faces of that
        truth), ``share, low, high`` (95%, Wilson) and ``note``, which marks small classes.

    Examples
    --------
    >>> faces = pd.DataFrame({"answer": list("aab"), "predicted": list("aba")})
    >>> confusion_table(faces, ("a", "b"))[["truth", "answer", "count", "n"]].values.tolist()
    [['a', 'a', 1, 2], ['a', 'b', 1, 2], ['b', 'a', 1, 1], ['b', 'b', 0, 1]]
    """
    counts = confusion(answers, words)
    rows = []
    for j, truth in enumerate(words):
        n = int(counts[:, j].sum())
        low, high = wilson(counts[:, j], n)
        for i, answer in enumerate(words):
            share = counts[i, j] / n if n else np.nan
            note = f"{n} faces, under {SMALL}" if n < SMALL else ""
            rows.append((truth, answer, int(counts[i, j]), n, share, low[i], high[i], note))
    return pd.DataFrame(rows, columns=["truth", "answer", "count", "n", "share", "low", "high", "note"])


def recalls_from(answers: pd.DataFrame, words: tuple[str, ...]) -> Recalls | None:
    """Recalls on hand-labelled faces, or None where a class has fewer than `ENOUGH` of them."""
    counts = confusion(answers, words)
    n = counts.sum(0)
    if n.min() < ENOUGH:
        return None
    few = [f"only {size} are {word}" for word, size in zip(words, n, strict=True) if size < SMALL]
    small = f"; {', '.join(few)}" if few else ""
    source = f"{n.sum()} generated faces labelled by hand{small}"
    return Recalls(counts / n, source, tuple(n.tolist()), by_hand=True)


def recalls_for(classifier, workspace: Path, *, generator: str | None = None) -> dict[str, Recalls]:
    """Which recalls CLEAM should use for each attribute, and where they come from.

    Hand labels of generated faces come first; validation data, which shows real faces,
    stands in where a class has too few of them.

    Parameters
    ----------
    classifier : AttributeClassifier
    workspace : Path
        Folder of the runs.
    generator : str, optional
        Weights' hash: only hand labels of its faces count.

    Returns
    -------
    dict of str to Recalls
        By attribute; one without either source is left out.
    """
    found = validation_recalls(classifier)
    for attribute, answers in _hand_answers(classifier.hash, Path(workspace), generator).items():
        hand = recalls_from(answers, CLASSES[attribute])
        found |= {attribute: hand} if hand is not None else {}
    return found


def recalls_in_words(by_hand: Mapping[str, bool]) -> str:
    """Where a study's recalls were measured, from which attributes were labelled by hand.

    Examples
    --------
    >>> recalls_in_words({"gender": True, "race": False})
    'generated faces labelled by hand (perceived gender) and real validation faces (perceived race)'
    """
    parts = []
    for hand, words in ((True, "generated faces labelled by hand"), (False, "real validation faces")):
        names = [name_of(name) for name, flag in by_hand.items() if flag == hand]
        if names:
            parts.append(words if len(names) == len(by_hand) else f"{words} ({', '.join(names)})")
    return " and ".join(parts) or "nothing: the classifier brings none"


def validation_recalls(classifier) -> dict[str, Recalls]:
    """Recalls on real validation faces, by attribute, where all its classes had some."""
    found = {}
    for attribute, words in CLASSES.items():
        calibration = getattr(classifier, "calibration", {}).get(attribute)
        if calibration is None:  # a user's own classifier: nothing is known of its errors
            continue
        matrix = np.asarray(calibration.confusion, dtype=float)
        if matrix.shape == (len(words),) * 2 and np.allclose(matrix.sum(0), 1, atol=1e-3):
            source = f"{sum(calibration.n):,} answers on real validation faces"
            found[attribute] = Recalls(matrix, source, tuple(calibration.n), by_hand=False)
    return found


def _hand_answers(classifier: str, workspace: Path, generator: str | None) -> dict[str, pd.DataFrame]:
    parts: dict[str, list[pd.DataFrame]] = {}
    for file in sorted(workspace.glob(f"{KIND}-*/manifest.json")):
        try:
            manifest = Run.open(file.parent).manifest
            table = answers_of(file.parent)
        except GammaFaceError:
            continue  # a damaged run must not stop an audit; `doctor` lists it
        if manifest.kind == KIND and generator in (None, *manifest.weights.values()):
            table = table[table["classifier"] == classifier]
            parts.setdefault(manifest.config["attribute"], []).append(table)
    return {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}


def corrected_shares(
    labels: pd.DataFrame, attribute: str, answers: pd.DataFrame, measured: np.ndarray | None
) -> pd.DataFrame:
    """One attribute's shares by every way there is to know them.

    Parameters
    ----------
    labels : DataFrame
        The classifier's labels of all faces.
    attribute : str
    answers : DataFrame
        The person's, from `answers_of`.
    measured : array of shape (K, K), optional
        P(answer i | class j) on real validation faces.

    Returns
    -------
    DataFrame
        ``group`` (the source in words), ``value, share, low, high, n``. Corrected shares
        have no interval here: theirs would have to carry that of the recalls, too.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.metrics.cleam`.
    """
    from gammaface.metrics import cleam  # imports SciPy, which takes seconds: not for every page

    seen = shares(labels, [attribute])
    words = tuple(seen["value"])
    columns = ["value", "share", "low", "high", "n"]
    tables = {f"Classifier (n = {len(labels)})": seen[columns]}
    hand = recalls_from(answers, words)
    for name, matrix in (
        ("Corrected, recalls on real faces", measured),
        ("Corrected, recalls by hand", hand.matrix if hand else None),
    ):
        if matrix is not None:
            corrected = cleam(seen["share"].to_numpy(), matrix).shares
            tables[name] = seen[columns].assign(share=corrected, low=np.nan, high=np.nan)
    own = answers[answers["answer"].isin(words)]
    if len(own):
        person = pd.DataFrame({attribute: pd.Categorical(own["answer"], categories=words)})
        tables[f"Person (n = {len(own)})"] = shares(person, [attribute])[columns]
    return pd.concat([table.assign(group=name) for name, table in tables.items()], ignore_index=True)
