"""What is claimed about downstream fairness, by the paper and by us: which arm should beat which."""

from __future__ import annotations

from dataclasses import dataclass

from gammaface.downstream.terms import CONTROL, EVEN, REFERENCE

MAIN = 0.5


@dataclass(frozen=True)
class Side:
    """An arm as a claim names it; what is left open is as in most arms of the study.

    ``source`` is its set of generated faces, where it is not the method's own; ``design``,
    ``labeller`` and ``filtered`` (whether unsure pseudo-labels are left out) are told where a
    claim is about them.
    """

    method: str
    share: float = 0.0
    source: str = ""
    design: str = ""
    labeller: str = ""
    filtered: bool | None = None

    def __str__(self) -> str:
        parts = [f"{self.method} at {self.share:.0%}" if self.share not in (0, MAIN) else self.method]
        if self.design == "additive":
            parts.append("originals kept")
        if self.labeller == "subset-only":
            parts.append("labels of the subset")
        if self.filtered:
            parts.append("unsure labels left out")
        return ", ".join(parts)


@dataclass(frozen=True)
class Comparison:
    """``better`` is claimed to beat ``worse`` in a metric.

    ``contradiction`` is what the paper's own tables say against the claim.
    """

    claim: str
    where: str
    better: Side
    worse: Side
    metric: str
    targets: tuple[str, ...] = ()
    contradiction: str = ""


def _both(claim: str, better: Side, worse: Side) -> list[Comparison]:
    """One of Bias and one of accuracy; the claim has a place for what is claimed of each."""
    said = {"bias": "lowers Bias", "accuracy": "raises accuracy"}
    return [Comparison(claim.format(does), "ours", better, worse, metric) for metric, does in said.items()]


BASE, OURS, ALONE = Side(REFERENCE), Side(EVEN, MAIN), Side(EVEN, 1.0)
PLAIN, FILLED, WEIGHED = Side(CONTROL, MAIN), Side("targeted", MAIN), Side("group-reweigh")
RIVALS = {"ramaswamy": "Ramaswamy 2021", "diga": "DiGA 2024", "pass": "PASS 2021"}
COMPARISONS = (
    Comparison("GAMMA-FACE lowers Bias", "text", OURS, BASE, "bias"),
    Comparison("GAMMA-FACE raises accuracy on smile", "text", OURS, BASE, "accuracy", ("smile",)),
    Comparison(
        "KL falls on all tasks",
        "text",
        OURS,
        BASE,
        "kl",
        contradiction="In table 2 FairFace age rises from .769 to .783.",
    ),
    *(
        Comparison(
            f"GAMMA-FACE has less Bias than {name}",
            "table 1",
            OURS,
            Side(rival, MAIN),
            "bias",
            contradiction="In table 1 GAMMA-FACE is not the best row for age Bias.",
        )
        for rival, name in RIVALS.items()
    ),
    Comparison("Training on generated faces alone hurts accuracy", "text", BASE, ALONE, "accuracy"),
    Comparison("Training on generated faces alone hurts Bias", "text", BASE, ALONE, "bias"),
    *(
        Comparison(
            f"BPC is higher at 1:1 than at {round(100 * share)}% generated",
            "text",
            OURS,
            Side(EVEN, share),
            "bpc",
            contradiction="In table 4 FairFace gender is .117 at 30+70, above .085." if share < MAIN else "",
        )
        for share in (0.3, 0.7, 1.0)
    ),
    Comparison(
        "70+30 is a little better than 100% generated",
        "text",
        Side(EVEN, 0.7),
        ALONE,
        "bias",
        contradiction="In the tables smile Bias is .119, above .0204, and hair BPC -.376, below -.176.",
    ),
    Comparison("Evenness over components lowers Bias", "ours", OURS, PLAIN, "bias"),
    Comparison("Evenness over components raises accuracy", "ours", OURS, PLAIN, "accuracy"),
    Comparison("Any generated faces lower Bias", "ours", PLAIN, BASE, "bias"),
    Comparison("Filling the gaps has less Bias than even faces", "ours", FILLED, OURS, "bias"),
    Comparison("Filling the gaps has less Bias than weighing groups alike", "ours", FILLED, WEIGHED, "bias"),
    Comparison("GAMMA-FACE has less Bias than weighing groups alike", "ours", OURS, WEIGHED, "bias"),
    *_both(
        "Adding generated faces instead of trading originals for them {}",
        Side(EVEN, MAIN, design="additive"),
        Side(EVEN, MAIN, design="fixed"),
    ),
    # The full labeller knows faces that the classifier under test does not.
    *_both(
        "A labeller of all training data {} beside one of the subset (may be distillation)",
        Side(EVEN, MAIN, labeller="full"),
        Side(EVEN, MAIN, labeller="subset-only"),
    ),
    Comparison(
        "Leaving out unsure pseudo-labels lowers Bias",
        "ours",
        Side(EVEN, MAIN, filtered=True),
        Side(EVEN, MAIN, filtered=False),
        "bias",
    ),
)
