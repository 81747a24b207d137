"""Ways to train a fairer classifier, one file per published method, in one registry.

A method takes a `Problem` (examples, a recipe, a seed, perhaps generated faces and a space
to edit them in) and returns a trained network. None knows where its data came from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gammaface.baselines.augmented import augmented, targeted
from gammaface.baselines.diga import diga
from gammaface.baselines.distill import distill_debias
from gammaface.baselines.mixing import DESIGNS, Mix
from gammaface.baselines.plain import baseline, group_reweigh, oversample
from gammaface.baselines.problem import CodeSpace, Examples, Problem, Recipe, Trained
from gammaface.baselines.protected_removal import pass_
from gammaface.baselines.ramaswamy import ramaswamy
from gammaface.errors import GammaFaceError

__all__ = [
    "DESIGNS",
    "METHODS",
    "CodeSpace",
    "Examples",
    "Method",
    "Mix",
    "Problem",
    "Recipe",
    "Trained",
    "get_method",
]


@dataclass(frozen=True)
class Method:
    """One way to train, and what it asks for.

    ``source`` names the set of generated faces it takes unless told otherwise; ``editing``
    says that it edits pictures; ``all_shares`` that it runs at every mixing ratio;
    ``published`` is its name in the papers' tables.
    """

    train: Callable[[Problem], Trained]
    about: str
    source: str | None = None
    editing: bool = False
    all_shares: bool = False
    published: str | None = None


METHODS: dict[str, Method] = {
    "baseline": Method(baseline, "originals only", published="Baseline"),
    "oversample": Method(oversample, "originals, every (class, group) cell drawn equally often"),
    "group-reweigh": Method(group_reweigh, "originals, every (class, group) cell weighted alike"),
    "plain-augment": Method(
        augmented, "originals and faces of plain sampling", source="plain", all_shares=True
    ),
    "ramaswamy": Method(
        ramaswamy,
        "originals and generated pairs that differ in the protected attribute",
        source="plain",
        editing=True,
        published="Ramaswamy 2021",
    ),
    "diga": Method(
        diga, "features that ignore edits along a spurious direction", editing=True, published="DiGA 2024"
    ),
    "pass": Method(pass_, "protected attribute removed from frozen features", published="PASS 2021"),
    "distill-debias": Method(distill_debias, "groups learn in turns, held to the first one's features"),
    "gamma-face": Method(
        augmented,
        "originals and faces drawn evenly over mixture components",
        source="component-uniform",
        all_shares=True,
        published="GAMMA-FACE",
    ),
    "targeted": Method(
        targeted,
        "originals and generated faces where the baseline's recall is lowest",
        # Plain faces of the rarest cells are too few to fill anything.
        source="distribution-guidance",
    ),
}


def get_method(name: str) -> Method:
    """The method of this name."""
    if name not in METHODS:
        raise GammaFaceError(f"there is no method '{name}'", fix=f"Choose from {', '.join(METHODS)}.")
    return METHODS[name]
