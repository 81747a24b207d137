"""GammaFace: who does this diffusion model draw, and can it draw everyone evenly?"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

# scikit-learn's array API needs this before SciPy is first imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

if TYPE_CHECKING:
    from gammaface.attributes import AttributeClassifier, load_attributes
    from gammaface.balancing import Batch, balance
    from gammaface.generators import Generator, load_generator
    from gammaface.latents import Latents, harvest
    from gammaface.mixture import LatentMixture
    from gammaface.sweep import suggest_k, sweep_bic

from gammaface.errors import GammaFaceError

__version__ = "0.1.0"

# torch and diffusers take seconds to import: reading a run must not wait for them.
_MODULES = {
    "AttributeClassifier": "attributes",
    "load_attributes": "attributes",
    "Batch": "balancing",
    "balance": "balancing",
    "Generator": "generators",
    "load_generator": "generators",
    "Latents": "latents",
    "harvest": "latents",
    "LatentMixture": "mixture",
    "suggest_k": "sweep",
    "sweep_bic": "sweep",
}
__all__ = [
    "AttributeClassifier",
    "Batch",
    "GammaFaceError",
    "Generator",
    "LatentMixture",
    "Latents",
    "balance",
    "harvest",
    "load_attributes",
    "load_generator",
    "suggest_k",
    "sweep_bic",
]


def __getattr__(name: str):
    if name in _MODULES:
        return getattr(importlib.import_module(f"gammaface.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'gammaface' has no attribute '{name}'")
