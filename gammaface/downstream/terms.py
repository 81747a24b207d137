"""The study's words: tasks, methods in the order they are shown, metrics, verdicts.

Nothing here needs torch, so that a screen opens at once.
"""

from __future__ import annotations

from collections.abc import Sequence

# Originals a class, by number of classes (GAMMA-FACE, sec. 4.2).
PER_CLASS = {2: 5000, 3: 7000}
TABLES = ("cells", "figures", "groups", "ratios", "table1", "table2", "table3", "table4", "claims")
FULL_IMAGES = 100_000  # pictures shown to each classifier in the full study
_LOOKS = {target: ("age", "gender") for target in ("smile", "glasses", "hair")}
_PEOPLE = {"gender": ("age", "race"), "race": ("age", "gender"), "age": ("race", "gender")}
TASKS: dict[str, dict[str, tuple[str, ...]]] = {
    "celeba": _LOOKS,
    "ffhq": _LOOKS,
    "utkface": _PEOPLE,
    "fairface": _PEOPLE,
}
SET_NAMES = {"celeba": "CelebA", "ffhq": "FFHQ", "utkface": "UTKFace", "fairface": "FairFace"}

REFERENCE, CONTROL, EVEN = "baseline", "plain-augment", "gamma-face"
# Baselines, the control, then what is claimed to be fairer.
ORDER = (
    REFERENCE,
    "oversample",
    "group-reweigh",
    "ramaswamy",
    "diga",
    "pass",
    "distill-debias",
    CONTROL,
    EVEN,
    "targeted",
)
MAIN_SETTINGS = ("fixed", "full", 0.0)
# Sets of generated faces that methods take unless told otherwise.
OWN_SETS = {
    CONTROL: "plain",
    "ramaswamy": "plain",
    EVEN: "component-uniform",
    "targeted": "distribution-guidance",
}

HOLDS, FAILS, OPEN, MISSING = "holds here", "does not hold here", "not settled", "not measured"
LARGER_IS_BETTER = {"accuracy", "bpc", "worst_group"}
SIGNED = {"bias", "bias_micro"}  # metrics that may be taken with their sign
METRICS = {
    "bias": "Bias",
    "ba": "BA x100",
    "accuracy": "Accuracy, %",
    "bpc": "BPC",
    "kl": "KL",
    "worst_group": "Worst group, %",
    "largest_gap": "Largest gap",
    "bias_micro": "Bias, micro",
    "deo": "DEO",
    "demographic_parity": "Demographic parity",
    "equalised_odds": "Equalised odds",
    "ba_eq14_printed": "BA as printed",
}


def has_order(metric: str, variant: str) -> bool:
    """Whether one side of a metric is better; a signed Bias may lie on either side of 0.

    Examples
    --------
    >>> has_order("bias", "tpr=macro, mode=abs"), has_order("bias", "tpr=macro, mode=signed")
    (True, False)
    """
    return metric not in SIGNED or "mode=signed" not in variant


def usual_settings(found: Sequence[tuple[str, str, float]]) -> tuple[str, str, float] | None:
    """Design, labeller and confidence that most arms with generated faces have; of as many, the paper's.

    Examples
    --------
    >>> usual_settings([("additive", "full", 0.0), ("fixed", "full", 0.0)])
    ('fixed', 'full', 0.0)
    """
    return max(found, key=lambda each: (found.count(each), each == MAIN_SETTINGS), default=None)


def task_words(data: str, target: str, protected: str) -> str:
    """A task as the paper writes it.

    Examples
    --------
    >>> task_words("utkface", "race", "age+gender")
    'race | age, gender (UTKFace)'
    """
    return f"{target} | {protected.replace('+', ', ')} ({SET_NAMES.get(data, data)})"


def arm_words(
    method: str, source: str, share: float, design: str = "fixed", labeller: str = "full", min_p: float = 0.0
) -> str:
    """An arm of the study as people read it; what is as usual is left unsaid.

    Examples
    --------
    >>> arm_words("gamma-face", "component-uniform", 50), arm_words("pass", "", 0)
    ('gamma-face 50%', 'pass')
    >>> arm_words("gamma-face", "stratified", 30, "additive", "subset-only", 0.8)
    'gamma-face on stratified 30%, additive, labels of the subset, labels surer than 0.8'
    """
    if not source:
        return method
    parts = [f"{method}{'' if source == OWN_SETS.get(method) else f' on {source}'} {share:g}%"]
    if design != MAIN_SETTINGS[0]:
        parts.append(design)
    if labeller != MAIN_SETTINGS[1]:
        parts.append("labels of the subset")
    if min_p > MAIN_SETTINGS[2]:
        parts.append(f"labels surer than {min_p:g}")
    return ", ".join(parts)
