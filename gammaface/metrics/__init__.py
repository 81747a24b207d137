"""Fairness, representation and interval metrics: arrays in, floats or one frame out.

The definitions follow GAMMA-FACE (eq. 12-15) and the GAN-rebalancing paper (eq. 5-9,
Alg. 1). Every function states its equation, range and what bad input raises; every value
is a float with a ``note`` (see `Measure`) that explains NaN and skipped cells in words.
"""

from typing import TYPE_CHECKING

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
from gammaface.metrics.measure import Measure
from gammaface.metrics.quality import frechet_distance, kernel_distance, nearest, precision_recall
from gammaface.metrics.quality_by_group import quality_by_group
from gammaface.metrics.representation import (
    Representation,
    fairness_discrepancy,
    noise_floor,
    representation,
)
from gammaface.metrics.shares import class_shares, importance_weights

if TYPE_CHECKING:
    from gammaface.metrics.losses import bias_loss

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
    "frechet_distance",
    "group_table",
    "importance_weights",
    "kernel_distance",
    "kl_divergence",
    "nearest",
    "noise_floor",
    "precision_recall",
    "quality_by_group",
    "representation",
    "share_table",
    "worst_group",
]


def __getattr__(name: str):
    if name == "bias_loss":  # the only one that needs torch, which takes seconds to import
        from gammaface.metrics.losses import bias_loss

        return bias_loss
    raise AttributeError(f"module 'gammaface.metrics' has no attribute '{name}'")
