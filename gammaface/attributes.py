"""Perceived attributes of faces: one compact network with a head per attribute.

What it names is how a face looks to the annotators of its training data. It says nothing
about who a person is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gammaface.classifiers.attribute_network import AGE_CENTRES, HEADS, Architecture, AttributeNetwork
from gammaface.classifiers.face_tensors import check_images, fit_resolution
from gammaface.classifiers.own_classifier import OwnClassifier, is_own, load_own
from gammaface.errors import GammaFaceError
from gammaface.files import file_hash
from gammaface.models.room import Room
from gammaface.workspace import MODELS

AGE_NEAR = 10  # years: an estimate this close counts as right
BATCH = 64
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Calibration:
    """What validation data says about one head.

    ``temperature`` divides the logits; below ``threshold`` an answer is uncertain (None:
    no threshold reaches the precision asked for, every answer is); ``confusion[i][j]`` =
    P(answer i | class j), as CLEAM takes it; ``n`` validation faces per class.
    """

    temperature: float = 1.0
    threshold: float | None = None
    confusion: tuple[tuple[float, ...], ...] = ()
    n: tuple[int, ...] = ()


@dataclass(frozen=True)
class AttributeClassifier:
    """A trained network, frozen, with its calibration.

    Attributes
    ----------
    network : AttributeNetwork
    resolution : int
        Side of the pictures it takes; others are resized.
    calibration : dict of str to Calibration
        By head.
    hash : str
        sha256 over weights and configuration.
    device : torch.device
    room : Room
        Cuts a batch that the device's memory does not hold.
    """

    network: AttributeNetwork
    resolution: int
    calibration: dict[str, Calibration]
    hash: str
    device: torch.device
    room: Room = field(default_factory=Room, repr=False, compare=False)

    def label(
        self, images: torch.Tensor, *, batch_size: int = BATCH, progress: Progress | None = None
    ) -> pd.DataFrame:
        """Perceived attributes of each image.

        Parameters
        ----------
        images : float tensor of shape (n, 3, H, H)
            In [-1, 1], faces framed like UTKFace's or CelebA's.
        batch_size : int
            Images at once.
        progress : callable, optional
            ``progress(done, total)``.

        Returns
        -------
        DataFrame
            For each head a word (``age``: years), ``<head>_p`` its calibrated probability
            (``age_p``: that the age lies within 10 years) and ``<head>_uncertain``: below
            the threshold that gave 95% precision on validation data.

        Raises
        ------
        GammaFaceError
            For images of another shape or range.
        """
        return self.describe(self.probabilities(images, batch_size=batch_size, progress=progress))

    def describe(self, probabilities: dict[str, np.ndarray]) -> pd.DataFrame:
        """Words, probabilities and doubts from `probabilities`."""
        columns: dict[str, object] = {}
        for name, p in probabilities.items():
            if name == "age":
                columns[name], sure = age_estimate(p)
            else:
                words = pd.Categorical.from_codes(p.argmax(1), categories=HEADS[name])
                columns[name], sure = words, p.max(1)
            threshold = self.calibration[name].threshold
            columns[f"{name}_p"] = sure
            columns[f"{name}_uncertain"] = sure < (np.inf if threshold is None else threshold)
        return pd.DataFrame(columns)

    def probabilities(
        self, images: torch.Tensor, *, batch_size: int = BATCH, progress: Progress | None = None
    ) -> dict[str, np.ndarray]:
        """Calibrated probabilities (n, classes) by head; arguments as in `label`."""
        return self.of_features(self.features(images, batch_size=batch_size, progress=progress))

    def of_features(self, features: np.ndarray) -> dict[str, np.ndarray]:
        """The probabilities of images whose `features` (n, d) are there already."""
        return {
            name: softmax(logits, self.calibration[name].temperature)
            for name, logits in self._outputs(features).items()
        }

    def logits(
        self, images: torch.Tensor, *, batch_size: int = BATCH, progress: Progress | None = None
    ) -> dict[str, np.ndarray]:
        """Raw outputs (n, classes) by head; arguments as in `label`."""
        return self._outputs(self.features(images, batch_size=batch_size, progress=progress))

    @torch.no_grad()
    def _outputs(self, features: np.ndarray) -> dict[str, np.ndarray]:
        outputs = self.network.head(torch.from_numpy(features).to(self.device)).float().cpu()
        return {name: part.numpy() for name, part in self.network.split(outputs).items()}

    @torch.no_grad()
    def features(
        self, images: torch.Tensor, *, batch_size: int = BATCH, progress: Progress | None = None
    ) -> np.ndarray:
        """Penultimate features, float32 (n, d), the mean over each image and its mirror image;
        arguments as in `label`."""
        check_images(images)
        done = []
        for batch in images.split(batch_size):
            batch = fit_resolution(batch.to(self.device, torch.float32), self.resolution)
            done.append(self.room.in_parts("labelling", self._both_sides, batch).float().cpu().numpy())
            if progress:
                progress(sum(map(len, done)), len(images))
        width = self.network.head.in_features
        return np.concatenate(done) if done else np.zeros((0, width), np.float32)

    def _both_sides(self, images: torch.Tensor) -> torch.Tensor:
        """Of a face and its mirror image: the same person, and fewer errors."""
        return (self.network.features(images) + self.network.features(images.flip(-1))) / 2


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, classes) from logits at a temperature."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def age_estimate(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected age in years and the probability that it is within 10 years, each (n,).

    A class stands for all the years nearest to its centre and counts by how many of them lie
    within: counted whole, the classes at the window's edge made the classifier look surer
    than it was.

    Examples
    --------
    >>> p = np.zeros((1, 21)); p[0, [4, 8]] = .5, .5
    >>> [float(v[0]) for v in age_estimate(p)]
    [30.0, 0.5]
    """
    centres = np.array(AGE_CENTRES, dtype=float)
    width = centres[1] - centres[0]
    years = probabilities @ centres
    inside = AGE_NEAR + width / 2 - np.abs(centres - years[:, None])
    return years, (probabilities * np.clip(inside / width, 0, 1)).sum(1)


def save_attributes(
    folder: Path,
    network: AttributeNetwork,
    *,
    architecture: Architecture,
    resolution: int,
    calibration: dict[str, Calibration],
) -> None:
    """Write ``model.safetensors`` in half precision and ``config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
    save_file({k: v.contiguous() for k, v in weights.items()}, folder / "model.safetensors")
    config = {
        "architecture": asdict(architecture),
        "resolution": resolution,
        "heads": HEADS,
        "calibration": {name: asdict(value) for name, value in calibration.items()},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def load_attributes(
    name: str | Path = "attributes", *, device: str | None = None
) -> AttributeClassifier | OwnClassifier:
    """Load the bundled classifier, a folder that `save_attributes` wrote, or a user's own.

    A user's own is an .onnx file or a folder with a label map, see
    :mod:`gammaface.classifiers.own_classifier`; it runs on the CPU.

    Raises
    ------
    GammaFaceError
        When there is none, a file is damaged, or its heads are not this version's.
    """
    folder = MODELS / str(name) if (MODELS / str(name) / "model.safetensors").is_file() else Path(name)
    if is_own(folder):
        return load_own(folder)
    weights, settings = folder / "model.safetensors", folder / "config.json"
    if not (weights.is_file() and settings.is_file()):
        raise GammaFaceError(
            f"there is no attribute classifier '{name}'",
            fix="Give a folder that `train attributes` wrote, or NAME.onnx with its label map NAME.json.",
        )
    try:
        config = json.loads(settings.read_text())
        stored = {k: tuple(v) for k, v in config["heads"].items()}
        calibration = {k: Calibration(**v) for k, v in config["calibration"].items()}
        network = AttributeNetwork(Architecture(**config["architecture"]))
        resolution = int(config["resolution"])
        if resolution < 8:
            raise ValueError(f"it takes pictures of {resolution} pixels")
        network.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in load_file(weights).items()}
        )
    except UNREADABLE as error:
        raise GammaFaceError(
            f"the attribute classifier is damaged: {str(error).splitlines()[0][:200]}",
            where=folder,
            fix="Copy the folder again, or train it.",
        ) from None
    if stored != HEADS or set(calibration) != set(HEADS):
        raise GammaFaceError("its heads are of another version", where=folder, fix="Train it again.")
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    network.to(target, memory_format=torch.channels_last).requires_grad_(False).eval()
    return AttributeClassifier(network, resolution, calibration, file_hash(weights, settings), target)
