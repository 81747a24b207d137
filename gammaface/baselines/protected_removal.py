"""PASS: take the protected attribute out of frozen features, against an ensemble of readers.

Dhar et al. 2021, "PASS: protected attribute suppression system". A small layer maps frozen
features to new ones that name the target while no discriminator can tell the group. The
discriminators learn in turns, one at a time, which keeps some that the layer has not just
beaten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from gammaface.baselines.plain import baseline
from gammaface.baselines.problem import Problem, Trained
from gammaface.baselines.trainer import outputs_of

READER = 32  # hidden units of a discriminator


@dataclass(frozen=True)
class Removal:
    """Settings of the game between the layer and its readers."""

    width: int = 32  # of the new features
    readers: int = 3
    strength: float = 3.0  # of the removal beside the target's loss
    rounds: int = 60
    layer_steps: int = 10  # per round
    reader_steps: int = 50  # per round, of the one whose turn it is
    batch_size: int = 256
    learning_rate: float = 1e-2
    reader_rate: float = 1e-2


class DebiasedHead(torch.nn.Module):
    """Frozen features (n, d) -> new features (n, width) -> logits."""

    def __init__(self, inputs: int, classes: int, width: int) -> None:
        super().__init__()
        self.layer = torch.nn.Sequential(torch.nn.Linear(inputs, width), torch.nn.PReLU())
        self.head = torch.nn.Linear(width, classes)
        self.register_buffer("centre", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))

    def features(self, frozen: torch.Tensor) -> torch.Tensor:
        return self.layer((frozen - self.centre) / self.scale)

    def forward(self, frozen: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(frozen))


class DebiasedClassifier(torch.nn.Module):
    """A frozen network's features through a `DebiasedHead`."""

    def __init__(self, network: torch.nn.Module, head: DebiasedHead) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.network.features(images))


def remove_protected(
    features: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    *,
    n_classes: int,
    n_groups: int,
    seed: int = 0,
    settings: Removal | None = None,
    device: str = "cpu",
) -> DebiasedHead:
    """Learn the layer and its head from frozen features.

    Parameters
    ----------
    features : float array of shape (n, d)
    y, groups : integer arrays of shape (n,)
        Target class and protected group. Rows are drawn so that every (class, group) cell
        comes equally often: else the readers may read the group from the target.

    Notes
    -----
    The removal loss is the cross entropy between the discriminator that reads the group
    best at the time and the uniform answer.
    """
    s = settings or Removal()
    torch.manual_seed(seed)
    head = DebiasedHead(features.shape[1], n_classes, s.width).to(device)
    x = torch.from_numpy(features).float().to(device)
    head.centre.copy_(x.mean(0))
    head.scale.copy_(x.std(0).clamp_min(1e-6))
    target, group = (torch.from_numpy(labels).to(device) for labels in (y, groups))
    readers = [_reader(s.width, n_groups).to(device) for _ in range(s.readers)]
    optimizers = [torch.optim.Adam(r.parameters(), lr=s.reader_rate) for r in readers]
    optimizer = torch.optim.Adam(head.parameters(), lr=s.learning_rate)
    cells = y * n_groups + groups
    odds = torch.from_numpy(1 / np.bincount(cells)[cells])
    source = torch.Generator().manual_seed(seed)

    def batch() -> torch.Tensor:
        return torch.multinomial(odds, s.batch_size, replacement=True, generator=source).to(device)

    def teach(turn: int) -> None:
        for _ in range(s.reader_steps):
            rows = batch()
            seen = head.features(x[rows]).detach()
            _step(optimizers[turn], F.cross_entropy(readers[turn](seen), group[rows]))

    for turn in range(s.readers):
        teach(turn)
    for game in range(s.rounds):
        for part in optimizer.param_groups:  # a falling rate lets the game settle
            part["lr"] = s.learning_rate * (1 - game / s.rounds)
        for _ in range(s.layer_steps):
            rows = batch()
            new = head.features(x[rows])
            answers = [reader(new).log_softmax(1) for reader in readers]
            best = min(answers, key=lambda answer: float(F.nll_loss(answer, group[rows]).detach()))
            loss = F.cross_entropy(head.head(new), target[rows]) + s.strength * -best.mean()
            _step(optimizer, loss)
        teach(game % s.readers)
    return head.requires_grad_(False).eval()


def pass_(problem: Problem) -> Trained:
    """Train the baseline, freeze it, and take the protected group out of its features.

    The network sees no more pictures than the baseline's: the game is played on features.
    """
    trained = problem.plain() if problem.plain else baseline(problem)
    device = problem.recipe.device
    originals = problem.originals
    frozen = outputs_of(trained.network.features, originals.images, device=device)
    groups = originals.cells(problem.levels)
    head = remove_protected(
        frozen,
        originals.y,
        groups,
        n_classes=problem.n_classes,
        n_groups=problem.n_groups,
        seed=problem.seed,
        device=device,
    )
    return Trained(DebiasedClassifier(trained.network, head).eval(), trained.facts)


def _reader(inputs: int, groups: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, READER),
        torch.nn.SELU(),
        torch.nn.Linear(READER, groups),
    )


def _step(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
