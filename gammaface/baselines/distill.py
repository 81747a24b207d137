"""Distill and de-bias: groups learn in turns, each held to the features of the one before.

Dhar et al. 2021, "Distill and De-bias". A teacher learns on one group; a student learns on
the other faces while its features stay near the teacher's, so that it keeps to what served
both; a last student, held to the first one's features, learns on all.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from gammaface.baselines.problem import Examples, Problem, Trained
from gammaface.baselines.trainer import FaceClassifier, Phase, fit, new_network, weighted_loss
from gammaface.errors import GammaFaceError

STRENGTH = 1.0  # of the pull towards the teacher's features


def distill_debias(problem: Problem) -> Trained:
    """Teacher on the commonest group, student on the others, student on all.

    Each of the three has a third of the budget. The group is the joint cell of all
    protected attributes.

    Raises
    ------
    GammaFaceError
        When there is one group only.
    """
    originals, device = problem.originals, problem.recipe.device
    cells = originals.cells(problem.levels)
    first = cells == np.bincount(cells).argmax()
    if first.all():
        raise GammaFaceError("all faces are of one group", fix="Choose another protected attribute.")
    teacher, seen = None, 0
    for number, rows in enumerate((first, ~first, np.full(len(cells), True))):
        part = originals.take(np.flatnonzero(rows))
        images = problem.recipe.images // 3 + (problem.recipe.images % 3 > number)
        student = new_network(problem)
        loss = distilled_loss(student, teacher, part, device=device)
        phase = Phase(loss, list(student.parameters()), images, number=number)
        seen += fit(student, part, phase, problem)
        teacher = student
    return Trained(teacher, {"n_original": len(originals), "n_generated": 0, "images_seen": seen})


def distilled_loss(student: FaceClassifier, teacher: FaceClassifier | None, part: Examples, *, device: str):
    """Cross entropy, and 1 - cos between the features of student and teacher."""
    if teacher is None:
        return weighted_loss(student, part.y, device=device)
    targets = torch.from_numpy(part.y).to(device)

    def loss(images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        features = student.features(images)
        with torch.no_grad():
            wanted = teacher.features(images)
        named = F.cross_entropy(student.head(student.dropout(features)).float(), targets[rows])
        return named + STRENGTH * (1 - F.cosine_similarity(features.float(), wanted.float()).mean())

    return loss
