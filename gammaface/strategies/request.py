"""What a strategy is asked for, what it returns, and the two loops that all share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import SEEDS_PER_RUN, Generator, micro_batches, seeded
from gammaface.latents import Progress
from gammaface.mixture import LatentMixture
from gammaface.sampling import Callback, Denoise, State, get_sampler, sampler_path
from gammaface.strategies.labelling import Labeller
from gammaface.strategies.option import Value
from gammaface.strategies.target import Target

# A run's seeds end with its pilot's. torch's CPU streams read the low 32 bits of a seed, so
# that a far offset such as 2**62 would repeat the delivered seeds instead of avoiding them.
PILOT_SEEDS = SEEDS_PER_RUN // 10


@dataclass(frozen=True)
class Learned:
    """What a strategy learned once from a pilot, for every draw of a run."""

    value: Any
    evaluations: int  # network evaluations spent on learning it
    notes: Mapping[str, Any] = field(default_factory=dict)
    made_for: str = ""  # strategy, model, path, mixture and target, by balance(); empty: for any


@dataclass(frozen=True)
class Request:
    """What a strategy is asked for."""

    generator: Generator
    mixture: LatentMixture | None
    seeds: np.ndarray  # (n,) int64
    places: np.ndarray  # (n,) position of each seed in its run; decides its component and cell
    injection: str
    steps: int
    sampler: str
    batch_size: int
    progress: Progress | None
    callback: Callback | None
    through: int | None  # the harvest's timestep, so that paths pass it
    run_size: int  # images of the whole run; n is less when only some places are drawn
    run_seed: int = 0
    target: Target | None = None
    labeller: Labeller | None = None
    pilot: int = 0  # plainly drawn, labelled images to learn from
    options: Mapping[str, Value] = field(default_factory=dict)  # every one the strategy knows
    learned: Learned | None = None  # by the strategy's own `learn`

    def path(self) -> list[int]:
        """The whole way from noise to clean."""
        return sampler_path(self.sampler, self.generator.alphas, self.steps, through=self.through)

    def price(self, path: Sequence[int] | None = None) -> int:
        """Network evaluations that an image takes along a part of the way, by default the whole."""
        return self.generator.evaluations((self.path() if path is None else path)[:-1])

    def nearest(self, sqrt_abar: float) -> int:
        """The timestep on the path whose sqrt(abar) is nearest to the one asked for."""
        return min(self.path()[:-1], key=lambda t: abs(self.generator.sqrt_abar(t) - sqrt_abar))

    def cells(self) -> np.ndarray:
        """The target's cell that each place waits for, (n,) int."""
        return self.target.cells(self.run_size)[self.places]

    def pool(self, limit: int, *, skip: int = 0) -> np.ndarray:
        """Seeds to choose among, (limit * n,) int64: first the places' own, then more rounds.

        Place p owns ``first + p + r * run_size`` for r = 0, 1, ...: pools of different places
        never share a seed. `skip` leaves out the first rounds.

        Raises
        ------
        GammaFaceError
            When the rounds would reach the seeds of the pilot.
        """
        if (limit + skip) * self.run_size > SEEDS_PER_RUN - PILOT_SEEDS:
            raise GammaFaceError(
                f"{limit + skip} draws for each of {self.run_size:,} images are more seeds than a run has",
                fix="Draw fewer images a run, or lower the limit.",
            )
        rounds = np.arange(skip, skip + limit, dtype=np.int64) * self.run_size
        return (rounds[:, None] + self.seeds).ravel()

    def denoise(
        self,
        x: torch.Tensor,
        path: Sequence[int],
        streams: list[torch.Generator],
        *,
        predict: Denoise | None = None,
        watch: Callback | None = None,
    ) -> torch.Tensor:
        """Walk the path. `predict` stands in for the model's own, e.g. with guidance in it;
        `watch` sees each step before the user's callback."""

        def both(state: State) -> None:
            watch(state)
            if self.callback:
                self.callback(state)

        return get_sampler(self.sampler)(
            predict or self.generator.predict,
            x,
            list(path),
            alphas=self.generator.alphas,
            generators=streams,
            callback=both if watch else self.callback,
        )

    def say(self, done: int) -> None:
        """Report how many of the places are filled; a user cancels by raising there."""
        if self.progress:
            self.progress(done, len(self.seeds))


@dataclass(frozen=True)
class Drawn:
    """What a strategy returns.

    ``evaluations`` counts every evaluation of the denoising network, for images that were
    thrown away, too, but not the padding of a batch. No strategy differentiates through that
    network; one that did would count a gradient as 3 evaluations. Decoding, labelling and
    small classifiers with their gradients are not evaluations: wall time shows them. What was
    spent on learning is in :class:`Learned`.
    """

    images: torch.Tensor
    seeds: np.ndarray
    components: np.ndarray
    evaluations: int
    cells: np.ndarray | None = None  # (n,) the cell each was drawn for
    notes: Mapping[str, Any] = field(default_factory=dict)  # to be shown, e.g. the kept share


class Unfilled(GammaFaceError):
    """The limit on draws was reached first; ``drawn`` holds what was found, ``places`` where."""

    def __init__(self, what: str, *, fix: str, drawn: Drawn, places: np.ndarray) -> None:
        super().__init__(what, fix=fix)
        self.drawn, self.places = drawn, places


def finish(request: Request, xs, streams, path) -> torch.Tensor:
    """Walk kept x along the rest of a path and decode them."""
    images = []
    for rows, real in micro_batches(np.arange(len(xs)), request.batch_size):
        x = request.denoise(torch.stack([xs[i] for i in rows]), path, [streams[i] for i in rows])
        images.append(request.generator.decode(x)[:real])
        request.say(sum(map(len, images)))
    return torch.cat(images) if images else torch.empty(0)


def draw(
    request: Request,
    components: np.ndarray,
    start: Callable[[list[torch.Generator], np.ndarray], torch.Tensor],
    start_at: int | None = None,
) -> Drawn:
    """Denoise every seed from ``start(streams, components)`` and decode it."""
    path = request.path()
    path = path if start_at is None else path[path.index(start_at) :]
    images, done = [], 0
    order = np.arange(len(request.seeds))
    for rows, real in micro_batches(order, request.batch_size):
        streams = seeded(request.seeds[rows])
        x = request.denoise(start(streams, components[rows]), path, streams)
        images.append(request.generator.decode(x)[:real])
        done += real
        request.say(done)
    evaluations = len(order) * request.price(path)
    return Drawn(torch.cat(images), request.seeds, components, evaluations)
