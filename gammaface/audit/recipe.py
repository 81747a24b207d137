"""The audit that ships with the project: which methods, how many images, how many seeds.

Every number of it stands here. A smaller one may be recorded on a slow machine; it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from gammaface.audit.options import AIMS, Aim, AuditOptions, Method
from gammaface.audit.second import USUAL
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.solver_choice import sampler_for
from gammaface.strategies.catalogue import INJECTIONS
from gammaface.strategies.option import Value

N, SEEDS, LARGE_N, PILOT = 2000, 5, 10_000, 1000
LARGE = ("plain", "component-uniform", "guided")  # the baselines, and the best at its price
HARVEST = 2000


@dataclass(frozen=True)
class Arm:
    """One method of the recipe."""

    strategy: str
    options: Mapping[str, Value] = field(default_factory=dict)
    injection: str = INJECTIONS[0]


METHODS: dict[str, Arm] = {
    "plain": Arm("plain"),
    "component-uniform": Arm("component-uniform"),
    "quota": Arm("quota"),
    "component-balanced": Arm("component-balanced"),
    "stratified": Arm("stratified"),
    "latent-directions": Arm("latent-directions"),
    "evolutionary": Arm("evolutionary"),
    # Scales from a small trial on race White/Black/Other: 4 steers too little, 30 spoils faces. A pool
    # of 3 left ten cells farther from even.
    "guided": Arm("distribution-guidance", {"scale": 10.0}),
    "guided-selected": Arm("distribution-guidance", {"scale": 8.0, "pool": 6}),
    "h-directions": Arm("h-directions"),
    "self-debias": Arm("self-debias"),
    "guided-batch": Arm("distribution-guidance", {"form": "batch"}),
    **{f"component-{name}": Arm("component-uniform", injection=name) for name in INJECTIONS[1:]},
}


@dataclass(frozen=True)
class Recipe:
    """How much of it to draw.

    Attributes
    ----------
    n, large_n : int
        Images a seed; the larger number for the methods `large`.
    seeds, pilot : int
    methods, large : tuple of str
        Names of `METHODS`.
    aims : tuple of Aim
    second : tuple of str
        Second opinions, as :func:`gammaface.audit.second.find_second` takes them.
    sampler, steps : str, int, optional
        By default as recorded for the model.

    Raises
    ------
    GammaFaceError
        For a method that is not in `METHODS`.
    """

    n: int = N
    large_n: int = LARGE_N
    seeds: int = SEEDS
    pilot: int = PILOT
    methods: tuple[str, ...] = tuple(METHODS)
    large: tuple[str, ...] = LARGE
    aims: tuple[Aim, ...] = AIMS
    second: tuple[str, ...] = USUAL
    sampler: str | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        for word in {*self.methods, *self.large} - set(METHODS):
            raise GammaFaceError(
                f"the recipe has no method '{word}'", fix=f"Choose from {', '.join(METHODS)}."
            )

    def on(self, generator: Generator) -> Recipe:
        """The same, with the path that a model needs."""
        chosen = sampler_for(generator, self.sampler, self.steps)
        return replace(self, sampler=chosen.sampler, steps=chosen.steps)

    def options(self, model: str) -> AuditOptions:
        """What `run_audit` takes, of a recipe whose path is known."""
        methods = tuple(
            Method(
                name,
                METHODS[name].strategy,
                METHODS[name].options,
                METHODS[name].injection,
                n=self.large_n if name in self.large else self.n,
                pilot=self.pilot,
            )
            for name in self.methods
        )
        return AuditOptions(
            methods=methods,
            aims=self.aims,
            seeds=tuple(range(self.seeds)),
            n=self.n,
            model=model,
            sampler=self.sampler,
            steps=self.steps,
            harvest=min(HARVEST, 4 * self.n),
        )

    def in_words(self, drawn: pd.DataFrame | None = None) -> str:
        """How much was drawn, and what of the full recipe is missing.

        Parameters
        ----------
        drawn : pandas.DataFrame, optional
            ``method, target, seeds, n`` (the summary of a run that earlier recipes may have begun);
            by default what this one asks for.

        Examples
        --------
        >>> few = Recipe(n=200, large_n=200, seeds=2, sampler="ddim", steps=50)
        >>> drawn = pd.DataFrame({"method": "quota", "target": ["gender"], "seeds": 2, "n": 120})
        >>> few.in_words(drawn).split(". ")[2]
        'Other numbers of images: quota 120'
        >>> print(few.in_words().split(". ")[1])
        This is less than the full recipe of 2,000 images x 5 seeds, 10,000 for plain, component-uniform, \
guided, pilots of 1,000.
        """
        large = [name for name in self.methods if name in self.large]
        more = f"; {self.large_n:,} for {', '.join(large)}" if large and self.large_n > self.n else ""
        seeds = f"{self.seeds} seed{'s' if self.seeds > 1 else ''}"
        words = f"{self.n:,} images x {seeds} a method and target{more}"
        words += f", {self.steps} {self.sampler} steps."
        methods = self.methods if drawn is None else set(drawn["method"])
        targets = {aim.name for aim in self.aims} if drawn is None else set(drawn["target"])
        missing = [name for name in METHODS if name not in methods]
        missing += [f"the target {aim.name}" for aim in AIMS if aim.name not in targets]
        if missing:
            words += f" Not drawn: {', '.join(missing)}."
        if drawn is not None and len(few := drawn[drawn["seeds"] < self.seeds]):
            words += f" Fewer seeds: {_listed(few['method'], few['target'], every=targets)}."
        if drawn is not None:
            words += self._other_numbers(drawn, targets)
        if self._less():
            words += (
                f" This is less than the full recipe of {N:,} images x {SEEDS} seeds, {LARGE_N:,} for"
                f" {', '.join(LARGE)}, pilots of {PILOT:,}."
            )
        return words

    def _other_numbers(self, drawn: pd.DataFrame, targets: set[str]) -> str:
        """What was drawn with another number of images a seed, or did not find them all."""
        usual = drawn["method"].isin(self.large).map({True: max(self.n, self.large_n), False: self.n})
        other = drawn[(drawn["n"] != usual) & (drawn["seeds"] > 0)]
        if other.empty:
            return ""
        named = other["method"] + other["n"].map(" {:,}".format)
        return f" Other numbers of images: {_listed(named, other['target'], every=targets)}."

    def _less(self) -> bool:
        """Whether any number is below the full recipe's."""
        mine, full = (self.n, self.large_n, self.seeds, self.pilot), (N, LARGE_N, SEEDS, PILOT)
        return any(a < b for a, b in zip(mine, full, strict=True)) or bool(set(LARGE) - set(self.large))


def _listed(names: pd.Series, targets: pd.Series, *, every: set[str]) -> str:
    """Names in a row by the targets they have in common; targets are told where they are not all."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, of in targets.groupby(names, sort=False):
        alike.setdefault(tuple(of), []).append(name)
    told = {of: "" if set(of) == every else f" ({', '.join(of)})" for of in alike}
    return "; ".join(", ".join(named) + told[of] for of, named in alike.items())
