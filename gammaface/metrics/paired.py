"""Point estimates and paired resamples of every figure of every method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gammaface.metrics import counts, divergence
from gammaface.metrics.encode import Coded, encode, own_scores
from gammaface.metrics.intervals import draws, resampled_counts

BINS = 50
MIN_N = 30  # below it a group is marked in words and a score histogram is not drawn

Figures = dict[str, dict[str, np.ndarray]]  # per method and metric


@dataclass(frozen=True)
class Variants:
    tpr: str
    mode: str
    weights: str
    kl: str

    def names(self, *, train: bool) -> dict[str, str]:
        """The chosen variant of each metric, in words; the keys are the table's metrics."""
        rates = f"tpr={self.tpr}, mode={self.mode}"
        sign = "sign from train labels" if train else "sign from test labels"
        return {
            "accuracy": "top-1, %",
            "worst_group": "lowest group accuracy, %",
            "bias": f"{rates}, weights={self.weights}",
            "bias_micro": f"tpr=micro, mode={self.mode}, weights={self.weights}",
            "largest_gap": f"tpr={self.tpr}, max - min over groups",
            "bpc": f"bias: {rates}, weights={self.weights}; T: micro",
            "ba": f"directional, {sign}, x100",
            "ba_eq14_printed": "ratio as printed, sign from test labels",
            "kl": f"{self.kl}, bins={BINS}, sigma=1, eps=1e-6, min_n={MIN_N}, nats",
            "deo": "TPR of class 1 of two, else of the worst class",
            "demographic_parity": "worst class",
            "equalised_odds": "worst pair of true and predicted class",
        }


@dataclass(frozen=True)
class Method:
    """One method's predictions, coded; ``own`` is None without scores."""

    coded: Coded
    own: np.ndarray | None

    @property
    def binnable(self) -> bool:
        return self.own is not None and not np.isnan(self.own).any()

    def histogram_cells(self) -> np.ndarray:
        return divergence.histogram_cells(self.own, self.coded, bins=BINS)

    def princeton(self, rows: np.ndarray) -> float:
        """KL of these rows by the public code, whose histograms have ranges of their own."""
        if not self.binnable:
            return float("nan")
        y, g = self.coded.y[rows], self.coded.g[rows]
        return divergence.from_scores(self.own[rows], y, g, self.valid())

    def valid(self) -> np.ndarray:
        return self.coded.counts().sum(-1) >= MIN_N


def code_methods(y, predictions: Mapping[str, tuple], groups) -> dict[str, Method]:
    """Code all methods over the same classes, so that their tables are alike."""
    coded = {m: encode(y, p, groups) for m, (p, _) in predictions.items()}
    classes = tuple(sorted(set().union(*(c.classes for c in coded.values()))))
    methods = {}
    for m, c in coded.items():
        to = np.array([classes.index(label) for label in c.classes])
        alike = Coded(to[c.y], to[c.p], c.g, classes, c.groups, c.empty)
        scores = predictions[m][1]
        methods[m] = Method(alike, None if scores is None else own_scores(scores, c))
    return methods


def paired_figures(
    methods: dict[str, Method],
    chosen: Variants,
    sign: np.ndarray | None,
    *,
    first: str | None,
    resamples: int,
    seed: int,
) -> tuple[Figures, Figures]:
    """All figures at the point and in each resample; resample i is the same rows for all."""
    binned = [m for m in methods if methods[m].binnable and chosen.kl == "fixed"]
    cells = [method.coded.cells() for method in methods.values()]
    cells += [methods[m].histogram_cells() for m in binned]
    shapes = [method.coded.shape for method in methods.values()]
    shapes += [(*methods[m].coded.shape[:2], BINS) for m in binned]
    sizes = [int(np.prod(shape)) for shape in shapes]

    def figures(counted: list[np.ndarray]) -> Figures:
        tables = [c.reshape(*c.shape[:-1], *s) for c, s in zip(counted, shapes, strict=True)]
        found = {m: _figures(n, chosen, sign) for m, n in zip(methods, tables, strict=False)}
        for m, tally in zip(binned, tables[len(methods) :], strict=True):
            found[m]["kl"] = divergence.from_histograms(tally, methods[m].valid())
        if first and chosen.mode == "abs":  # a signed Bias has no relative change
            base = found[first]
            for values in found.values():
                values["bpc"] = counts.bpc(base["bias"], values["bias"], base["accuracy"], values["accuracy"])
        return found

    point = figures([np.bincount(c, minlength=s) for c, s in zip(cells, sizes, strict=True)])
    parts = [figures(chunk) for chunk in resampled_counts(cells, sizes, resamples=resamples, seed=seed)]
    samples = {m: {k: np.concatenate([part[m][k] for part in parts]) for k in point[m]} for m in methods}
    for m, method in methods.items():
        if method.own is not None and m not in binned:
            rows = draws(len(method.own), resamples=resamples, seed=seed)
            point[m]["kl"] = method.princeton(np.arange(len(method.own)))
            samples[m]["kl"] = np.array([method.princeton(i) for i in rows])
    return point, samples


def _figures(n: np.ndarray, chosen: Variants, sign: np.ndarray | None) -> dict[str, np.ndarray]:
    """All figures of tables (..., group, true class, predicted class)."""
    variant = {"mode": chosen.mode, "weights": chosen.weights}
    return {
        "accuracy": 100 * counts.accuracy(n),
        "worst_group": 100 * counts.worst_group(n),
        "bias": counts.bias(n, tpr=chosen.tpr, **variant),
        "bias_micro": counts.bias(n, tpr="micro", **variant),
        "largest_gap": counts.largest_spread(counts.group_rates(n, chosen.tpr)),
        "ba": 100 * counts.ba_directional(n, sign),
        "ba_eq14_printed": counts.ba_eq14_printed(n),
        "deo": counts.deo(n),
        "demographic_parity": counts.demographic_parity(n),
        "equalised_odds": counts.equalised_odds(n),
    }
