"""Distribution guidance: every image is steered to its own group, or every batch to the shares.

Form ``sample`` is classifier guidance (Dhariwal & Nichol 2021, algorithm 2) with a target
cell for each place. Form ``batch`` is Parihar et al. 2024 (Balancing Act, eq. 5-7):
the mean prediction of a batch is pushed to the target's shares, in h-space.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.sampling import Denoise
from gammaface.strategies.kept_heads import KEPT
from gammaface.strategies.labelling import cell_probabilities
from gammaface.strategies.noisy_heads import NoisyHeads
from gammaface.strategies.pilot import Pilot, draw_pilot
from gammaface.strategies.request import Drawn, Learned, Request
from gammaface.strategies.steering import (
    StepHeads,
    draw_batches,
    draw_rows,
    fit_step_heads,
    record_pilot,
)
from gammaface.strategies.strategy import check_need, described
from gammaface.strategies.target import Target

LEAST_SEEN = 8  # images of a class that a pilot must hold, summed probabilities


class Heads(Protocol):
    """What guidance asks of a classifier of noisy x."""

    def log_chosen(self, x: torch.Tensor, abar: float, classes: Mapping[str, np.ndarray]) -> torch.Tensor:
        """log p of the chosen class of each attribute given x_t, added up: (b,)."""
        ...


class Guided:
    """A :data:`gammaface.sampling.Denoise` that follows a classifier to chosen classes.

    The predicted noise is shifted by ``-scale sqrt(1 - abar) grad log p(classes | x_t)``,
    the predicted x_0 accordingly. At scale 1 and with exact parts that samples
    p(x | classes); row i of x depends on no other row.

    Parameters
    ----------
    denoise : Denoise
        The model's own prediction.
    heads : Heads
    classes : mapping of str to array
        (b,) class number of each row, by attribute.
    alphas : array of float, (T,)
        Cumulative products abar_t.
    scale : float
        0 leaves the prediction as it is, to the bit.

    Attributes
    ----------
    seconds : float
        Wall time spent on gradients so far.
    """

    def __init__(self, denoise: Denoise, heads: Heads, classes, *, alphas: np.ndarray, scale: float) -> None:
        self.denoise, self.heads, self.classes = denoise, heads, classes
        self.alphas, self.scale, self.seconds = alphas, scale, 0.0

    def __call__(self, x: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        clean, noise = self.denoise(x, t)
        started = time.monotonic()
        a = float(self.alphas[t])
        with torch.enable_grad():
            free = x.detach().to(clean.device).requires_grad_()
            (gradient,) = torch.autograd.grad(self.heads.log_chosen(free, a, self.classes).sum(), free)
        self.seconds += time.monotonic() - started
        shift = self.scale * gradient
        return clean + (1 - a) / a**0.5 * shift, noise - (1 - a) ** 0.5 * shift


def distribution_guidance(request: Request) -> Drawn:
    """Draw with guidance, in the form that the options name."""
    batch, heads = request.options["form"] == "batch", request.learned.value
    if batch != isinstance(heads, StepHeads):
        raise GammaFaceError(
            "what was learned is for the other form of distribution-guidance",
            fix="Give learned=None, and a new pilot is drawn.",
        )
    if not batch:
        return draw_guided(request)
    target = torch.from_numpy(request.target.shares).float()
    return draw_batches(request, heads, target, divergence=request.options["divergence"])


def draw_guided(request: Request) -> Drawn:
    """Each place's image, guided to the place's cell, again while the labeller sees another.

    Round r of a place has its own seed, so image i depends on its place and seeds alone. A
    place whose rounds are used up keeps the image that looked most like its cell.
    """
    options, cells, n = request.options, request.cells(), len(request.seeds)
    target, generator, heads = request.target, request.generator, request.learned.value
    images: list[torch.Tensor | None] = [None] * n
    chosen, best, hits = request.seeds.copy(), np.full(n, -1.0), np.zeros(n, dtype=bool)
    guides: list[Guided] = []
    spent = 0

    def guide(rows: np.ndarray) -> Guided:
        classes = {name: target.class_of(cells[rows], name) for name in target.attributes}
        alphas, scale = generator.alphas, options["scale"]
        guides.append(Guided(generator.predict, heads, classes, alphas=alphas, scale=scale))
        return guides[-1]

    for seeds in request.pool(options["pool"]).reshape(-1, n):
        for rows, drawn in draw_rows(request, np.flatnonzero(~hits), seeds, guide):
            spent += len(rows)
            joint = cell_probabilities(target, request.labeller.probabilities(drawn))
            looks = joint[np.arange(len(rows)), cells[rows]]
            hits[rows] = joint.argmax(axis=1) == cells[rows]
            for image, row, look in zip(drawn, rows, looks, strict=True):
                if hits[row] or look > best[row]:
                    images[row], best[row], chosen[row] = image, look, seeds[row]
            request.say(int(hits.sum()))
        if hits.all():
            break
    request.say(n)
    notes = {
        "hit_share": float(hits.mean()),
        "draws_per_image": spent / n,
        "gradient_seconds": round(sum(guide.seconds for guide in guides), 3),
    }
    evaluations = spent * request.price()
    return Drawn(torch.stack(images), chosen, np.full(n, -1), evaluations, cells=cells, notes=notes)


def learn_guidance(request: Request) -> Learned:
    """Train what the form needs on a pilot, or read heads that were trained elsewhere."""
    if request.options["form"] == "batch":
        return _learn_batch(request)
    if request.options["heads"]:
        heads = NoisyHeads.load(request.options["heads"])
        check_heads(heads, request)
        notes = {"heads": request.options["heads"], "accuracy": heads.accuracy}
        return Learned(heads.to(request.generator.device), 0, notes)
    check_need("pilot", request)
    last = request.path()[-2]
    pilot = draw_pilot(request, codes=[("x0", last)])  # there the predicted x_0 is the result
    check_seen(request.target, pilot)
    heads = KEPT.fit(
        torch.from_numpy(pilot.codes["x0", last]).view(-1, *request.generator.shape),
        {name: pilot.probabilities[name] for name in request.target.attributes},
        alphas=request.generator.alphas,
        presentations=request.options["presentations"],
        seed=request.run_seed,
        device=request.generator.device,
        progress=lambda _done, _total: request.say(0),  # a user may cancel here, too
    )
    notes = {"pilot": len(pilot.seeds), "seconds": round(heads.seconds, 1), "accuracy": heads.accuracy}
    return Learned(heads, pilot.evaluations, notes)


def _learn_batch(request: Request) -> Learned:
    check_need("mid-block", request)
    check_need("pilot", request)
    pilot = record_pilot(request)
    check_seen(request.target, pilot)
    answers = {name: pilot.probabilities[name] for name in request.target.attributes}
    heads = fit_step_heads(pilot, answers, generator=request.generator)
    return Learned(heads, pilot.evaluations, {"pilot": len(pilot.seeds), "accuracy": heads.accuracy})


def check_heads(heads: NoisyHeads, request: Request) -> None:
    """Refuse heads of another latent shape, or that lack one of the target's attributes."""
    if heads.shape.x != tuple(request.generator.shape):
        raise GammaFaceError(
            f"the heads were trained on latents of shape {heads.shape.x}, the model's are"
            f" {tuple(request.generator.shape)}",
            fix="Train heads on this model's latents.",
        )
    for name, classes in zip(request.target.attributes, request.target.classes, strict=True):
        if len(heads.shares.get(name, ())) != len(classes):
            raise GammaFaceError(
                f"the heads do not name the {len(classes)} classes of '{name}'",
                fix=f"They name: {', '.join(heads.shares)}. Train heads on the target's attributes.",
            )


def check_seen(target: Target, pilot: Pilot) -> None:
    """Refuse a pilot that hardly holds a class that the target asks for."""
    wanted = np.flatnonzero(target.shares > 0)
    for name, classes in zip(target.attributes, target.classes, strict=True):
        seen = np.asarray(pilot.probabilities[name]).sum(axis=0)
        for k in np.unique(target.class_of(wanted, name)):
            if seen[k] < LEAST_SEEN:
                raise GammaFaceError(
                    f"the pilot of {len(pilot.seeds)} holds {seen[k]:.1f} images of {name} = {classes[k]}",
                    fix=f"At least {LEAST_SEEN} are needed to learn it: give a larger pilot.",
                )


DISTRIBUTION_GUIDANCE = described("distribution-guidance", distribution_guidance, learn=learn_guidance)
