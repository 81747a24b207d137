"""What an audit's cells are read with: classes, targets, recalls, the second opinion.

Kept in the run as ``audit.json``, so that its tables can be made again without a network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gammaface.classifiers.attribute_network import HEADS
from gammaface.datasets.presets import WHITE_BLACK_OTHER
from gammaface.errors import GammaFaceError
from gammaface.labelling.hand_labels import Recalls, recalls_for, validation_recalls
from gammaface.strategies import Target
from gammaface.workspace import Run, home

FILE = "audit.json"
COARSE = {"race3": ("race", WHITE_BLACK_OTHER)}
# Attributes that are readings of one thing: steering one is expected to move the others.
FAMILIES = (("race", "race3"), ("young", "young40", "young60"))
LEFT_OUT = ("age",)  # years, not classes: young40 and young60 tell of it


@dataclass(frozen=True)
class Book:
    """How to read stored cells.

    Attributes
    ----------
    classes : dict of str to tuple of str
        Of each attribute in words.
    targets : dict of str to Target
        By name.
    recalls : dict of str to Recalls
        By attribute, for the correction of the classifier's errors; others have none.
    second : str
        Whose second opinion the cells hold, several with commas between; "" for none.
    second_missing : str
        Why there is none, or which is missing, in words.
    second_by : dict of str to str
        Which of several reads an attribute.
    extractor : str
        Whose features the distances are measured in.
    resolution : int
        Side of the images in pixels; 0 where it is not known.
    """

    classes: dict[str, tuple[str, ...]]
    targets: dict[str, Target]
    recalls: dict[str, Recalls] = field(default_factory=dict)
    second: str = ""
    second_missing: str = ""
    extractor: str = ""
    resolution: int = 0
    second_by: dict[str, str] = field(default_factory=dict)

    def told(self) -> list[tuple[str, ...]]:
        """What shares are told of: every attribute, and the joint cells of the targets."""
        single = [(name,) for name in self.classes]
        joint = [t.attributes for t in self.targets.values() if len(t.attributes) > 1]
        return list(dict.fromkeys([*single, *joint]))

    def even(self, attributes: tuple[str, ...]) -> Target:
        """Even shares over attributes."""
        return Target.even(attributes, self.classes)

    def confusion(self, attributes: tuple[str, ...]) -> np.ndarray | None:
        """P(answer i | class j) over joint cells, (K, K), or None where a part is unknown.

        Attributes are read by separate heads; given the classes their errors count as
        independent.
        """
        if any(name not in self.recalls for name in attributes):
            return None
        matrix = np.ones((1, 1))
        for name in attributes:
            matrix = np.kron(matrix, self.recalls[name].matrix)
        return matrix

    def recalls_in_words(self, attributes: tuple[str, ...]) -> str:
        """Where the recalls were measured; "" where they are not known."""
        if self.confusion(attributes) is None:
            return ""
        return " and ".join(dict.fromkeys(self.recalls[name].source for name in attributes))

    def reader(self, attributes: tuple[str, ...]) -> str:
        """Whose second opinion on attributes it is."""
        return " and ".join(dict.fromkeys(self.second_by.get(name, self.second) for name in attributes))

    def save(self, run: Run) -> None:
        """Write it into a run."""
        content = {
            "classes": self.classes,
            "targets": {
                name: {"attributes": t.attributes, "shares": t.shares.tolist()}
                for name, t in self.targets.items()
            },
            "recalls": {
                name: {"matrix": r.matrix.tolist(), "source": r.source, "n": r.n, "by_hand": r.by_hand}
                for name, r in self.recalls.items()
            },
            "second": self.second,
            "second_missing": self.second_missing,
            "second_by": self.second_by,
            "extractor": self.extractor,
            "resolution": self.resolution,
        }
        run.write_file(FILE, json.dumps(content, indent=1))

    @classmethod
    def load(cls, run: Run) -> Book:
        """Read it from a run.

        Raises
        ------
        GammaFaceError
            When it is not there or damaged.
        """
        try:
            content = json.loads((run.path / FILE).read_text())
            classes = {name: tuple(words) for name, words in content.pop("classes").items()}
            targets = {
                name: Target.of(tuple(t["attributes"]), classes, t["shares"])
                for name, t in content.pop("targets").items()
            }
            recalls = {
                name: Recalls(np.array(r["matrix"]), r["source"], tuple(r["n"]), r["by_hand"])
                for name, r in content.pop("recalls").items()
            }
            return cls(classes, targets, recalls, **content)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise GammaFaceError(
                f"this is no audit, or a damaged one: {error}", where=run.path, fix="Run the audit again."
            ) from None


def told_classes(classes: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """A labeller's attributes that have classes to tell of."""
    return {name: tuple(words) for name, words in classes.items() if name not in LEFT_OUT}


def bundled_classes() -> dict[str, tuple[str, ...]]:
    """What any of our attribute classifiers names, without loading one.

    Examples
    --------
    >>> bundled_classes()["race3"]
    ('white', 'black', 'other')
    """
    classes = told_classes(HEADS)
    coarse = {
        name: tuple(dict.fromkeys(groups[word] for word in classes[fine]))
        for name, (fine, groups) in COARSE.items()
    }
    return classes | coarse


def related(name: str, attributes: tuple[str, ...]) -> bool:
    """Whether steering `attributes` steers `name`, too.

    Examples
    --------
    >>> related("race", ("race3",)), related("gender", ("race3",))
    (True, False)
    """
    family = next((f for f in FAMILIES if name in f), (name,))
    return any(member in attributes for member in family)


def known_recalls(
    classifier,
    classes: Mapping[str, tuple[str, ...]],
    given: Mapping[str, object] | None = None,
    *,
    generator: str = "",
) -> dict[str, Recalls]:
    """Recalls by attribute: those given, else hand labels of the generator's own faces where
    there are enough, else validation data's, where the classifier has them.

    A coarser attribute (``race3``) without recalls of its own has those of the finer one,
    its classes weighed as the faces of the recalls are.

    Parameters
    ----------
    given : mapping, optional
        By attribute, P(answer i | class j) of shape (K, K), or two recalls.
    generator : str
        Hash of its weights; "" leaves hand labels out.

    Raises
    ------
    GammaFaceError
        For a matrix of another shape, or whose columns do not add up to 1.
    """
    found = {}
    if hasattr(classifier, "calibration"):
        found = validation_recalls(classifier)
        if generator:
            found = recalls_for(classifier, home(), generator=generator)
    found |= {name: _recalls(name, matrix, classes) for name, matrix in (given or {}).items()}
    for name, (fine, groups) in COARSE.items():
        if name in classes and name not in found and fine in found:
            found[name] = joined(found[fine], classes[fine], groups, classes[name])
    return {name: recalls for name, recalls in found.items() if name in classes}


def joined(fine: Recalls, words: tuple[str, ...], groups: Mapping[str, str], coarse) -> Recalls:
    """Recalls of joined classes; within a group, classes are as common as among its faces.

    Examples
    --------
    >>> three = Recalls(np.array([[.8, 0, 0], [.2, 1, .5], [0, 0, .5]]), "tests", (10, 30, 10), False)
    >>> joined(three, ("a", "b", "c"), {"a": "x", "b": "y", "c": "y"}, ("x", "y")).matrix.tolist()
    [[0.8, 0.0], [0.2, 1.0]]
    """
    member = np.array([[groups[word] == group for word in words] for group in coarse], dtype=float)
    n = np.array(fine.n or np.ones(len(words)), dtype=float)
    within = (member * n).T / np.maximum(member @ n, 1e-12)  # P(class | group), (classes, groups)
    counts = tuple((member @ n).astype(int).tolist())
    return Recalls(member @ fine.matrix @ within, fine.source, counts, fine.by_hand)


def _recalls(name: str, given, classes: Mapping[str, tuple[str, ...]]) -> Recalls:
    if name not in classes:
        raise GammaFaceError(
            f"recalls of '{name}', which the classifier does not name",
            fix=f"Choose from {', '.join(classes)}.",
        )
    matrix, k = np.asarray(given, dtype=float), len(classes[name])
    if matrix.shape == (2,):
        matrix = np.array([[matrix[0], 1 - matrix[1]], [1 - matrix[0], matrix[1]]])
    if matrix.shape != (k, k) or not (abs(matrix.sum(0) - 1) < 1e-3).all() or (matrix < 0).any():
        raise GammaFaceError(
            f"the recalls of {name} have shape {matrix.shape}, or columns that do not add up to 1",
            fix=f"Give P(answer i | class j) as ({k}, {k}), or the recalls of two classes.",
        )
    return Recalls(matrix, "a matrix that was given", (), by_hand=False)


def read_recalls(path: Path | None) -> dict[str, list]:
    """A JSON file of matrices by attribute; nothing without a file.

    Raises
    ------
    GammaFaceError
        For a file that cannot be read as one.
    """
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text())
        if not isinstance(content, dict):
            raise ValueError("no JSON object")
        return {name: np.asarray(matrix, dtype=float).tolist() for name, matrix in content.items()}
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise GammaFaceError(
            f"the recalls cannot be read: {error}",
            where=path,
            fix='Write {"gender": [[0.9, 0.2], [0.1, 0.8]]}: P(answer i | class j) in row i, column j.',
        ) from None
