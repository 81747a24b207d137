"""Fairness, representation and interval metrics: arrays in, floats or one frame out.

The definitions follow GAMMA-FACE (eq. 12-15) and the GAN-rebalancing paper (eq. 5-9,
Alg. 1). Every function states its equation, range and what bad input raises; every value
is a float with a ``note`` (see `Measure`) that explains NaN and skipped cells in words.
"""

from gammaface.metrics.audit import audit_table, by_method
from gammaface.metrics.bias import ba_directional, ba_eq14_printed, bias, bias_from_rates, bpc
from gammaface.metrics.by_group import group_table, share_table
from gammaface.metrics.correction import Corrected, cleam
from gammaface.metrics.divergence import kl_divergence
from gammaface.metrics.groupwise import (
    accuracy,
    demographic_parity,
    deo,
    equalised_odds,
    worst_group,
)
from gammaface.metrics.losses import bias_loss
from gammaface.metrics.measure import Measure
from gammaface.metrics.representation import (
    Representation,
    fairness_discrepancy,
    noise_floor,
    representation,
)
from gammaface.metrics.shares import class_shares, importance_weights

__all__ = [
    "Corrected",
    "Measure",
    "Representation",
    "accuracy",
    "audit_table",
    "ba_directional",
    "ba_eq14_printed",
    "bias",
    "bias_from_rates",
    "bias_loss",
    "bpc",
    "by_method",
    "class_shares",
    "cleam",
    "demographic_parity",
    "deo",
    "equalised_odds",
    "fairness_discrepancy",
    "group_table",
    "importance_weights",
    "kl_divergence",
    "noise_floor",
    "representation",
    "share_table",
    "worst_group",
]
