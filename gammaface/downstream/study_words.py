"""What the cells of a study keep of their generated faces, arms and machines, in words."""

from __future__ import annotations

from collections.abc import Sequence

from gammaface.downstream.cells import Cell, Stored
from gammaface.downstream.terms import SET_NAMES
from gammaface.strategies import get_strategy


def sets_in_words(found: Sequence[Stored]) -> str:
    """How large the sets of generated faces are and how they were drawn, as the cells keep it."""
    users: dict[str, dict[str, None]] = {}
    for stored in found:
        if stored.set_size:
            cell, drawing = stored.cell, stored.config.get("drawing") or {}
            steps = f" in {drawing['steps']} {drawing['sampler']} steps" if drawing.get("steps") else ""
            user = f"{cell.source} for {cell.target} of {SET_NAMES[cell.data]}"
            users.setdefault(f"of {stored.set_size:,} generated faces{steps}", {})[user] = None
    if not users:
        return ""
    told = users if len(users) == 1 else [f"{how} ({', '.join(who)})" for how, who in users.items()]
    return f", sets {' and '.join(told)}, shown again where a mix needs more{_evened_in_words(found)}"


def _evened_in_words(found: Sequence[Stored]) -> str:
    """What sets that follow a target are even over: not always whom a task protects."""
    tasks: dict[str, dict[str, None]] = {}
    for stored in found:
        cell, drawing = stored.cell, stored.config.get("drawing") or {}
        if cell.source and "target" in get_strategy(cell.source).needs and drawing.get("attributes"):
            evened = f"{cell.source} drew evenly over {', '.join(drawing['attributes'])}"
            tasks.setdefault(evened, {})[f"{cell.target} of {SET_NAMES[cell.data]}"] = None
    return "".join(f"; {evened} for {', '.join(who)}" for evened, who in tasks.items())


def precisions_in_words(found: Sequence[Stored]) -> str:
    """Which cells were computed in another precision than most: a study may be of two machines."""
    by_precision: dict[str, list[Cell]] = {}
    for stored in found:
        if (machine := stored.facts.get("machine")) is not None:
            by_precision.setdefault("bfloat16" if machine["bf16"] else "float32", []).append(stored.cell)
    if len(by_precision) < 2:
        return ""
    usual, other = sorted(by_precision, key=lambda name: -len(by_precision[name]))
    methods: dict[str, dict[str, None]] = {}
    for cell in by_precision[other]:
        methods.setdefault(f"{cell.target} of {SET_NAMES[cell.data]}", {})[cell.method] = None
    told = "; ".join(f"{task}: {', '.join(names)}" for task, names in methods.items())
    n = len(by_precision[other])
    trained = "1 classifier was" if n == 1 else f"{n} classifiers were"
    return f" {trained} trained in {other} on another machine ({told}), the others in {usual}."


def not_varied(cells: Sequence[Cell]) -> str:
    """Which arms beside the main mix nobody has computed."""
    arms = {
        "originals kept beside generated faces": any(c.design == "additive" for c in cells),
        "labels of the subset": any(c.labeller == "subset-only" for c in cells),
        "unsure labels left out": any(c.min_p > 0 for c in cells),
    }
    absent = [words for words, there in arms.items() if not there]
    return f" Not varied: {', '.join(absent)}." if absent else ""
