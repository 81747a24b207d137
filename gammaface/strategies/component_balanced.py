"""Components drawn in the shares that bring the attributes nearest to the target."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from gammaface.errors import GammaFaceError
from gammaface.strategies.pilot import draw_pilot
from gammaface.strategies.request import Drawn, Learned, Request
from gammaface.strategies.responsibility import draw_components, reduced
from gammaface.strategies.strategy import described
from gammaface.strategies.target import largest_remainder, spread


def component_weights(
    shares: np.ndarray, target: np.ndarray, natural: np.ndarray, *, pull: float = 1e-3
) -> np.ndarray:
    r"""Weights of components whose mixed shares are nearest to the target.

    .. math:: \min_w \|\sum_k w_k p(cell\,|\,k) - target\|^2 + pull\,\|w - natural\|^2,
              \quad w \ge 0, \sum_k w_k = 1

    Parameters
    ----------
    shares : array of shape (K, cells)
        p(cell | k); rows add up to 1.
    target : array of shape (cells,)
    natural : array of shape (K,)
        How often the model draws each component; one that it never drew gets weight 0.
    pull : float
        How much nearness to the natural weights counts: it decides between weights that do
        as well, for those that need fewer draws.

    Returns
    -------
    array of shape (K,)

    Raises
    ------
    GammaFaceError
        When the optimiser fails.

    Examples
    --------
    >>> component_weights(np.array([[.9, .1], [.3, .7]]), np.full(2, .5), np.full(2, .5), pull=0).round(4)
    array([0.3333, 0.6667])
    """
    drawn = natural > 0

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        miss, away = w @ shares - target, w - natural
        return miss @ miss + pull * away @ away, 2 * shares @ miss + 2 * pull * away

    found = minimize(
        loss,
        natural,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, float(seen)) for seen in drawn],
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-12, "maxiter": 500},
    )
    if not found.success:
        raise GammaFaceError(f"no component weights were found: {found.message}", fix="Draw a larger pilot.")
    weights = np.clip(found.x, 0, None)
    return weights / weights.sum()


def learn(request: Request) -> Learned:
    """Component weights, from the cells and components of a pilot's images."""
    mixture, latents, target = request.mixture, request.mixture.latents_, request.target
    place = (latents.space, latents.t)
    pilot = draw_pilot(request, codes=[place])
    components = mixture.predict(reduced(latents, pilot.codes[place]))
    table = np.zeros((mixture.n_components, len(target.shares)))
    np.add.at(table, (components, pilot.cells(target)), 1)
    seen = table.sum(axis=1)
    shares, natural = table / np.maximum(seen, 1)[:, None], seen / seen.sum()
    weights = component_weights(shares, target.shares, natural, pull=request.options["pull"])
    predicted = weights @ shares
    notes = {
        "component_weights": weights.round(4).tolist(),
        "predicted_shares": dict(zip(target.names, predicted.round(4).tolist(), strict=True)),
    }
    return Learned(weights, pilot.evaluations, notes)


def component_balanced(request: Request) -> Drawn:
    """Draw to the harvest's timestep, keep by component in the learned shares."""
    wanted = spread(largest_remainder(request.learned.value, request.run_size))[request.places]
    return draw_components(request, wanted, limit=request.options["limit"])


COMPONENT_BALANCED = described("component-balanced", component_balanced, learn=learn)
