"""The strategies that draw a batch, one file per method, in one registry."""

from __future__ import annotations

from collections.abc import Callable

from gammaface.errors import GammaFaceError
from gammaface.strategies.component_uniform import INJECTIONS, component_uniform
from gammaface.strategies.plain import plain
from gammaface.strategies.request import Drawn, Request

__all__ = ["INJECTIONS", "STRATEGIES", "Drawn", "Request", "get_strategy", "plain"]

STRATEGIES: dict[str, Callable[[Request], Drawn]] = {
    "plain": plain,
    "component-uniform": component_uniform,
}


def get_strategy(name: str) -> Callable[[Request], Drawn]:
    """The strategy of this name."""
    if name not in STRATEGIES:
        raise GammaFaceError(f"there is no strategy '{name}'", fix=f"Choose from {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]
