"""A small classifier for pictures of any classes, when the question is not about faces."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from gammaface.attributes import softmax
from gammaface.datasets.long_tail import ClassImages
from gammaface.errors import GammaFaceError
from gammaface.files import file_hash, told_when_unwritable
from gammaface.images import to_unit
from gammaface.training.attributes import calibrate
from gammaface.training.loop import Schedule, as_config, step_generator, train

WIDTH, FEATURES = 32, 64
BATCH = 256
SHIFT = 8  # pictures are moved by at most one pixel in so many
LEARNING_RATE = 2e-3


class ClassNetwork(nn.Module):
    """Three convolutions, a layer of features, and the classes."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, WIDTH, 3, 1, 1),
            nn.SiLU(),
            nn.Conv2d(WIDTH, 2 * WIDTH, 3, 2, 1),
            nn.SiLU(),
            nn.Conv2d(2 * WIDTH, 2 * WIDTH, 3, 1, 1),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(32 * WIDTH, FEATURES),
            nn.SiLU(),
        )
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(images))


@dataclass(frozen=True)
class ClassClassifier:
    """A trained network over one attribute, frozen.

    Attributes
    ----------
    network : ClassNetwork
    classes : dict of str to tuple of str
        The one attribute and its classes.
    temperature : float
        Divides the logits.
    recalls : dict of str to list
        P(answer i | class j) on the test pictures.
    hash : str
        sha256 of the weights.
    """

    network: ClassNetwork
    classes: Mapping[str, tuple[str, ...]]
    temperature: float
    recalls: dict[str, list]
    hash: str

    def probabilities(self, images: torch.Tensor) -> dict[str, np.ndarray]:
        """Of each class, (n, K), for images (n, 3, H, W) in [-1, 1]."""
        return self.of_features(self.features(images))

    def of_features(self, features: np.ndarray) -> dict[str, np.ndarray]:
        """The probabilities of images whose `features` (n, 64) are there already."""
        return {next(iter(self.classes)): softmax(self._outputs(features), self.temperature)}

    def differentiable(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """The same as a tensor with a gradient."""
        logits = self.network(images.to(next(self.network.parameters()).device))
        return {next(iter(self.classes)): (logits.float() / self.temperature).softmax(1)}

    def logits(self, images: torch.Tensor) -> np.ndarray:
        """(n, K) float32."""
        return self._outputs(self.features(images))

    @torch.no_grad()
    def _outputs(self, features: np.ndarray) -> np.ndarray:
        device = next(self.network.parameters()).device
        return self.network.head(torch.from_numpy(features).to(device)).cpu().numpy()

    @torch.no_grad()
    def features(self, images: torch.Tensor) -> np.ndarray:
        """(n, 64) float32."""
        device = next(self.network.parameters()).device
        return np.concatenate([self.network.body(b.to(device)).cpu().numpy() for b in images.split(BATCH)])


def train_class_classifier(
    images: ClassImages, *, attribute: str, out: Path, presentations: int = 60_000, seed: int = 0
) -> ClassClassifier:
    """Train on the training pictures, every class drawn equally often; read it if it is there.

    Raises
    ------
    GammaFaceError
        When `out` holds another classifier, or one that is damaged.
    """
    schedule = Schedule(
        images=presentations,
        learning_rate=LEARNING_RATE,
        warmup_images=presentations // 20,
        ema_half_life=max(1, presentations // 40),
        decay=0.5,
        seed=seed,
    )
    classes = {attribute: images.classes}
    if not (out / "config.json").is_file():
        network = _fit(images, schedule, out / "training")
        _save(out, network, images, classes)
        shutil.rmtree(out / "training", ignore_errors=True)
    found = load_class_classifier(out)
    if dict(found.classes) != classes:
        raise GammaFaceError(
            f"the classifier here names {found.classes}", where=out, fix="Give another --out."
        )
    return found


def load_class_classifier(folder: Path) -> ClassClassifier:
    """Read a stored classifier.

    Raises
    ------
    GammaFaceError
        When files are missing or damaged.
    """
    weights = folder / "model.safetensors"
    try:
        config = json.loads((folder / "config.json").read_text())
        classes = {name: tuple(words) for name, words in config["classes"].items()}
        network = ClassNetwork(len(next(iter(classes.values()))))
        network.load_state_dict(load_file(weights))
        temperature, recalls = float(config["temperature"]), config["recalls"]
    except (OSError, ValueError, KeyError, TypeError, StopIteration, RuntimeError, SafetensorError) as error:
        raise GammaFaceError(
            f"the classifier cannot be read: {(str(error).splitlines() or ['?'])[0][:200]}",
            where=folder,
            fix="Delete its folder: it is trained again.",
        ) from None
    network.requires_grad_(False).eval()
    return ClassClassifier(network, classes, temperature, recalls, file_hash(weights))


def _fit(images: ClassImages, schedule: Schedule, out: Path) -> nn.Module:
    part = images.select(~images.test)
    rows = [torch.from_numpy(np.flatnonzero(part.codes == code)) for code in range(len(part.classes))]
    pixels = to_unit(part.pixels)
    reach = max(1, pixels.shape[-1] // SHIFT)
    torch.manual_seed(schedule.seed)

    def loss_of(model, step, accelerator):
        source = step_generator(schedule.seed, step, accelerator.process_index)
        torch.manual_seed(source.initial_seed())  # dropout draws from torch's own stream
        codes = torch.randint(len(rows), (schedule.batch_size,), generator=source)
        picks = [rows[c][torch.randint(len(rows[c]), (1,), generator=source)] for c in codes.tolist()]
        batch = pixels[torch.cat(picks)]
        padded = F.pad(batch, (reach,) * 4, mode="replicate")
        x, y = torch.randint(2 * reach + 1, (2,), generator=source).tolist()
        side = batch.shape[-1]
        batch = padded[:, :, y : y + side, x : x + side].to(accelerator.device)
        return F.cross_entropy(model(batch).float(), codes.to(accelerator.device))

    config = as_config(kind="classes", schedule=schedule, classes=list(part.classes), n=len(part.codes))
    network, _ = train(
        ClassNetwork(len(part.classes)),
        loss_of,
        schedule=schedule,
        out=out,
        config=config,
        resume=True,
        quiet=True,
    )
    return network


def _save(out: Path, network: nn.Module, images: ClassImages, classes: dict[str, tuple[str, ...]]) -> None:
    test = images.select(images.test)
    plain = ClassClassifier(network.eval(), classes, 1.0, {}, "")
    found = calibrate(plain.logits(to_unit(test.pixels)), test.codes)
    facts = {
        "classes": classes,
        "temperature": found.temperature,
        "recalls": {name: found.confusion for name in classes},
        "n": found.n,
    }
    weights = {k: v.cpu().contiguous() for k, v in network.state_dict().items()}
    with told_when_unwritable(out, what="the classifier"):
        out.mkdir(parents=True, exist_ok=True)
        save_file(weights, out / "model.safetensors")
        (out / "config.json").write_text(json.dumps(facts, indent=1))
