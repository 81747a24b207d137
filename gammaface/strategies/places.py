"""Places that wait for an image of their kind, and the honest end when none comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from gammaface.strategies.request import Drawn, Request, Unfilled


class Places:
    """Open places by the kind each waits for; they fill in the order that images arrive.

    Parameters
    ----------
    wanted : array of int
        (n,) the kind, a cell or a component, of each place.

    Examples
    --------
    >>> places = Places(np.array([0, 1, 0]))
    >>> places.take(0), places.take(0), places.take(0), places.full
    (0, 2, None, False)
    """

    def __init__(self, wanted: np.ndarray) -> None:
        self.wanted = np.asarray(wanted)
        self.open: dict[int, deque[int]] = {}
        for place, kind in enumerate(self.wanted):
            self.open.setdefault(int(kind), deque()).append(place)

    def take(self, kind: int) -> int | None:
        """The first open place of a kind, now filled; None when there is none."""
        waiting = self.open.get(int(kind))
        return waiting.popleft() if waiting else None

    @property
    def full(self) -> bool:
        return not any(self.open.values())

    @property
    def filled(self) -> int:
        return len(self.wanted) - sum(map(len, self.open.values()))


def shortfall(wanted: np.ndarray, filled: Sequence[int], names: Sequence[str]) -> str:
    """How far each unfilled kind came, e.g. ``male: 3 of 5``."""
    total = np.bincount(wanted, minlength=len(names))
    have = np.bincount(wanted[list(filled)], minlength=len(names))
    short = np.flatnonzero(have < total)
    return ", ".join(f"{names[kind]}: {have[kind]} of {total[kind]}" for kind in short)


@dataclass
class Found:
    """Finished images by place."""

    images: dict[int, torch.Tensor] = field(default_factory=dict)
    seeds: dict[int, int] = field(default_factory=dict)

    def keep(self, place: int, image: torch.Tensor, seed: int) -> None:
        self.images[place], self.seeds[place] = image, int(seed)

    def drawn(self, request: Request, evaluations: int, notes: dict[str, Any]) -> Drawn:
        """What was found, in the order of the places."""
        order = sorted(self.images)
        pictures = [self.images[place] for place in order]
        return Drawn(
            images=torch.stack(pictures) if pictures else torch.empty(0),
            seeds=np.array([self.seeds[place] for place in order], dtype=np.int64),
            components=np.full(len(order), -1),
            evaluations=evaluations,
            cells=request.cells()[order],
            notes=notes,
        )

    def unfilled(self, request: Request, drawn: Drawn, draws: int) -> Unfilled:
        """The error for a limit that was reached, with what was found."""
        order = sorted(self.images)
        short = shortfall(request.cells(), order, request.target.names)
        return Unfilled(
            f"{draws:,} draws did not fill every cell ({short})",
            fix="Raise the option 'limit', ask for fewer images of rare groups, or guide the draws.",
            drawn=drawn,
            places=request.places[order],
        )
