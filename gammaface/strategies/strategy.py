"""Strategy: a registry entry, the description joined to the functions that draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gammaface.errors import GammaFaceError
from gammaface.strategies.catalogue import ABOUT, NEEDS, About
from gammaface.strategies.labelling import check_target
from gammaface.strategies.option import Option, Value
from gammaface.strategies.request import Drawn, Learned, Request


@dataclass(frozen=True)
class Strategy:
    """A way to draw a batch.

    Attributes
    ----------
    about : About
        Its name, summary, needs and options.
    draw : callable
        ``draw(request) -> Drawn``.
    learn : callable, optional
        ``learn(request) -> Learned``, once a run; ``draw`` finds it in ``request.learned``.
    """

    about: About
    draw: Callable[[Request], Drawn]
    learn: Callable[[Request], Learned] | None = None

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def summary(self) -> str:
        return self.about.summary

    @property
    def needs(self) -> tuple[str, ...]:
        return self.about.needs

    @property
    def options(self) -> Mapping[str, Option]:
        return self.about.options

    def complete(self, options: Mapping[str, Value]) -> dict[str, Value]:
        """As :meth:`About.complete`."""
        return self.about.complete(options)

    def check(self, request: Request) -> None:
        """Refuse a request that lacks something, in words."""
        given = {need for need in self.needs if GIVEN[need](request)}
        self.about.refuse(given, model=request.generator.name, sampler=request.sampler)
        if request.target is not None and request.labeller is not None:
            check_target(request.target, request.labeller)


GIVEN: dict[str, Callable[[Request], bool]] = {
    "mixture": lambda r: r.mixture is not None,
    "harvest": lambda r: r.mixture is not None and r.mixture.latents_ is not None,
    "target": lambda r: r.target is not None,
    "labeller": lambda r: r.labeller is not None,
    "pilot": lambda r: r.pilot > 0 or r.learned is not None,
    "mid-block": lambda r: getattr(r.generator.unet, "mid_block", None) is not None,
    "deterministic": lambda r: r.sampler != "ddpm",
}
"""Whether a request gives each of :data:`gammaface.strategies.catalogue.NEEDS`."""


def check_need(need: str, request: Request) -> None:
    """Refuse a request that lacks a need only some options ask for."""
    if not GIVEN[need](request):
        what = NEEDS[need].what.format(name=request.generator.name, sampler=request.sampler)
        raise GammaFaceError(f"this needs {what}", fix=NEEDS[need].fix)


def described(
    name: str,
    draw: Callable[[Request], Drawn],
    *,
    learn: Callable[[Request], Learned] | None = None,
) -> Strategy:
    """The strategy of a name in the catalogue."""
    return Strategy(ABOUT[name], draw, learn)
