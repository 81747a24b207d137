"""The strategies that draw a batch: a catalogue in words, and a registry that draws."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gammaface.strategies.catalogue import ABOUT, INJECTIONS
    from gammaface.strategies.labelling import Labeller, Reader, as_labeller, coarsened
    from gammaface.strategies.option import Option
    from gammaface.strategies.registry import STRATEGIES, get_strategy
    from gammaface.strategies.request import Drawn, Learned, Request, Unfilled
    from gammaface.strategies.strategy import Strategy
    from gammaface.strategies.target import Target

# The registry loads torch, which takes seconds: who reads the catalogue must not wait for it.
_MODULES = {
    "ABOUT": "catalogue",
    "INJECTIONS": "catalogue",
    "Labeller": "labelling",
    "Reader": "labelling",
    "as_labeller": "labelling",
    "coarsened": "labelling",
    "Option": "option",
    "STRATEGIES": "registry",
    "get_strategy": "registry",
    "Drawn": "request",
    "Learned": "request",
    "Request": "request",
    "Unfilled": "request",
    "Strategy": "strategy",
    "Target": "target",
}
__all__ = [
    "ABOUT",
    "INJECTIONS",
    "STRATEGIES",
    "Drawn",
    "Labeller",
    "Learned",
    "Option",
    "Reader",
    "Request",
    "Strategy",
    "Target",
    "Unfilled",
    "as_labeller",
    "coarsened",
    "get_strategy",
]


def __getattr__(name: str):
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
