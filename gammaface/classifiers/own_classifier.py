"""A user's own attribute classifier: ONNX or safetensors weights with a label map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from gammaface.classifiers.face_tensors import check_images, fit_resolution
from gammaface.classifiers.label_maps import LabelMap, read_label_map
from gammaface.classifiers.onnx_models import OnnxModel
from gammaface.classifiers.resnet import DEPTHS, ResNet
from gammaface.errors import GammaFaceError
from gammaface.files import file_hash

MAP = "label_map.json"
BATCH = 64
Progress = Callable[[int, int], None]
Seeing = TypeVar("Seeing")


@dataclass(frozen=True)
class OwnClassifier:
    """Somebody's classifier as a labeller: it has no measured recalls and no features.

    Attributes
    ----------
    network : callable
        Normalised pictures (n, 3, R, R) float32 to outputs (n, k).
    labels : LabelMap
    hash : str
        sha256 over weights and label map.
    """

    network: Callable[[np.ndarray], np.ndarray]
    labels: LabelMap
    hash: str

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """The words of each attribute."""
        return self.labels.classes

    @property
    def resolution(self) -> int:
        """Side of the pictures it takes."""
        return self.labels.resolution

    def probabilities(
        self, images: torch.Tensor, *, batch_size: int = BATCH, progress: Progress | None = None
    ) -> dict[str, np.ndarray]:
        """Probabilities (n, classes) by attribute, of images (n, 3, H, H) in [-1, 1].

        Raises
        ------
        GammaFaceError
            For images of another shape or range, and outputs that the label map does not name.
        """
        check_images(images)
        parts = []
        for batch in images.split(batch_size):
            outputs = np.asarray(self.network(self._prepared(batch)), dtype=np.float64)
            if outputs.ndim != 2 or outputs.shape[1] != self.labels.outputs:
                raise GammaFaceError(
                    f"the classifier gives {outputs.shape[1:]} numbers a face, its label map names"
                    f" {self.labels.outputs}",
                    fix="Name every output in `heads`, in their order.",
                )
            parts.append(outputs)
            if progress:
                progress(sum(map(len, parts)), len(images))
        return self.labels.read(np.concatenate(parts) if parts else np.zeros((0, self.labels.outputs)))

    def describe(self, probabilities: dict[str, np.ndarray]) -> pd.DataFrame:
        """Words and probabilities; without validation data every answer counts as uncertain."""
        columns: dict[str, object] = {}
        for name, p in probabilities.items():
            columns[name] = pd.Categorical.from_codes(p.argmax(1), categories=self.classes[name])
            columns[f"{name}_p"] = p.max(1)
            columns[f"{name}_uncertain"] = np.ones(len(p), dtype=bool)
        return pd.DataFrame(columns)

    def label(
        self, images: torch.Tensor, *, batch_size: int = BATCH, progress: Progress | None = None
    ) -> pd.DataFrame:
        """Perceived attributes of each image, as `describe` says them."""
        return self.describe(self.probabilities(images, batch_size=batch_size, progress=progress))

    def _prepared(self, batch: torch.Tensor) -> np.ndarray:
        pixels = (fit_resolution(batch.float(), self.resolution).clamp(-1, 1) + 1) / 2
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (self.labels.mean, self.labels.std))
        if self.labels.channels == "bgr":
            pixels = pixels.flip(1)
        return ((pixels - mean) / std).contiguous().numpy()


def with_features(classifier: Seeing, *, named: str) -> Seeing:
    """The classifier, if distances can be measured in its features; a user's own has none.

    Raises
    ------
    GammaFaceError
        When it has none.
    """
    if not hasattr(classifier, "features"):
        raise GammaFaceError(
            f"the classifier '{named}' has no features to measure distances in",
            fix="Give the bundled one, attributes, or a folder that `train attributes` wrote.",
        )
    return classifier


def is_own(path: Path) -> bool:
    """Whether a path is a user's classifier: an .onnx file, or a folder with a label map."""
    return path.suffix.lower() == ".onnx" or (path / MAP).is_file()


def load_own(path: Path) -> OwnClassifier:
    """Load NAME.onnx with NAME.json beside it, or a folder with ``label_map.json`` and weights.

    Raises
    ------
    GammaFaceError
        When weights or label map are missing, damaged, or do not fit each other.
    """
    if path.suffix.lower() == ".onnx":
        weights, labels = path, path.with_suffix(".json")
        labels = labels if labels.is_file() else path.with_name(MAP)
    else:
        labels = path / MAP
        found = sorted(p for p in path.iterdir() if p.suffix in (".onnx", ".safetensors"))
        if len(found) != 1:
            raise GammaFaceError(
                f"{len(found)} weight files lie beside the label map",
                where=path,
                fix="Put one .onnx or .safetensors file there.",
            )
        weights = found[0]
    for file in (weights, labels):
        if not file.is_file():
            raise GammaFaceError(
                f"the classifier has no file {file.name}",
                where=path,
                fix="Give NAME.onnx with NAME.json beside it, or a folder with weights and label_map.json.",
            )
    label_map = read_label_map(labels)
    make = _onnx if weights.suffix.lower() == ".onnx" else _resnet
    return OwnClassifier(make(weights, label_map), label_map, file_hash(weights, labels))


def _onnx(file: Path, labels: LabelMap) -> Callable[[np.ndarray], np.ndarray]:
    model = OnnxModel(file)

    def network(pictures: np.ndarray) -> np.ndarray:
        batch = pictures.transpose(0, 2, 3, 1) if labels.layout == "nhwc" else pictures
        outputs = model.run(batch)
        if len(outputs) > 1:  # one per head: by name where they have the heads' names, else in order
            named = dict(zip(model.names, outputs, strict=True))
            if set(labels.heads) <= set(named):
                outputs = [named[head] for head in labels.heads]
        return np.concatenate([out.reshape(len(batch), -1) for out in outputs], axis=1)

    return network


def _resnet(file: Path, labels: LabelMap) -> Callable[[np.ndarray], np.ndarray]:
    if labels.architecture not in DEPTHS:
        raise GammaFaceError(
            f"the label map gives the architecture '{labels.architecture}'",
            where=file,
            fix=f"Choose from {', '.join(DEPTHS)}, or export the classifier as ONNX.",
        )
    try:
        tensors = {k.removeprefix("module."): v.float() for k, v in load_file(file).items()}
        network = ResNet(labels.architecture, labels.outputs)
        network.load_state_dict(tensors, strict=False)
        # Batch counters are left out of some files; they play no part in answering.
        missing = [k for k in network.state_dict() if k not in tensors and "num_batches" not in k]
        if missing:
            raise KeyError(missing[0])
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise GammaFaceError(
            f"these are no {labels.architecture} weights: {str(error).splitlines()[0][:160]}",
            where=file,
            fix="Save torchvision's state_dict as safetensors, or export the classifier as ONNX.",
        ) from None
    network.requires_grad_(False).eval()

    def run(pictures: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(pictures)).numpy()

    return run
