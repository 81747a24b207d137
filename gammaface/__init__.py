"""GammaFace: who does this diffusion model draw, and can it draw everyone evenly?"""

import os

# scikit-learn's array API needs this before SciPy is first imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

from gammaface.balancing import Batch, balance
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator, load_generator
from gammaface.latents import Latents, harvest
from gammaface.mixture import LatentMixture
from gammaface.sweep import suggest_k, sweep_bic

__version__ = "0.1.0"
__all__ = [
    "Batch",
    "GammaFaceError",
    "Generator",
    "LatentMixture",
    "Latents",
    "balance",
    "harvest",
    "load_generator",
    "suggest_k",
    "sweep_bic",
]
