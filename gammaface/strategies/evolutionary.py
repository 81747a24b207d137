"""Start vectors by rejection, more of each group by evolutionary search on the noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

import numpy as np
import torch

from gammaface.generators import micro_batches, seeded
from gammaface.strategies.evolution import geodesic, on_shell, search
from gammaface.strategies.labelling import cells_of
from gammaface.strategies.places import Found, Places
from gammaface.strategies.quota import labelled
from gammaface.strategies.request import Drawn, Request
from gammaface.strategies.strategy import described


@dataclass(frozen=True)
class Candidate:
    """Noise, and the seed whose stream it or its mutation was drawn from."""

    x: torch.Tensor  # (c, h, w)
    seed: int


class Family:
    """Places of one cell that one search fills, and the search.

    Candidates after the start are mutations, each with a seed of its own from the places'
    rounds after the plain draws.
    """

    def __init__(self, request: Request, cell: int, places: list[int]) -> None:
        self.request, self.cell, self.places = request, cell, places
        self.filled = self.mutations = 0
        self.queue: Sequence[tuple[Candidate, float]] = ()  # the first is judged next

    @property
    def full(self) -> bool:
        return self.filled == len(self.places)

    def begin(self, seed: int) -> None:
        """Search from the noise of a seed."""
        self.running = search(
            Candidate(self._noise(seed), seed),
            self._mutate,
            lambda a, b: geodesic(a.x, b.x),
            iterations=len(self.places) - self.filled - 1,
            children=self.request.options["children"],
        )
        self.queue = next(self.running)

    @property
    def waiting(self) -> Candidate | None:
        """The vector to judge next; None when the search has ended."""
        return self.queue[0][0] if self.queue else None

    def behind(self, most: int) -> Iterator[Candidate]:
        """Vectors that are judged after it, if the search does not end before."""
        return (candidate for candidate, _ in islice(self.queue, 1, most + 1))

    def judge(self, success: bool) -> int | None:
        """Tell the search about its waiting vector; the place that it fills, if it succeeds."""
        place = self.places[self.filled] if success else None
        self.filled += success
        try:
            self.queue = self.running.send(success)
        except StopIteration:
            self.queue = ()
        return place

    def _mutate(self, parent: Candidate) -> Candidate:
        request = self.request
        turn, member = divmod(self.mutations, len(self.places))
        self.mutations += 1
        rounds = request.options["limit"] + turn
        seed = int(request.seeds[self.places[member]]) + rounds * request.run_size
        return Candidate(on_shell(parent.x, self._noise(seed), request.options["step"]), seed)

    def _noise(self, seed: int) -> torch.Tensor:
        return self.request.generator.noise(seeded([seed]))[0]


class Evolution:
    """The state of one request: families of places, images found, draws spent."""

    def __init__(self, request: Request) -> None:
        self.request, self.found = request, Found()
        limit, size = request.options["limit"], request.options["iterations"] + 1
        cells = request.cells()
        self.families = []
        for cell in np.unique(cells):
            line = np.flatnonzero(cells == cell).tolist()
            self.families += [
                Family(request, int(cell), line[i : i + size]) for i in range(0, len(line), size)
            ]
        # Every success spawns `children`, so a family of m places mutates m * children times.
        seeds = request.pool(limit + request.options["children"])
        self.draws = self.tried = self.succeeded = 0
        self.plain = self._draw_plainly(seeds[: limit * len(request.seeds)])

    def _draw_plainly(self, seeds: np.ndarray) -> Iterator[tuple[int, torch.Tensor, int]]:
        for chunk, images, cells in labelled(self.request, seeds):
            self.draws += len(chunk)
            yield from zip(chunk.tolist(), images, cells.tolist(), strict=True)

    def start(self) -> bool:
        """Find a start for every family that is not full; False when the draws ran out."""
        idle = [family for family in self.families if not family.full]
        starts = Places(np.array([family.cell for family in idle]))
        for seed, image, cell in self.plain:
            chosen = starts.take(cell)
            if chosen is not None:
                idle[chosen].begin(seed)
                self._judge(idle[chosen], image, cell)
            if starts.full:
                break
        return starts.full

    def run(self) -> None:
        """All searches side by side until they end, each in its own order.

        What would be a batch's padding shows vectors that come next in the same searches. They
        are kept until it is their turn, and count only then: a search that ends before has not
        spent them, as it would not have spent the padding.
        """
        seen: dict[int, tuple[torch.Tensor, int]] = {}  # image and cell by seed
        while active := [family for family in self.families if family.waiting]:
            free = -len(active) % self.request.batch_size
            lines = zip_longest(*(family.behind(free) for family in active))
            behind = [c for line in lines for c in line if c and c.seed not in seen]
            shown = [*(family.waiting for family in active), *behind[:free]]
            images = self._images([candidate.x for candidate in shown])
            cells = cells_of(self.request.target, self.request.labeller.probabilities(images))
            for candidate, image, cell in zip(shown, images, cells.tolist(), strict=True):
                seen[candidate.seed] = image, cell
            for family in active:
                while family.waiting and family.waiting.seed in seen:
                    image, cell = seen.pop(family.waiting.seed)
                    self.tried += 1
                    self.succeeded += cell == family.cell
                    self._judge(family, image, cell)

    def _judge(self, family: Family, image: torch.Tensor, cell: int) -> None:
        seed = family.waiting.seed
        place = family.judge(cell == family.cell)
        if place is not None:
            self.found.keep(place, image, seed)
            self.request.say(len(self.found.images))

    def _images(self, xs: list[torch.Tensor]) -> torch.Tensor:
        request, images = self.request, []
        for rows, real in micro_batches(np.arange(len(xs)), request.batch_size):
            x = request.denoise(torch.stack([xs[i] for i in rows]), request.path(), [])
            images.append(request.generator.decode(x)[:real])
        return torch.cat(images)

    def drawn(self) -> Drawn:
        """What was found so far."""
        spent = (self.draws + self.tried) * self.request.price()
        notes = {
            "draws": self.draws,
            "mutations_tried": self.tried,
            "mutations_succeeded": self.succeeded,
        }
        return self.found.drawn(self.request, spent, notes)


def evolutionary(request: Request) -> Drawn:
    """Fill every cell by searches from start vectors that rejection found.

    Places of a cell are filled in families of xi + 1, one search each; a search that dies
    out starts again for the places it left. Every delivered image has a seed of its own, the
    plain draw's or its mutation's, and none depends on what shares its batch.

    Raises
    ------
    Unfilled
        When too few start vectors of a cell were drawn.
    """
    evolution = Evolution(request)
    while not all(family.full for family in evolution.families):
        enough = evolution.start()
        evolution.run()
        if not enough:
            raise evolution.found.unfilled(request, evolution.drawn(), evolution.draws)
    return evolution.drawn()


EVOLUTIONARY = described("evolutionary", evolutionary)
