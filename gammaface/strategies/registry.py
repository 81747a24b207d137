"""The strategies that draw a batch, one file per method, in one registry."""

from __future__ import annotations

from gammaface.errors import GammaFaceError
from gammaface.strategies.component_balanced import COMPONENT_BALANCED
from gammaface.strategies.component_uniform import COMPONENT_UNIFORM
from gammaface.strategies.evolutionary import EVOLUTIONARY
from gammaface.strategies.guidance import DISTRIBUTION_GUIDANCE
from gammaface.strategies.h_directions import H_DIRECTIONS
from gammaface.strategies.latent_directions import LATENT_DIRECTIONS
from gammaface.strategies.plain import PLAIN
from gammaface.strategies.quota import QUOTA
from gammaface.strategies.self_debias import SELF_DEBIAS
from gammaface.strategies.strategy import Strategy
from gammaface.strategies.stratified import STRATIFIED

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        PLAIN,
        QUOTA,
        COMPONENT_UNIFORM,
        COMPONENT_BALANCED,
        STRATIFIED,
        LATENT_DIRECTIONS,
        EVOLUTIONARY,
        DISTRIBUTION_GUIDANCE,
        H_DIRECTIONS,
        SELF_DEBIAS,
    )
}


def get_strategy(name: str) -> Strategy:
    """The strategy of this name."""
    if name not in STRATEGIES:
        raise GammaFaceError(f"there is no strategy '{name}'", fix=f"Choose from {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]
