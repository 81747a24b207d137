"""The one door to every strategy: balance(), and the images of given seeds.

Evenness over mixture components is what the paper asks for; whether it makes people even
is measured elsewhere, never assumed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator, seeds_for
from gammaface.latents import Progress
from gammaface.mixture import LatentMixture, fingerprint
from gammaface.sampling import Callback
from gammaface.strategies import (
    Drawn,
    Labeller,
    Learned,
    Request,
    Strategy,
    Target,
    Unfilled,
    as_labeller,
    get_strategy,
)
from gammaface.strategies.plain import plain

PILOT = 1000


@dataclass(frozen=True)
class Batch:
    """Images and where they come from.

    Attributes
    ----------
    images : torch.Tensor
        (n, 3, H, W) float32 in [-1, 1].
    seeds : numpy.ndarray
        (n,) int64, each once.
    components : numpy.ndarray
        (n,) int64; the component each image was drawn for, -1 where there is none.
    evaluations : int
        Evaluations of the denoising network, on all images together: a pilot drawn for this
        batch and draws thrown away included.
    seconds : float
        Wall time.
    cells : numpy.ndarray
        (n,) int64; the target's cell each image was drawn for, -1 where there is none.
    notes : mapping
        What the strategy says about the draw, e.g. ``kept_share``.
    learned : Learned or None
        What the strategy learned from its pilot; give it to the run's next `balance`.
    """

    images: torch.Tensor
    seeds: np.ndarray
    components: np.ndarray
    evaluations: int
    seconds: float
    cells: np.ndarray
    notes: Mapping[str, Any] = field(default_factory=dict)
    learned: Learned | None = None

    @property
    def cost(self) -> float:
        """Network evaluations per delivered image; infinite where none was."""
        return self.evaluations / len(self.seeds) if len(self.seeds) else float("inf")


class Incomplete(GammaFaceError):
    """A draw that ended before every place was filled; ``batch`` holds what was found and
    ``places`` which of the run's places they fill."""

    def __init__(self, error: Unfilled, batch: Batch) -> None:
        super().__init__(error.what, fix=error.fix)
        self.batch, self.places = batch, error.places


def balance(
    generator: Generator,
    mixture: LatentMixture | None = None,
    *,
    n: int,
    strategy: str = "component-uniform",
    injection: str = "mean-noise",
    seed: int = 0,
    steps: int = 50,
    sampler: str = "ddim",
    batch_size: int = MICRO_BATCH,
    target: Target | None = None,
    labeller: Labeller | None = None,
    pilot: int = PILOT,
    options: Mapping[str, float | int | str] | None = None,
    learned: Learned | None = None,
    progress: Progress | None = None,
    callback: Callback | None = None,
    places: np.ndarray | None = None,
) -> Batch:
    """Draw n images with a strategy.

    Parameters
    ----------
    mixture : LatentMixture, optional
        For the strategies that need one. Fit it on a harvest (not a bare array) where its
        timestep must be known: the injections ``resume`` and ``responsibility``, and
        ``component-balanced``.
    strategy : str
        A name of :data:`gammaface.strategies.STRATEGIES`.
    injection : {"mean-noise", "resume", "responsibility"}
        How ``component-uniform`` imposes a component: start at x_T = mu_k + noise (the
        paper, sec. 4.4), start at x_t drawn from component k, or draw freely and keep by
        component.
    seed : int
        Run seed; images come from ``seeds_for(seed, ...)`` and depend on their own seed and
        on what was asked for, never on `batch_size`.
    target : Target, optional
        The groups and their shares.
    labeller : Labeller or AttributeClassifier, optional
        Names the groups of drawn images.
    pilot : int
        Plainly drawn, labelled images that a strategy may learn from; they are counted in
        `Batch.evaluations`, and only drawn by strategies that learn.
    options : mapping, optional
        The strategy's own, see ``STRATEGIES[name].options``.
    learned : Learned, optional
        `Batch.learned` of an earlier call with the same strategy, model, path, mixture and
        target: no new pilot is drawn. Options that only the learning reads keep the values they had.
    places : array of int, optional
        Draw only these of the n images, e.g. those that an interrupted run still lacks.
        Strategies that choose among draws choose within each call.

    Raises
    ------
    GammaFaceError
        Unknown names or options, something missing that the strategy needs, a component
        that is never drawn.
    Incomplete
        A group so rare that the limit on draws was reached; it keeps what was found.
    """
    chosen = get_strategy(strategy)
    started = time.monotonic()
    seeds = seeds_for(seed, n)
    places = np.arange(n) if places is None else np.asarray(places)
    request = Request(
        generator=generator,
        mixture=mixture,
        seeds=seeds[places],
        places=places,
        injection=injection,
        steps=steps,
        sampler=sampler,
        batch_size=batch_size,
        progress=progress,
        callback=callback,
        through=mixture.latents_.t if mixture and mixture.latents_ else None,
        run_size=n,
        run_seed=seed,
        target=target,
        labeller=None if labeller is None else as_labeller(labeller),
        pilot=pilot,
        options=chosen.complete(options or {}),
        learned=learned,
    )
    chosen.check(request)
    extra, purpose = 0, _purpose(request, chosen) if chosen.learn or learned else ""
    if learned and learned.made_for not in ("", purpose):
        raise GammaFaceError(
            f"what was learned is for {learned.made_for}, this draw is {purpose}",
            fix="Give learned=None, and a new pilot is drawn.",
        )
    if chosen.learn and learned is None:
        request = replace(request, learned=replace(chosen.learn(request), made_for=purpose))
        extra = request.learned.evaluations
    try:
        drawn = chosen.draw(request)
    except Unfilled as error:
        raise Incomplete(error, _batch(error.drawn, request, extra, started)) from None
    return _batch(drawn, request, extra, started)


def _purpose(request: Request, strategy: Strategy) -> str:
    """What something is learned for: the same words, the same use."""
    model = request.generator.weights_hash[:8]
    words = f"{strategy.name} on {model}, {request.steps} {request.sampler} steps"
    if request.through is not None:
        words += f" through {request.through}"
    if "mixture" in strategy.needs:
        words += f", mixture {fingerprint(request.mixture)[:8]}"
    if request.target is not None:
        groups = zip(request.target.names, request.target.shares, strict=True)
        words += f", {'; '.join(f'{name} {share:.4g}' for name, share in groups)}"
    return words


def _batch(drawn: Drawn, request: Request, extra: int, started: float) -> Batch:
    notes = dict(request.learned.notes) if request.learned else {}
    return Batch(
        images=drawn.images,
        seeds=drawn.seeds,
        components=drawn.components,
        evaluations=drawn.evaluations + extra,
        seconds=time.monotonic() - started,
        cells=np.full(len(drawn.seeds), -1) if drawn.cells is None else drawn.cells,
        notes=notes | dict(drawn.notes),
        learned=request.learned,
    )


def draw_seeds(
    generator: Generator,
    seeds: np.ndarray,
    *,
    components: np.ndarray | None = None,
    through: int | None = None,
    steps: int = 50,
    sampler: str = "ddim",
    batch_size: int = MICRO_BATCH,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> Batch:
    """The model's own image of each seed.

    With the `through` of a harvest at the same `steps` and `sampler`, these are the images
    that the harvested latents become.
    """
    started = time.monotonic()
    seeds = np.asarray(seeds, dtype=np.int64)
    request = Request(
        generator=generator,
        mixture=None,
        seeds=seeds,
        places=np.arange(len(seeds)),
        injection="",
        steps=steps,
        sampler=sampler,
        batch_size=batch_size,
        progress=progress,
        callback=callback,
        through=through,
        run_size=len(seeds),
    )
    batch = _batch(plain(request), request, 0, started)
    return batch if components is None else replace(batch, components=components)
