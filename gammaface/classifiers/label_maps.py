"""Label maps: what the outputs of somebody's attribute classifier mean.

A label map is a JSON file beside the weights, ``label_map.json``, or NAME.json beside
NAME.onnx::

    {"resolution": 224, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
     "heads": {"sex": ["Male", "Female"], "age": ["0-39", "40-99"]},
     "attributes": {"gender": {"head": "sex", "words": {"Male": "male", "Female": "female"}}}}

``heads`` name the outputs in their order; ``attributes`` say which words they become here
(left out: each head is an attribute). ``{"preset": "fairface"}`` is FairFace's own layout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from gammaface.datasets.layouts import FAIRFACE_RACE
from gammaface.errors import GammaFaceError
from gammaface.shares.people import CLASSES

ACTIVATIONS = ("softmax", "none")
CHANNELS = ("rgb", "bgr")
LAYOUTS = ("nchw", "nhwc")
LARGEST = 4096  # pixels a side
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
DECADES = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")


@dataclass(frozen=True)
class Reading:
    """An attribute as joined classes of a head; words left out join nothing."""

    head: str
    words: Mapping[str, str]


@dataclass(frozen=True)
class LabelMap:
    """See the module.

    Attributes
    ----------
    heads : dict of str to tuple of str
        Classes by head, in the order of the outputs.
    attributes : dict of str to Reading
    resolution : int
        Side of the pictures it takes, in pixels.
    mean, std : tuple of float
        By channel, of pixels in [0, 1].
    activation : str
        ``softmax`` turns the outputs into probabilities; ``none``: they are some.
    channels, layout : str
        ``rgb`` or ``bgr``; ``nchw`` or ``nhwc``.
    architecture : str
        Of safetensors weights: ``resnet18``, ``resnet34`` or ``resnet50``.
    """

    heads: dict[str, tuple[str, ...]]
    attributes: dict[str, Reading] = field(default_factory=dict)
    resolution: int = 224
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    activation: str = "softmax"
    channels: str = "rgb"
    layout: str = "nchw"
    architecture: str = ""

    @property
    def outputs(self) -> int:
        """Numbers that the network gives for a picture."""
        return sum(len(words) for words in self.heads.values())

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """The words of each attribute, ours in our order."""
        found = {}
        for name, reading in self.attributes.items():
            words = tuple(dict.fromkeys(reading.words.values()))
            own = CLASSES.get(name, ())
            found[name] = tuple(w for w in own if w in words) if set(words) <= set(own) else words
        return found

    def read(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """Probabilities (n, classes) by attribute from outputs (n, all)."""
        ends = np.cumsum([len(words) for words in self.heads.values()])[:-1]
        parts = dict(zip(self.heads, np.split(outputs.astype(np.float64), ends, axis=1), strict=True))
        if self.activation == "softmax":
            parts = {name: _softmax(part) for name, part in parts.items()}
        found = {}
        for name, words in self.classes.items():
            reading = self.attributes[name]
            head = self.heads[reading.head]
            member = np.array([[reading.words.get(w) == word for word in words] for w in head], dtype=float)
            joined = parts[reading.head] @ member
            found[name] = joined / np.maximum(joined.sum(1, keepdims=True), 1e-12)
        return found


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _young(limit: int) -> dict[str, str]:
    return {d: "young" if i < limit else "old" for i, d in enumerate(DECADES)}


PRESETS = {
    # FairFace's published ResNet-34 (res34_fair_align_multi_7): 18 outputs.
    "fairface": LabelMap(
        heads={
            "race": (
                "White",
                "Black",
                "Latino_Hispanic",
                "East Asian",
                "Southeast Asian",
                "Indian",
                "Middle Eastern",
            ),
            "gender": ("Male", "Female"),
            "age": DECADES,
        },
        attributes={
            "gender": Reading("gender", {"Female": "female", "Male": "male"}),
            "race": Reading("race", FAIRFACE_RACE),
            "young40": Reading("age", _young(5)),
            "young60": Reading("age", _young(7)),
        },
        **IMAGENET,
        architecture="resnet34",
    )
}


def read_label_map(file: Path) -> LabelMap:
    """A label map from its JSON file.

    Raises
    ------
    GammaFaceError
        For unknown keys or words, and heads that cannot be read.
    """
    try:
        content = json.loads(file.read_text())
        if not isinstance(content, dict):
            raise TypeError("it is no JSON object")
        return _checked(_parse(content), file)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise GammaFaceError(
            f"the label map cannot be read: {error}",
            where=file,
            fix='Write {"heads": {"gender": ["female", "male"]}, "resolution": 224}, or a preset.',
        ) from None


def _parse(content: dict) -> LabelMap:
    preset = content.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise ValueError(f"there is no preset '{preset}', only {', '.join(PRESETS)}")
    unknown = set(content) - {f.name for f in fields(LabelMap)}
    if unknown:
        raise ValueError(f"it has the unknown key '{sorted(unknown)[0]}'")
    if "heads" in content:
        content["heads"] = {name: tuple(map(str, words)) for name, words in content["heads"].items()}
    if "attributes" in content:
        content["attributes"] = {
            name: Reading(a["head"], dict(a["words"])) for name, a in content["attributes"].items()
        }
    for name in ("mean", "std"):
        if name in content:
            content[name] = tuple(float(v) for v in content[name])
    return replace(PRESETS[preset], **content) if preset else LabelMap(**content)


def _checked(found: LabelMap, file: Path) -> LabelMap:
    if not found.attributes:
        plain = {name: Reading(name, {w: w for w in words}) for name, words in found.heads.items()}
        found = replace(found, attributes=plain)
    wrong = [
        f"the attribute '{name}' is of no head, or of classes the head has not"
        for name, r in found.attributes.items()
        if r.head not in found.heads or not set(r.words) <= set(found.heads[r.head])
    ]
    wrong += [
        f"'{name}' has fewer than two classes" for name, words in found.classes.items() if len(words) < 2
    ]
    choices = {"activation": ACTIVATIONS, "channels": CHANNELS, "layout": LAYOUTS}
    for name, allowed in choices.items():
        if getattr(found, name) not in allowed:
            wrong.append(f"{name} is one of {', '.join(allowed)}")
    numbers = np.array([*found.mean, *found.std])
    if not (len(found.mean) == len(found.std) == 3 and np.isfinite(numbers).all() and min(found.std) > 0):
        wrong.append("mean and std are three numbers each, std above 0")
    if type(found.resolution) is not int or not 8 <= found.resolution <= LARGEST:
        wrong.append(f"resolution is a whole number from 8 to {LARGEST}")
    if wrong:
        raise ValueError(wrong[0])
    return found
