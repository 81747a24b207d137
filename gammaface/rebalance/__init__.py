"""Retrain a generator so that it draws everyone evenly, and measure what that changed."""

from gammaface.rebalance.bias_term import BiasTerm
from gammaface.rebalance.class_classifier import ClassClassifier, train_class_classifier
from gammaface.rebalance.critic import Critic, critic_of
from gammaface.rebalance.material import Original, reads_original, reads_real
from gammaface.rebalance.recipe import Recipe, estimate
from gammaface.rebalance.rows import ROWS, Row
from gammaface.rebalance.run import run_rebalance
from gammaface.rebalance.shipping import ship

__all__ = [
    "ROWS",
    "BiasTerm",
    "ClassClassifier",
    "Critic",
    "Original",
    "Recipe",
    "Row",
    "critic_of",
    "estimate",
    "reads_original",
    "reads_real",
    "run_rebalance",
    "ship",
    "train_class_classifier",
]
