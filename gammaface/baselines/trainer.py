"""One network, one training loop and one way to predict, shared by all methods.

A step's batch, its augmentation and its dropout depend on (seed, step, phase) alone, so a
cell that is computed again on the same machine gives the same predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from gammaface.baselines.problem import Examples, Problem, Recipe, Trained
from gammaface.classifiers.attribute_network import ARCHITECTURES, Architecture, AttributeNetwork
from gammaface.errors import GammaFaceError
from gammaface.images import to_unit
from gammaface.models.precision import arithmetic
from gammaface.models.room import told_when_full
from gammaface.training.augment import augment
from gammaface.training.loop import denormals_flushed, step_generator

BACKBONES: dict[str, Architecture] = ARCHITECTURES | {
    # A quarter of compact's work: its stem halves the picture twice.
    "small": Architecture((32, 48, 96, 192), (1, 1, 2, 1), 32),
    "tiny": Architecture((8, 16), (1, 1), 8, pool=False, dropout=0.0),
}
AUGMENTATIONS = ("faces", "none")
PREDICT_BATCH = 256
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""loss(images (b, 3, R, R) in [-1, 1], rows (b,)) of one batch."""


class FaceClassifier(torch.nn.Module):
    """Features of a ResNet and one linear layer."""

    def __init__(self, backbone: str, outputs: int) -> None:
        super().__init__()
        architecture = BACKBONES[backbone]
        self.backbone = AttributeNetwork(architecture).backbone
        self.dropout = torch.nn.Dropout(architecture.dropout)
        self.width = architecture.hidden_sizes[-1]
        self.head = torch.nn.Linear(self.width, outputs)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """(n, width) pooled features of images (n, 3, H, W)."""
        return self.backbone(images).pooler_output.flatten(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.dropout(self.features(images)))


def check_recipe(recipe: Recipe) -> None:
    """Refuse a recipe that cannot train anything."""
    for what, value, allowed in (
        ("backbone", recipe.backbone, tuple(BACKBONES)),
        ("augmentation", recipe.augmentation, AUGMENTATIONS),
    ):
        if value not in allowed:
            raise GammaFaceError(f"{what} '{value}' is not known", fix=f"Choose one of {', '.join(allowed)}.")
    whole = (recipe.images, recipe.batch_size, recipe.validate_every, recipe.patience, recipe.resolution)
    if min(whole) < 1 or not recipe.learning_rate > 0:
        raise GammaFaceError(
            "the recipe has a size or a rate that is not above 0", fix="Give images, batch size and rate."
        )


def new_network(problem: Problem, outputs: int | None = None) -> FaceClassifier:
    """An untrained classifier whose weights depend on the seed alone."""
    torch.manual_seed(problem.seed)
    network = FaceClassifier(problem.recipe.backbone, outputs or problem.n_classes)
    return network.to(problem.recipe.device, memory_format=torch.channels_last)


def weighted_loss(
    network: torch.nn.Module, y: np.ndarray, weights: np.ndarray | None = None, *, device: str
) -> Loss:
    """Cross entropy of a batch, each row times its weight."""
    targets = torch.from_numpy(y).to(device)
    each = None if weights is None else torch.from_numpy(weights).float().to(device)

    def loss(images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        found = F.cross_entropy(network(images).float(), targets[rows], reduction="none")
        return (found if each is None else found * each[rows]).mean()

    return loss


@dataclass(frozen=True)
class Phase:
    """One part of a training: what it optimises and for how many pictures.

    ``number`` tells the random streams of a cell's phases apart; ``sampling`` are the odds
    of each row, equal unless given; without ``validate`` it runs to the end.
    """

    loss: Loss
    parameters: list[torch.nn.Parameter]
    images: int
    number: int = 0
    sampling: np.ndarray | None = None
    validate: bool = True
    after_step: Callable[[], None] | None = None


@denormals_flushed()
def fit(network: torch.nn.Module, examples: Examples, phase: Phase, problem: Problem) -> int:
    """Train with Adam; keep the weights that validate best; return the pictures shown.

    Source: Kingma and Ba 2015 for Adam.

    Raises
    ------
    GammaFaceError
        Nothing to train on, or a loss that became NaN.
    """
    recipe = problem.recipe
    if not len(examples):
        raise GammaFaceError("there is no example to train on", fix="Check the labels and the shares.")
    steady()
    optimizer = torch.optim.Adam(phase.parameters, lr=recipe.learning_rate)
    odds = None if phase.sampling is None else torch.from_numpy(phase.sampling).double()
    best, kept, worse, checked = float("inf"), None, 0, 0
    network.train()
    seen = step = 0
    while seen < phase.images and worse < recipe.patience:
        source = step_generator(problem.seed, step, phase.number)
        torch.manual_seed(source.initial_seed())  # dropout draws from torch's own stream
        size = min(recipe.batch_size, phase.images - seen)
        if odds is None:
            rows = torch.randint(len(examples), (size,), generator=source)
        else:
            rows = torch.multinomial(odds, size, replacement=True, generator=source)
        images = prepare(examples.images[rows], recipe, source)
        optimizer.zero_grad(set_to_none=True)
        with told_when_full(f"a training batch of {size}", fix="Give a smaller --batch-size."):
            with arithmetic(torch.device(recipe.device)):
                loss = phase.loss(images, rows.to(recipe.device))
            if not torch.isfinite(loss):
                raise GammaFaceError(f"the loss became NaN at step {step}", fix="Lower --learning-rate.")
            loss.backward()
        optimizer.step()
        if phase.after_step:
            phase.after_step()
        seen, step = seen + size, step + 1
        due = seen >= checked + recipe.validate_every or seen >= phase.images
        if phase.validate and due:
            checked = seen
            found = validation_loss(network, problem)
            if found < best:
                best, worse = found, 0
                kept = {name: value.clone() for name, value in network.state_dict().items()}
            else:
                worse += 1
            network.train()
    if kept is not None:
        network.load_state_dict(kept)
    network.eval()
    return seen


def steady() -> None:
    """Set what the last digits depend on, so that no cell depends on the one before it."""
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False


def prepare(pictures: torch.Tensor, recipe: Recipe, source: torch.Generator) -> torch.Tensor:
    """Augmented images in [-1, 1] on the device, the same way for all methods."""
    if recipe.augmentation == "faces":
        images = augment(pictures, resolution=recipe.resolution, source=source)
    else:
        images = to_unit(pictures)
    return images.to(recipe.device).contiguous(memory_format=torch.channels_last)


def validation_loss(network: torch.nn.Module, problem: Problem) -> float:
    """Mean cross entropy on the validation faces."""
    p = predict(network, problem.validation.images, device=problem.recipe.device)
    own = p[np.arange(len(p)), problem.validation.y]
    return float(-np.log(np.clip(own, 1e-12, None)).mean())


@torch.no_grad()
def predict(network: torch.nn.Module, images: torch.Tensor, *, device: str) -> np.ndarray:
    """Probabilities (n, outputs), float64, of uint8 images (n, 3, H, H)."""
    return torch.from_numpy(outputs_of(network, images, device=device)).double().softmax(1).numpy()


@torch.no_grad()
def outputs_of(network: Callable, images: torch.Tensor, *, device: str) -> np.ndarray:
    """What a network or its `features` give for uint8 images, float32 (n, d), batch by batch."""
    module = getattr(network, "__self__", network)
    module.eval()
    parts = []
    for batch in images.split(PREDICT_BATCH):
        ready = to_unit(batch).to(device).contiguous(memory_format=torch.channels_last)
        parts.append(network(ready).float().cpu().numpy())
    return np.concatenate(parts)


def train_on(
    problem: Problem,
    examples: Examples,
    *,
    weights: np.ndarray | None = None,
    sampling: np.ndarray | None = None,
    facts: dict | None = None,
) -> Trained:
    """A new classifier trained on examples: what most methods come down to."""
    network = new_network(problem)
    loss = weighted_loss(network, examples.y, weights, device=problem.recipe.device)
    phase = Phase(loss, list(network.parameters()), problem.recipe.images, sampling=sampling)
    seen = fit(network, examples, phase, problem)
    counted = {"n_original": len(examples), "n_generated": 0, "images_seen": seen}
    return Trained(network, counted | (facts or {}))
