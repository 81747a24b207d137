"""Every metric of every arm of a task, with intervals, and every difference between two arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gammaface.downstream.cells import SCORE, Cell, Stored, score_columns
from gammaface.downstream.seed_noise import SeedNoise
from gammaface.downstream.tasks import Task, get_task
from gammaface.downstream.terms import CONTROL, OWN_SETS, REFERENCE, usual_settings
from gammaface.errors import GammaFaceError
from gammaface.metrics import counts
from gammaface.metrics.audit import small_note
from gammaface.metrics.bias import train_association
from gammaface.metrics.intervals import check_resampling, percentile_interval, resampled_counts
from gammaface.metrics.measure import join_notes
from gammaface.metrics.paired import Variants, code_methods, paired_figures

Interval = tuple[float, float, float]
"""(value, low, high); NaN where it is not defined."""
BPC, BPC_OF, PERCENT = "bpc", ("bias", "accuracy"), ("accuracy", "worst_group")


@dataclass(frozen=True)
class TaskFigures:
    """One task's figures over the seeds.

    Attributes
    ----------
    task : Task
    arms : dict of str to Cell
        A cell of each arm (`Cell.arm`), whatever its seed.
    point : dict of str to dict of str to array of shape (seeds,)
        By arm and metric, one figure per seed, in the audit's units; of BPC one in all, since
        a ratio of small numbers is not averaged.
    samples : dict of str to dict of str to array of shape (seeds, resamples)
        Resample i draws the same test faces for every arm, so differences are paired.
    noise : SeedNoise
        Training's noise, the same for every arm.
    variants : dict of str to str
        What each metric is, in words.
    n, groups, min_n : int
        Test faces, protected groups, and faces of the smallest group.
    note : str
        Groups and cells without samples, in words.
    seeds : dict of str to tuple of int
        Seeds of each arm.
    sets : dict of str to dict of int to int
        By arm and seed, faces of its set of generated ones, where that is known.
    """

    task: Task
    arms: dict[str, Cell]
    point: dict[str, dict[str, np.ndarray]]
    samples: dict[str, dict[str, np.ndarray]]
    noise: SeedNoise
    variants: dict[str, str]
    n: int
    groups: int
    min_n: int
    note: str
    seeds: dict[str, tuple[int, ...]]
    sets: dict[str, dict[int, int]]

    def value(self, arm: str, metric: str, *, beside: str | None = None) -> Interval:
        """Mean over the seeds and its 95% interval; over those that `beside` has, too, if it is given."""
        seeds = self.shared(arm, beside or arm, metric)
        if not seeds:
            return (np.nan,) * 3
        value, low, high = _interval(*self._over(arm, metric, seeds))
        least, most = _limits(metric, self.samples[arm].get(metric))
        return value, max(low, least), min(high, most)

    def difference(self, arm: str, other: str, metric: str) -> Interval:
        """arm - other: of the means over the seeds that both have, and its interval over the same."""
        seeds = self.shared(arm, other, metric)
        if not seeds or metric not in self.point[arm] or metric not in self.point[other]:
            return (np.nan,) * 3
        ours, theirs = (self._over(a, metric, seeds) for a in (arm, other))
        return _interval(ours[0] - theirs[0], ours[1] - theirs[1])

    def shared(self, arm: str, other: str, metric: str) -> tuple[int, ...]:
        """Seeds behind a comparison of two arms: BPC needs the baseline's as well."""
        needed = (other, REFERENCE) if metric == BPC else (other,)
        return tuple(s for s in self.seeds[arm] if all(s in self.seeds.get(a, ()) for a in needed))

    def _over(self, arm: str, metric: str, seeds: Sequence[int]) -> tuple[float, np.ndarray]:
        """An arm's mean over these seeds, and its resamples (resamples,)."""
        if metric == BPC:
            return _bpc(*(self._over(a, m, seeds) for m in BPC_OF for a in (REFERENCE, arm)))
        at = [self.seeds[arm].index(s) for s in seeds]
        value = counts.mean_defined(self.point[arm][metric][at])
        return float(value), self.noise.mean(self.samples[arm][metric][at], seeds)

    def control(self, arm: str) -> str | None:
        """The plain-augment arm of the same mix, so that the number of generated faces is equal.

        None where it was not run, or learned from a set of another size: another share or more
        faces would mix evenness with it. An arm without generated faces has no mix and is held
        against the main one.
        """
        mixes = {a: (cell.method, cell.source) for a, cell in self.arms.items()}
        plain = [a for a, mix in mixes.items() if mix == (CONTROL, OWN_SETS[CONTROL])]
        if self.arms[arm].source:
            wanted = self.arms[arm].control().arm
            return wanted if wanted in plain and not self.unequal(arm, wanted) else None
        usual = [a for a in plain if self.arms[a].settings == self.main_settings]
        return min(usual or plain, key=lambda a: abs(self.arms[a].share - 0.5), default=None)

    def unequal(self, arm: str, other: str) -> tuple[int, int] | None:
        """Sizes of two arms' sets of generated faces at the first seed where they differ."""
        ours, theirs = self.sets[arm], self.sets[other]
        return next(((ours[s], theirs[s]) for s in ours if theirs.get(s, ours[s]) != ours[s]), None)

    @property
    def main_settings(self) -> tuple[str, str, float] | None:
        """See `usual_settings`."""
        return usual_settings([cell.settings for cell in self.arms.values() if cell.source])


def task_figures(
    cells: Sequence[Stored],
    *,
    protected: Sequence[str] | None = None,
    tpr: str = "per_class",
    mode: str = "abs",
    weights: str = "share",
    kl_variant: str = "fixed",
    resamples: int = 1000,
    seed: int = 0,
) -> TaskFigures:
    """Figures of one task's cells.

    Each resample draws test faces with replacement and weighs the seeds, for every arm alike:
    the interval holds the test set's noise and, from two seeds up, training's, which few seeds
    tell little about (`SeedNoise`).

    Parameters
    ----------
    cells : sequence of Stored
        All of one task, any arms and seeds, on the same test faces.
    protected : sequence of str, optional
        Of the task's protected attributes, those that groups are made of; all by default.
    tpr, mode, weights, kl_variant : str
        As in `gammaface.metrics.audit_table`.

    Raises
    ------
    GammaFaceError
        No cells, cells of several tasks or test sets, or an unknown variant.
    """
    check_resampling(resamples=resamples, confidence=0.95)
    check_same_test(cells)
    first = cells[0].cell
    task, frame = get_task(first.data, first.target).seen_by(protected), cells[0].predictions
    groups = frame[list(task.protected)]
    chosen = Variants(tpr=tpr, mode=mode, weights=weights, kl=kl_variant)
    methods = code_methods(
        _words(frame["y"]), {s.cell.name: (_words(s.predictions["p"]), scores(s)) for s in cells}, groups
    )
    coded = methods[first.name].coded
    sign = train_association(coded, *_originals(cells, task))
    point, samples = paired_figures(methods, chosen, sign, first=None, resamples=resamples, seed=seed)
    arms: dict[str, list[Stored]] = {}
    for stored in sorted(cells, key=lambda s: s.cell.seed):
        arms.setdefault(stored.cell.arm, []).append(stored)
    names = {arm: [s.cell.name for s in found] for arm, found in arms.items()}
    seeds = {arm: tuple(s.cell.seed for s in found) for arm, found in arms.items()}
    noise = SeedNoise({s.cell.seed for s in cells}, resamples=resamples, seed=seed)
    by_arm = {
        arm: {m: np.array([float(point[n][m]) for n in found]) for m in point[found[0]]}
        for arm, found in names.items()
    }
    drawn = {
        arm: {m: np.stack([samples[n][m] for n in found]) for m in by_arm[arm]}
        for arm, found in names.items()
    }
    sizes = np.bincount(coded.g)
    figures = TaskFigures(
        task,
        {arm: found[0].cell for arm, found in arms.items()},
        by_arm,
        drawn,
        noise,
        chosen.names(train=True),
        len(frame),
        len(sizes),
        int(sizes.min()),
        join_notes(coded.skipped(), small_note(sizes.min())),
        seeds,
        {arm: {s.cell.seed: s.set_size for s in found if s.set_size} for arm, found in arms.items()},
    )
    if mode == "abs" and REFERENCE in arms:  # a signed Bias has no relative change
        for arm in arms:
            if figures.shared(arm, arm, BPC):
                by_arm[arm][BPC] = np.array([figures.value(arm, BPC)[0]])
    return figures


def scores(stored: Stored) -> pd.DataFrame:
    """A cell's scores, one column per class."""
    columns = score_columns(stored.predictions)
    return stored.predictions[columns].rename(columns=lambda c: c.removeprefix(SCORE))


def check_same_test(cells: Sequence[Stored]) -> None:
    """Refuse what cannot be paired."""
    if not cells:
        raise GammaFaceError("there is no finished cell", fix="Run `python -m gammaface downstream` first.")
    rows = cells[0].predictions["row"].to_numpy()
    for stored in cells[1:]:
        one_task = (stored.cell.data, stored.cell.target) == (cells[0].cell.data, cells[0].cell.target)
        if not one_task or not np.array_equal(stored.predictions["row"].to_numpy(), rows):
            raise GammaFaceError(
                f"the cells '{cells[0].cell.name}' and '{stored.cell.name}' have other test faces",
                fix="Compare cells of one task and one run.",
            )


def recall_table(
    cells: Sequence[Stored],
    *,
    protected: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """TPR of every group and class, mean over an arm's seeds.

    Returns
    -------
    DataFrame
        arm, group, class, tpr, low, high (fractions), n (test faces behind it), note. A
        cell without samples is NaN.
    """
    check_same_test(cells)
    first = cells[0].cell
    task, frame = get_task(first.data, first.target).seen_by(protected), cells[0].predictions
    predictions = {s.cell.name: (_words(s.predictions["p"]), None) for s in cells}
    methods = code_methods(_words(frame["y"]), predictions, frame[list(task.protected)])
    tables = {name: method.coded for name, method in methods.items()}
    cell_codes = [coded.cells() for coded in tables.values()]
    sizes = [int(np.prod(coded.shape)) for coded in tables.values()]
    chunks = list(resampled_counts(cell_codes, sizes, resamples=resamples, seed=seed))
    noise = SeedNoise({s.cell.seed for s in cells}, resamples=resamples, seed=seed)
    arms: dict[str, list[Cell]] = {}
    for stored in sorted(cells, key=lambda s: s.cell.seed):
        arms.setdefault(stored.cell.arm, []).append(stored.cell)
    rows = []
    for arm, members in arms.items():
        places = [list(tables).index(cell.name) for cell in members]
        coded = tables[members[0].name]
        drawn = [np.concatenate([c[i].reshape(-1, *coded.shape) for c in chunks]) for i in places]
        recalls = np.stack([counts.class_recalls(table) for table in drawn])
        resampled = noise.mean(recalls, [c.seed for c in members]).clip(0, 1)
        points = [counts.class_recalls(tables[cell.name].counts()) for cell in members]
        value, n = counts.mean_defined(np.stack(points), axis=0), coded.counts().sum(-1)
        for g, group in enumerate(coded.groups):
            for c, word in enumerate(coded.classes):
                tpr, low, high = _interval(value[g, c], resampled[:, g, c])
                rows.append((arm, group, word, tpr, low, high, int(n[g, c]), small_note(n[g, c])))
    return pd.DataFrame(rows, columns=["arm", "group", "class", "tpr", "low", "high", "n", "note"])


def _words(labels: pd.Series) -> np.ndarray:
    return labels.astype(str).to_numpy(dtype=object)


def _originals(cells: Sequence[Stored], task: Task) -> tuple[np.ndarray, pd.DataFrame]:
    """Labels of the originals of all seeds: the sign of bias amplification comes from them."""
    seen = {s.cell.seed: s.facts["originals"] for s in cells}
    counted = pd.concat([pd.DataFrame(rows) for rows in seen.values()], ignore_index=True)
    rows = counted.loc[counted.index.repeat(counted["n"])]
    return rows[task.target].to_numpy(dtype=object), rows[list(task.protected)]


def _limits(metric: str, samples: np.ndarray | None) -> tuple[float, float]:
    """What a metric cannot pass, though a mean over few seeds may seem to."""
    if metric in PERCENT:
        return 0.0, 100.0
    # Distances are at least 0; what has a sign shows it in some resample.
    return 0.0 if samples is not None and np.nanmin(samples, initial=0.0) >= 0 else -np.inf, np.inf


def _bpc(*means: tuple[float, np.ndarray]) -> tuple[float, np.ndarray]:
    """BPC, eq. 13, of means over the seeds: Bias before and after, accuracy before and after."""
    points, drawn = zip(*means, strict=True)
    return float(counts.bpc(*map(np.array, points))), counts.bpc(*drawn)


def _interval(value: float, samples: np.ndarray) -> Interval:
    low, high = percentile_interval(samples)
    return (float(value), low, high) if not np.isnan(value) else (np.nan,) * 3
