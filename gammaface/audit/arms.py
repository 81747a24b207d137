"""Stored cells as arms: one method at one target over all its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from gammaface.audit.book import Book
from gammaface.audit.cells import Stored
from gammaface.audit.draw import is_base
from gammaface.audit.options import PLAIN


@dataclass(frozen=True)
class Arm:
    """``draws`` by seed; ``refused`` says why there are none, or fewer."""

    method: str
    target: str
    draws: Mapping[int, Stored]
    refused: str = ""

    @property
    def name(self) -> dict[str, str]:
        return {"method": self.method, "target": self.target}

    @property
    def config(self) -> dict:
        return next(iter(self.draws.values())).config

    @property
    def steered(self) -> bool:
        """Whether the method follows the target, or is only held against it."""
        return "shares" in self.config

    @property
    def size(self) -> int:
        """Images a seed: the fewest of any."""
        return min(stored.facts["delivered"] for stored in self.draws.values())

    def labels(self) -> pd.DataFrame:
        """Of all seeds together."""
        return pd.concat([stored.labels for stored in self.draws.values()], ignore_index=True)

    def note(self) -> str:
        """What was refused or is incomplete, in words."""
        short = (stored.facts["incomplete"] for stored in self.draws.values())
        return "; ".join(dict.fromkeys(filter(None, (self.refused, *short))))


def arms_of(cells: Sequence[Stored], book: Book) -> list[Arm]:
    """Every arm, ``plain`` first; a method without target takes part in each of them."""
    drawn: dict[tuple[str, str], list[Stored]] = {}
    for stored in cells:
        if not is_base(stored.cell):
            names = [stored.cell.target] if stored.cell.target else list(book.targets)
            for name in names:
                drawn.setdefault((name, stored.cell.method), []).append(stored)
    arms = []
    for target in book.targets:
        methods = [method for name, method in drawn if name == target]
        for method in sorted(methods, key=lambda m: (m != PLAIN, m)):
            found = sorted(drawn[target, method], key=lambda s: s.cell.seed)
            refused = next((s.refused for s in found if s.refused), "")
            arms.append(Arm(method, target, {s.cell.seed: s for s in found if not s.refused}, refused))
    return arms


def base_of(cells: Sequence[Stored]) -> Stored | None:
    """The plain draw of its own that distances are measured to."""
    return next((stored for stored in cells if is_base(stored.cell)), None)


def over_seeds(values: Sequence[float], *, least: float = -np.inf, most: float = np.inf) -> dict[str, float]:
    """Mean, standard deviation and 95% interval (Student's t) over seeds.

    Few seeds make long intervals: `least` and `most`, the ends of what a value can be, cut them.

    Examples
    --------
    >>> found = over_seeds([1.0, 2.0, 3.0])
    >>> found["value"], found["sd"], round(found["low"], 3)
    (2.0, 1.0, -0.484)
    >>> over_seeds([1.0])["low"]
    nan
    >>> over_seeds([0.9, 1.0], least=0.0, most=1.0)["high"]
    1.0
    """
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    n = len(known)
    mean = float(known.mean()) if n else np.nan
    sd = float(known.std(ddof=1)) if n > 1 else np.nan
    reach = float(student.ppf(0.975, n - 1) * sd / np.sqrt(n)) if n > 1 else np.nan
    low, high = np.clip([mean - reach, mean + reach], least, most).tolist()  # NaN stays NaN
    return {"value": mean, "sd": sd, "low": low, "high": high}


def paired(values: Mapping[int, float], baseline: Mapping[int, float]) -> dict[str, float]:
    """The same of the differences to a baseline, seed by seed.

    Examples
    --------
    >>> paired({0: 2.0, 1: 3.0}, {0: 1.0, 1: 2.0, 2: 9.0})
    {'value': 1.0, 'sd': 0.0, 'low': 1.0, 'high': 1.0}
    """
    return over_seeds([value - baseline[seed] for seed, value in values.items() if seed in baseline])
