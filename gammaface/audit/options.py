"""What an audit draws: methods, targets and seeds, and what that will cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import pandas as pd

from gammaface.audit.cells import Cell
from gammaface.audit.terms import PLAIN, TARGETS
from gammaface.errors import GammaFaceError
from gammaface.models.names import take_apart
from gammaface.strategies import ABOUT, INJECTIONS, Target
from gammaface.strategies.catalogue import POOL_LIMIT, About
from gammaface.strategies.option import Value

PILOT = 1000
BASE = "base"  # a plain draw of its own that only distances are measured to
# torch's streams read the low 32 bits of a seed: run seeds from 43 on would repeat others.
REFERENCE_SEED, HARVEST_SEED = 40, 41
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Method:
    """A strategy with its options, under a name of its own.

    Attributes
    ----------
    name : str
        Letters, digits, dashes and underscores.
    strategy : str
        A name of :data:`gammaface.strategies.ABOUT`.
    options : mapping
        The strategy's own; those left out get its defaults.
    injection : str
        Of ``component-uniform``.
    n : int
        Images a seed.
    pilot : int
        Images that it learns from, drawn anew for each seed; 0 where it does not learn.

    Raises
    ------
    GammaFaceError
        For an unknown strategy, option or injection, and for names that are kept.
    """

    name: str
    strategy: str
    options: Mapping[str, Value] = field(default_factory=dict)
    injection: str = "mean-noise"
    n: int = 2000
    pilot: int = PILOT

    def __post_init__(self) -> None:
        kept = self.name == BASE or (self.name == PLAIN and self.strategy != PLAIN)
        if kept or not LABEL.fullmatch(self.name):
            raise GammaFaceError(
                f"a method cannot be named '{self.name}'",
                fix=f"Use letters, digits, dashes and underscores; '{BASE}' and '{PLAIN}' are kept.",
            )
        if self.injection not in INJECTIONS:
            raise GammaFaceError(
                f"there is no injection '{self.injection}'", fix=f"Choose from {', '.join(INJECTIONS)}."
            )
        if self.n < 1 or self.pilot < 0:
            raise GammaFaceError(
                f"{self.n} images with a pilot of {self.pilot}",
                fix="Give 1 or more, and a pilot of 0 or more.",
            )
        if self.strategy not in ABOUT:
            raise GammaFaceError(
                f"there is no strategy '{self.strategy}'", fix=f"Choose from {', '.join(ABOUT)}."
            )
        object.__setattr__(self, "options", self.of.complete(self.options))
        if not self.learns:
            object.__setattr__(self, "pilot", 0)

    @property
    def of(self) -> About:
        """The strategy in words: its needs and options."""
        return ABOUT[self.strategy]

    @property
    def steered(self) -> bool:
        """Whether it follows a target; others are drawn once a seed, for all targets."""
        return "target" in self.of.needs

    @property
    def learns(self) -> bool:
        """Whether it draws a pilot first."""
        return ("pilot" in self.of.needs or "heads" in self.of.options) and not self.options.get("heads")

    def config(self) -> dict:
        """Everything that decides its images, for a cell's file."""
        return {
            "strategy": self.strategy,
            "options": dict(self.options),
            "injection": self.injection if self.strategy == "component-uniform" else "",
            "n": self.n,
            "pilot": self.pilot,
        }


@dataclass(frozen=True)
class Aim:
    """The attributes to be evened out together, or shares of their joint cells."""

    attributes: tuple[str, ...]
    shares: tuple[tuple[str, float], ...] = ()

    @property
    def name(self) -> str:
        """Short, and part of file names.

        Examples
        --------
        >>> Aim(("gender", "race")).name, Aim(("gender",), (("female", 0.7), ("male", 0.3))).name
        ('gender+race', 'gender@female0.7-male0.3')
        """
        joined = "+".join(self.attributes)
        words = (f"{''.join(filter(str.isalnum, cell))}{share:g}" for cell, share in self.shares)
        return f"{joined}@{'-'.join(words)}" if self.shares else joined

    def target(self, classes: Mapping[str, tuple[str, ...]]) -> Target:
        """The target over a labeller's classes.

        Raises
        ------
        GammaFaceError
            As :class:`gammaface.strategies.Target`.
        """
        if self.shares:
            return Target.of(self.attributes, classes, dict(self.shares))
        return Target.even(self.attributes, classes)


AIMS = tuple(Aim(tuple(name.split("+"))) for name in TARGETS)


@dataclass(frozen=True)
class AuditOptions:
    """What to draw. ``plain`` always takes part.

    ``harvest`` and ``k`` are for methods that need a mixture where none is given;
    ``second_n`` images a seed are shown to the second opinion, which is slow; ``classifier`` names
    the one that steers wherever its features are told of.

    Raises
    ------
    GammaFaceError
        For repeated names, seeds that are kept, and numbers out of range.
    """

    methods: tuple[Method, ...] = tuple(Method(name, name) for name in ABOUT)
    aims: tuple[Aim, ...] = AIMS
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    n: int = 2000  # of the plain draw that distances are measured to, and of `plain` if left out
    model: str = "faces"
    classifier: str = "attributes"
    steps: int = 50
    sampler: str = "ddim"
    harvest: int = 2000
    k: int = 4
    second_n: int = 500
    resamples: int = 200  # of the bootstrap of distances by group

    def __post_init__(self) -> None:
        if not any(method.name == PLAIN for method in self.methods):
            object.__setattr__(self, "methods", (Method(PLAIN, PLAIN, n=self.n), *self.methods))
        for what, names in (
            ("method", [m.name for m in self.methods]),
            ("target", [a.name for a in self.aims]),
            ("seed", self.seeds),
        ):
            again = {name for name in names if list(names).count(name) > 1}
            if again or not names:
                words = f"the {what} '{again.pop()}' comes twice" if again else f"there is no {what}"
                raise GammaFaceError(words, fix=f"Name each {what} once.")
        if not all(0 <= seed < REFERENCE_SEED for seed in self.seeds):
            raise GammaFaceError(f"the seeds {self.seeds}", fix=f"Give seeds from 0 to {REFERENCE_SEED - 1}.")
        if min(self.n, self.steps, self.k) < 1 or self.second_n < 0 or self.harvest <= self.k:
            raise GammaFaceError(
                f"n={self.n}, steps={self.steps}, k={self.k}, harvest={self.harvest},"
                f" second_n={self.second_n}",
                fix="Give 1 or more, a harvest of more than k, and 0 or more for the second opinion.",
            )

    def method(self, name: str) -> Method:
        """The method of a cell."""
        if name == BASE:
            return Method(PLAIN, PLAIN, n=self.n)
        return next(method for method in self.methods if method.name == name)

    def cells(self) -> list[Cell]:
        """Every cell in the order drawn: a whole seed before the next one."""
        cells = [Cell(BASE, "", REFERENCE_SEED)]
        for seed in self.seeds:
            for method in self.methods:
                names = [aim.name for aim in self.aims] if method.steered else [""]
                cells += [Cell(method.name, name, seed) for name in names]
        return cells


def estimate(options: AuditOptions) -> pd.DataFrame:
    """What an audit will cost, one row per cell.

    Returns
    -------
    DataFrame
        ``cell, images, pilot, evaluations`` (of the network, if every draw were kept and
        none cut short) and ``at_most`` (when the strategy's limit on draws is used up, and,
        of a model with attention guidance, every step took two).
    """
    rows, dearest = [], 2 if take_apart(options.model).guidance else 1
    for cell in options.cells():
        method = options.method(cell.method)
        chosen, twice = method.options, 2 if method.options.get("form") == "asyrp" else 1
        draws = chosen.get("limit", chosen.get("pool", 1)) + chosen.get("children", 0)
        if method.strategy == "component-uniform" and method.injection == "responsibility":
            draws = POOL_LIMIT
        pilot = method.pilot * options.steps
        rows.append(
            {
                "cell": cell.name,
                "images": method.n,
                "pilot": method.pilot,
                "evaluations": pilot + twice * method.n * options.steps,
                "at_most": dearest * (pilot + twice * ceil(np.round(draws * method.n, 6)) * options.steps),
            }
        )
    return pd.DataFrame(rows)
