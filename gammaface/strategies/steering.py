"""Steering in h-space: edit the mid block's output while a path is walked.

Linear heads, one per denoising step, read an attribute or a cluster from h; the mean of
their predictions over a batch is pushed to given shares (Parihar et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator, micro_batches, seeded
from gammaface.models.precision import exactly
from gammaface.sampling import Denoise
from gammaface.spaces import fit_pca, mid_block
from gammaface.strategies.labelling import Reader
from gammaface.strategies.noisy_training import HELD_OUT, LEVELS
from gammaface.strategies.pilot import Pilot, draw_pilot
from gammaface.strategies.request import Drawn, Request

Edit = Callable[[Tensor, int], Tensor]
"""(h, t) -> h, both (b, channels, height, width)."""

DIMENSIONS = 64  # principal components of h that a head sees
PENALTY = 1e-2  # on the squared weights of a head, per whitened component
FLAT = 1e-3  # components whose spread is below this share of the largest are left out
MEMORY = 4 * 2**30  # bytes of activations that a pilot may keep
RATE, POWER = 1.5, 0.05  # of the published update, h - 1.5 beta_t^0.05 gradient
LEAST_TARGET = 1e-3  # smaller shares would make the chi-square's gradient explode


def steered(generator: Generator, edit: Edit) -> Denoise:
    """The model's prediction with its mid block's output replaced by ``edit(h, t)``."""

    def predict(x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        handle = generator.unet.mid_block.register_forward_hook(lambda _module, _inputs, h: edit(h, t))
        try:
            return generator.predict(x, t)
        finally:
            handle.remove()

    return predict


def draw_rows(
    request: Request, rows: np.ndarray, seeds: np.ndarray, predict_of: Callable[[np.ndarray], Denoise]
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Images of ``seeds[rows]``, micro-batch by micro-batch, with a prediction made for its rows.

    Yields rows (b,) and images (b, 3, H, W).
    """
    path = request.path()
    for chunk, real in micro_batches(rows, request.batch_size):
        streams = seeded(seeds[chunk])
        start = request.generator.noise(streams)
        x = request.denoise(start, path, streams, predict=predict_of(chunk))
        yield chunk[:real], request.generator.decode(x)[:real]


def draw_moved(
    request: Request, cells: np.ndarray, predict_of: Callable[[np.ndarray], Denoise], *, price: int = 1
) -> Drawn:
    """Every place by :func:`draw_rows`, for its cell; a step takes `price` evaluations."""
    images, done = [], 0
    for rows, batch in draw_rows(request, np.arange(len(cells)), request.seeds, predict_of):
        images.append(batch)
        done += len(rows)
        request.say(done)
    evaluations = price * done * request.price()
    return Drawn(torch.cat(images), request.seeds, np.full(done, -1), evaluations, cells=cells)


def record_pilot(request: Request, *, label: bool = True) -> Pilot:
    """A pilot with h at every step, (p, d) float16 in ``codes["h", t]``.

    Raises
    ------
    GammaFaceError
        When the activations would not fit into `MEMORY`, or there is no mid block.
    """
    path = request.path()[:-1]
    if not label:
        request = replace(request, labeller=Reader({}, lambda images: {}))
    start = torch.zeros(1, *request.generator.shape)
    size = 2 * mid_block(request.generator, start, path[0]).numel() * len(path) * request.pilot
    if size > MEMORY:
        raise GammaFaceError(
            f"h at {len(path)} steps of {request.pilot:,} images takes {size / 2**30:.1f} GiB",
            fix=f"Give a pilot of {request.pilot * MEMORY // size:,} or fewer, or fewer steps.",
        )
    pilot = draw_pilot(request, codes=[("h", t) for t in path], dtype=np.float16)
    return replace(pilot, evaluations=pilot.evaluations + 1)


@dataclass(frozen=True)
class StepHeads:
    """A linear head per step of the path.

    Attributes
    ----------
    weights, biases : dict of int to tensor
        (outputs, d) and (outputs,) by timestep, for flat h.
    sizes : tuple of int
        Classes of each attribute; the outputs lie one attribute after the other.
    accuracy : tuple of dict
        On held-out rows, at the steps nearest to `LEVELS`.
    """

    weights: dict[int, Tensor]
    biases: dict[int, Tensor]
    sizes: tuple[int, ...]
    accuracy: tuple[dict, ...]

    def logits(self, h: Tensor, t: int) -> Tensor:
        """Outputs (b, outputs) for h (b, channels, height, width) at timestep t."""
        # A bias takes the mean of h back: in bfloat16 little would be left of the difference.
        h = h.flatten(1).float()
        with exactly(h.device):
            return h @ self.weights[t].to(h).T + self.biases[t].to(h)

    def mean_cells(self, h: Tensor, t: int, *, temperature: float) -> Tensor:
        """The batch's mean probability of each joint cell, (cells,), row-major."""
        joint = torch.ones(len(h), 1, device=h.device)
        for part in self.logits(h, t).split(self.sizes, dim=1):
            p = (part / temperature).softmax(dim=1)
            joint = (joint[:, :, None] * p[:, None, :]).flatten(1)
        return joint.mean(dim=0)


def fit_step_heads(pilot: Pilot, answers: Mapping[str, np.ndarray], *, generator: Generator) -> StepHeads:
    """Logistic regression on the principal components of h, for every step of a recorded pilot.

    Parameters
    ----------
    answers : mapping of str to array
        (p, classes) probabilities or one-hot labels, by attribute.
    """
    order = np.random.default_rng(0).permutation(len(pilot.seeds))
    held, kept = np.split(order, [max(1, len(order) // HELD_OUT)])
    steps = sorted((t for space, t in pilot.codes if space == "h"), reverse=True)
    shown = {min(steps, key=lambda t: abs(generator.sqrt_abar(t) - level)) for level in LEVELS}
    targets = {name: torch.from_numpy(np.asarray(p)).float() for name, p in answers.items()}
    sizes = tuple(p.shape[1] for p in targets.values())
    weights, biases, rows = {}, {}, []
    for t in steps:
        h = pilot.codes["h", t].astype(np.float32)
        weights[t], biases[t] = _fit_head(h[kept], {name: p[kept] for name, p in targets.items()})
        if t in shown:
            outputs = torch.from_numpy(h[held]) @ weights[t].T + biases[t]
            for (name, p), part in zip(targets.items(), outputs.split(sizes, dim=1), strict=True):
                right = (part.argmax(dim=1) == p[held].argmax(dim=1)).float().mean().item()
                level = round(generator.sqrt_abar(t), 4)
                rows.append(
                    {"attribute": name, "sqrt_abar": level, "n": len(held), "accuracy": round(right, 4)}
                )
    device = generator.device
    return StepHeads(
        {t: weight.to(device) for t, weight in weights.items()},
        {t: bias.to(device) for t, bias in biases.items()},
        sizes,
        tuple(rows),
    )


def _fit_head(h: np.ndarray, targets: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weights (outputs, d) and biases (outputs,) for all attributes together."""
    pca = fit_pca(h, min(DIMENSIONS, *h.shape))
    z = torch.from_numpy(pca.transform(h))
    spread = z.std(dim=0)
    used = spread > FLAT * spread.max().clamp_min(1e-12)
    z = z[:, used] / spread[used]
    outputs = sum(p.shape[1] for p in targets.values())
    w = torch.zeros(outputs, z.shape[1], requires_grad=True)
    b = torch.zeros(outputs, requires_grad=True)
    optimizer = torch.optim.LBFGS([w, b], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        parts = (z @ w.T + b).split([p.shape[1] for p in targets.values()], dim=1)
        errors = [
            -(p * part.log_softmax(1)).sum(1).mean() for p, part in zip(targets.values(), parts, strict=True)
        ]
        total = sum(errors) + PENALTY * w.square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    components = torch.from_numpy(pca.components)[used]
    weight = (w.detach() / spread[used]) @ components
    return weight, b.detach() - weight @ torch.from_numpy(pca.mean)


def divergence_of(shares: Tensor, target: Tensor, kind: str) -> Tensor:
    """Chi-square or Kullback-Leibler divergence of shares (cells,) from a target's (cells,).

    Examples
    --------
    >>> p, even = torch.tensor([.7, .3]), torch.tensor([.5, .5])
    >>> [round(float(divergence_of(p, even, kind)), 4) for kind in ("chi-square", "kl")]
    [0.16, 0.0823]
    """
    target = target.to(shares).clamp_min(LEAST_TARGET)
    if kind == "kl":
        return torch.xlogy(shares, shares / target).sum()
    return ((shares - target).square() / target).sum()


def pushed(request: Request, heads: StepHeads, target: Tensor, *, divergence: str, real: int) -> Edit:
    """h - 1.5 beta_t^0.05 push gradient, of a batch's divergence from the target.

    The published gradient is of a mean over the batch, so that it shrinks with the batch;
    here it is multiplied by the batch's size, and `push` means the same for every size.
    Rows from `real` on are padding and do not count.
    """
    alphas, options = request.generator.alphas, request.options

    def edit(h: Tensor, t: int) -> Tensor:
        before = alphas[t - 1] if t > 0 else 1.0
        beta = float(1 - alphas[t] / before)
        with torch.enable_grad():
            free = h.detach().float().requires_grad_()
            shares = heads.mean_cells(free[:real], t, temperature=options["temperature"])
            loss = real * divergence_of(shares, target, divergence)
            (gradient,) = torch.autograd.grad(loss, free)
        return h - RATE * beta**POWER * options["push"] * gradient.to(h)

    return edit


def draw_batches(request: Request, heads: StepHeads, target: Tensor, *, divergence: str) -> Drawn:
    """Steer whole batches to shares.

    An image depends on those it is steered with, so batches are fixed by place: places 0
    to ``batch`` - 1 of the run are one, and so on. All of a batch is drawn when one of its
    places is asked for; a resumed run gives the same images, another ``batch`` option does
    not. The gradient stays within the linear head: it costs no network evaluation.
    """
    generator, size = request.generator, request.options["batch"]
    first = int(request.seeds[0] - request.places[0])
    seeds = first + np.arange(request.run_size, dtype=np.int64)
    together = replace(request, batch_size=size)
    images, drawn = {}, 0
    for group in np.unique(request.places // size):
        members = np.arange(group * size, min((group + 1) * size, request.run_size))
        edit = pushed(request, heads, target, divergence=divergence, real=len(members))
        predict = steered(generator, edit)
        for places, batch in draw_rows(together, members, seeds, lambda _, predict=predict: predict):
            images |= dict(zip(places.tolist(), batch, strict=True))
            drawn += len(places)
        request.say(sum(int(place) in images for place in request.places))
    notes = {
        "batch": size,
        "push": request.options["push"],
        "images": "each depends on the others of its batch; batches are fixed by place",
    }
    evaluations = drawn * request.price()
    pictures = torch.stack([images[int(place)] for place in request.places])
    return Drawn(pictures, request.seeds, np.full(len(request.seeds), -1), evaluations, notes=notes)
