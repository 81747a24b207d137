"""Features that ignore an edit along the spurious direction of a code space.

DiGA (2024): two logistic regressions read the target from codes. The weakly regularised
one uses whatever separates the classes; the strongly regularised one leans on what varies
most, the shortcut. Their difference points along the shortcut, with no protected label.
Features are then trained to be the same before and after an edit along it (BYOL, Grill et
al. 2020), and a logistic regression on them names the target.

Their codes are a diffusion autoencoder's; here any `CodeSpace` will do, such as the
clean latents of the bundled autoencoder.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression

from gammaface.baselines.problem import Problem, Trained
from gammaface.baselines.trainer import (
    FaceClassifier,
    Phase,
    fit,
    new_network,
    outputs_of,
    prepare,
)
from gammaface.training.loop import step_generator

WEAK, STRONG = 1e4, 1e-4  # inverse regularisation C of the two readers
TARGET_SHARE = 1.0  # k: how much of the target's own direction is taken away, in .5..1.5
STRENGTHS = (3.0, 6.0)  # length of an edit, in standard deviations of the codes
SIGNS = (-1.0, 1.0)
TARGET_DECAY = 0.99  # of BYOL's slowly moving network
PROJECTION = 64
MAX_ITERATIONS = 500


def spurious_directions(
    codes: np.ndarray, labels: np.ndarray, *, share: float = TARGET_SHARE, seed: int = 0
) -> np.ndarray:
    r"""Unit directions along which codes vary with the target for the wrong reason.

    .. math:: v = norm(v_{small} - k\, v_{big})

    Source: DiGA 2024; v are the unit coefficients of logistic regressions at C = 1e-4 and
    C = 1e4, k = `share`.

    Parameters
    ----------
    codes : array of shape (n, d)
    labels : integer array of shape (n,)
        Target classes; protected attributes are not asked for.

    Returns
    -------
    array of shape (1 or classes, d)
        One direction for two classes, else one per class against the others.
    """
    # Not standardised per dimension: the strong penalty finds what varies most.
    centred = (codes - codes.mean(0)) / codes.std()

    def reader(c: float) -> np.ndarray:
        found = LogisticRegression(C=c, max_iter=MAX_ITERATIONS, random_state=seed).fit(centred, labels)
        return found.coef_ / np.linalg.norm(found.coef_, axis=1, keepdims=True)

    way = reader(STRONG) - share * reader(WEAK)
    return way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-12)


def edited_pictures(problem: Problem) -> torch.Tensor:
    """Each original moved back and forth along its direction: uint8 (2, n, 3, H, H)."""
    originals, space = problem.originals, problem.need("codes")
    codes = space.encode(originals.images)
    ways = spurious_directions(codes, originals.y, seed=problem.seed)
    own = ways[originals.y % len(ways)]
    spread = (codes @ ways.T).std(0)[originals.y % len(ways)]
    rng = np.random.default_rng([problem.seed, 3])
    moved = []
    for sign in SIGNS:
        length = sign * rng.uniform(*STRENGTHS, len(codes)) * spread
        moved.append(space.decode((codes + length[:, None] * own).astype(codes.dtype)))
    return torch.stack(moved)


class Byol(torch.nn.Module):
    """An online network that predicts what a slowly moving copy makes of the other view."""

    def __init__(self, encoder: FaceClassifier) -> None:
        super().__init__()
        self.encoder = encoder
        self.project = _two_layers(encoder.width, PROJECTION)
        self.predict = _two_layers(PROJECTION, PROJECTION)
        self.slow = copy.deepcopy(torch.nn.ModuleList([encoder, self.project])).requires_grad_(False)

    def loss(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """2 - 2 cos between prediction and target, both ways."""
        both = torch.cat([first, second])
        predicted = self.predict(self.project(self.encoder.features(both)))
        with torch.no_grad():
            encoder, project = self.slow
            target = project(encoder.features(both)).roll(len(first), 0)
        return 2 - 2 * F.cosine_similarity(predicted.float(), target.float()).mean()

    @torch.no_grad()
    def follow(self) -> None:
        """Move the slow copy towards the online network."""
        online = [*self.encoder.parameters(), *self.project.parameters()]
        torch._foreach_lerp_(list(self.slow.parameters()), online, 1 - TARGET_DECAY)


def diga(problem: Problem) -> Trained:
    """Train features that ignore the spurious edits, then read the originals' classes from them.

    The reader sees every original once; the rest of the budget, half of it at least, goes
    into the features.
    """
    edits = edited_pictures(problem)
    recipe, device = problem.recipe, problem.recipe.device
    network = new_network(problem)
    byol = Byol(network).to(device)
    originals = problem.originals
    steps = iter(range(recipe.images))

    def invariance(images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        source = step_generator(problem.seed, next(steps), 2)
        rows = rows.cpu()
        side = torch.randint(len(SIGNS), (len(rows),), generator=source)
        return byol.loss(images, prepare(edits[side, rows], recipe, source))

    online = [p for p in byol.parameters() if p.requires_grad]
    shown = max(recipe.images - len(originals), recipe.images // 2)
    views = max(1, shown // 2)  # a step shows two pictures for each row
    phase = Phase(invariance, online, views, number=1, validate=False, after_step=byol.follow)
    seen = 2 * fit(byol, originals, phase, problem)
    features = outputs_of(network.features, originals.images, device=device)
    read_classes(network.head, features, originals.y)
    seen += len(originals)
    return Trained(network, {"n_original": len(originals), "n_generated": 0, "images_seen": seen})


@torch.no_grad()
def read_classes(head: torch.nn.Linear, features: np.ndarray, labels: np.ndarray) -> None:
    """Set a linear layer to the logistic regression of labels on features (n, width)."""
    mean, spread = features.mean(0), np.maximum(features.std(0), 1e-6)
    found = LogisticRegression(max_iter=MAX_ITERATIONS).fit((features - mean) / spread, labels)
    weight, bias = found.coef_ / spread, found.intercept_ - found.coef_ @ (mean / spread)
    if len(weight) == 1:  # two classes: one logit, of the second against the first
        weight, bias = np.stack([-weight[0], weight[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
    head.weight.copy_(torch.from_numpy(weight))
    head.bias.copy_(torch.from_numpy(bias))


def _two_layers(inputs: int, outputs: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, PROJECTION),
        torch.nn.BatchNorm1d(PROJECTION),
        torch.nn.ReLU(),
        torch.nn.Linear(PROJECTION, outputs),
    )
