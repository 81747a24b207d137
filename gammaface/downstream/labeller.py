"""The second labelling arm: pseudo-labels from a classifier that saw the originals only.

The bundled classifier knows all training data, the classifier under test a subset of it: a
gain from its labels may be distillation. This labeller knows no more than the subset.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F

from gammaface.baselines.problem import Examples, Problem
from gammaface.baselines.trainer import Phase, fit, new_network, outputs_of
from gammaface.errors import GammaFaceError

PHASE = 7  # its batches are not the ones of the classifier that learns from its labels


class Labeller(torch.nn.Module):
    """Target and protected attributes from one network; called, it names the target alone."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.sizes = [problem.n_classes, *problem.levels]
        self.network = new_network(problem, sum(self.sizes))

    def heads(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits of the target and of every protected attribute."""
        return self.network(images).split(self.sizes, dim=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.heads(images)[0]


@dataclasses.dataclass(frozen=True)
class Taught:
    """A trained labeller, how often each head is right on validation, and the pictures it took."""

    labeller: Labeller
    accuracy: list[float]
    seen: int


def taught(problem: Problem) -> Taught:
    """A labeller trained on the problem's originals; generated faces have no part in it."""
    device = problem.recipe.device
    labeller = Labeller(problem)
    labels = np.column_stack([problem.originals.y, problem.originals.protected])
    targets = torch.from_numpy(labels).to(device)

    def loss(images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        heads = labeller.heads(images)
        return sum(F.cross_entropy(head.float(), targets[rows, i]) for i, head in enumerate(heads))

    phase = Phase(loss, list(labeller.parameters()), problem.recipe.images, number=PHASE)
    seen = fit(labeller, problem.originals, phase, problem)
    truth = np.column_stack([problem.validation.y, problem.validation.protected])
    answers, _ = _read(labeller, problem.validation.images, device)
    return Taught(labeller, (answers == truth).mean(0).round(4).tolist(), seen)


def relabelled(problem: Problem, found: Taught, *, min_p: float) -> tuple[Examples, dict]:
    """The problem's generated faces with labels from its own originals.

    Parameters
    ----------
    problem : Problem
        With its generated faces, whose labels are not looked at.
    found : Taught
        The labeller of its originals.
    min_p : float
        Leave out faces whose target label is less sure than this.

    Returns
    -------
    (Examples, dict)
        The faces, and how well the labeller does on validation: recall of each head is
        summed up as ``labeller_accuracy``, one number per head.

    Raises
    ------
    GammaFaceError
        When no face is that sure.
    """
    pool = problem.need("generated")
    answers, sure = _read(found.labeller, pool.images, problem.recipe.device)
    rows = np.flatnonzero(sure >= min_p)
    if not len(rows):
        raise GammaFaceError(
            f"the labeller is nowhere as sure as {min_p:g}",
            fix="Ask for less confidence, or train for longer.",
        )
    named = dataclasses.replace(pool, y=answers[:, 0], protected=answers[:, 1:]).take(rows)
    return named, {"labeller_accuracy": found.accuracy, "labeller_images_seen": found.seen}


def _read(labeller: Labeller, images: torch.Tensor, device: str) -> tuple[np.ndarray, np.ndarray]:
    """Answers (n, heads) and the probability of the target's."""
    outputs = torch.from_numpy(outputs_of(labeller.network, images, device=device)).split(labeller.sizes, 1)
    answers = torch.stack([head.argmax(1) for head in outputs], dim=1).numpy()
    return answers, outputs[0].double().softmax(1).max(1).values.numpy()
