"""Retrain a generator so that it draws everyone evenly, and measure what that changed."""

from gammaface.rebalance.bias_term import BiasTerm
from gammaface.rebalance.class_classifier import ClassClassifier, train_class_classifier
from gammaface.rebalance.critic import Critic, critic_of
from gammaface.rebalance.material import Original, read_pictures
from gammaface.rebalance.recipe import ROWS, Recipe, Row, estimate
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
    "read_pictures",
    "run_rebalance",
    "ship",
    "train_class_classifier",
]
