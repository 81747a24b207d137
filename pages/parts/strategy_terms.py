"""On what terms a strategy can be drawn with here: why not, or at what cost."""

from __future__ import annotations

from gammaface.strategies.catalogue import NEEDS, About

from .model_facts import has_mid_block
from .people import TRAIN
from .state import Study, has_classifier, short
from .words import plain

SAMPLERS = {"ddim": "DDIM", "ddpm": "DDPM", "dpm-solver": "DPM-Solver++", "unipc": "UniPC"}
FIXES = {
    "labeller": f"Train one first: `{TRAIN}`.",
    "target": "Choose at least one attribute to even out.",
    "pilot": "Give a pilot of 1 or more.",
    "deterministic": "Choose the sampler DDIM, DPM-Solver++ or UniPC.",
}


def learns(about: About) -> bool:
    """Whether a pilot is drawn for it, at least with its usual options."""
    return "pilot" in about.needs or about.name == "distribution-guidance"


def refusal(study: Study, about: About, values: dict, target: tuple, options: dict) -> str:
    """Why this cannot be drawn here, in words; empty where it can."""
    given = {
        "mixture": True,
        "harvest": True,
        "labeller": has_classifier(),
        "target": bool(target[0]),
        "pilot": values["pilot"] > 0,
        "mid-block": has_mid_block(study.model),
        "deterministic": values["sampler"] != "ddpm",
    }
    # The classifier first: without it no target can be chosen.
    for need in sorted(about.needs, key=lambda n: n != "labeller"):
        if not given[need]:
            name = plain(short(study.model))
            what = NEEDS[need].what.format(name=name, sampler=SAMPLERS[values["sampler"]])
            return f"**{about.title} needs {what}.** {FIXES.get(need, NEEDS[need].fix)}"
    if about.name == "distribution-guidance" and not options["heads"] and not values["pilot"]:
        return f"**{about.title} needs {NEEDS['pilot'].what}.** {FIXES['pilot']}"
    space = "PCA of " * bool(study.config.get("pca")) + study.config.get("space", "x_t")
    from_means = about.name == "component-uniform" and values["injection"] != "responsibility"
    if from_means and space not in ("x_t", "x0"):
        return (
            f"**The components live in {plain(space)}, so their means are no noise to start from.**"
            " Draw freely and keep by component, or choose a run in x_t."
        )
    return ""


def cost(about: About, values: dict, options: dict) -> str:
    """What the draw takes at least, in words."""
    faces, pilot = values["n"] * values["steps"], 0
    if learns(about) and not options.get("heads"):
        pilot = values["pilot"] * values["steps"]
    words = f"At least {faces:,} network evaluations for the faces"
    if pilot:
        words += f", {pilot:,} for the pilot"
    if about.name == "plain":
        return words + "."
    return words + f", and {faces:,} for plain sampling beside them."
