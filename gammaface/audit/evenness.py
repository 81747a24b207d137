"""How far an arm's shares are from the target's, by several readings, and what else moved."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

from gammaface.audit.arms import Arm, paired
from gammaface.audit.book import Book, related
from gammaface.audit.cells import Stored
from gammaface.audit.reading import joint, second_cells
from gammaface.metrics import class_shares, cleam
from gammaface.metrics.correction import MAX_CONDITION
from gammaface.shares.people import wilson
from gammaface.strategies import Target
from gammaface.studies.components import holm

LEVEL = 0.05
MOVES = ("method", "target", "attribute", "class", "plain", "share", "difference", "low", "high")
MOVES += ("p_holm", "moved")


def discrepancy(shares: np.ndarray, target: np.ndarray) -> float:
    r"""Distance of shares from a target's.

    .. math:: \| target - share \|_2

    For an even target the fairness discrepancy (GAN rebalancing, eq. 8), see
    :func:`gammaface.metrics.fairness_discrepancy`.

    Examples
    --------
    >>> round(discrepancy(np.array([.7, .3]), np.array([.5, .5])), 7)
    0.2828427
    """
    return float(np.linalg.norm(np.asarray(target) - np.asarray(shares)))


def floor(target: np.ndarray, n: int, confusion: np.ndarray | None = None) -> float:
    r"""Root-mean-square discrepancy of n independent draws that hit the target exactly.

    .. math:: \sqrt{tr(M^{-1} (diag(q) - q q^T) M^{-T}) / n}, \quad q = M\,target

    M is the confusion of the classifier whose errors are taken out, the identity without;
    then and for an even target it is :func:`gammaface.metrics.noise_floor`. The recalls
    count as known exactly.

    Examples
    --------
    >>> round(floor(np.full(2, .5), 10_000), 4), round(floor(np.full(2, .5), 10_000, np.eye(2)), 4)
    (0.0071, 0.0071)
    """
    if n < 1:
        return np.nan
    matrix = np.eye(len(target)) if confusion is None else confusion
    if np.linalg.cond(matrix) > MAX_CONDITION:
        return np.nan
    seen = matrix @ target
    inverse = np.linalg.inv(matrix)
    spread = inverse @ (np.diag(seen) - np.outer(seen, seen)) @ inverse.T
    return float(np.sqrt(np.trace(spread) / n))


def seed_discrepancies(stored: Stored, target: Target, book: Book) -> dict[str, float]:
    """``fd, fd_soft, fd_corrected, fd_second`` of one draw; NaN where there is no such reading."""
    p, k = joint(stored.labels, target), len(target.shares)
    hard, confusion = class_shares(p, k), book.confusion(target.attributes)
    second = second_cells(stored.labels, target)
    readings = {
        "fd": hard,
        "fd_soft": class_shares(p, k, kind="soft"),
        "fd_corrected": None if confusion is None else cleam(hard, confusion).shares,
        "fd_second": class_shares(second, k) if len(second) else None,
    }
    return {
        name: np.nan if shares is None else discrepancy(shares, target.shares)
        for name, shares in readings.items()
    }


def floors(arm: Arm, target: Target, book: Book) -> dict[str, float]:
    """The noise floor of each reading at the arm's images a seed."""
    confusion = book.confusion(target.attributes)
    asked = min(len(second_cells(stored.labels, target)) for stored in arm.draws.values())
    return {
        "noise_floor": floor(target.shares, arm.size),
        "noise_floor_corrected": np.nan if confusion is None else floor(target.shares, arm.size, confusion),
        "noise_floor_second": floor(target.shares, asked),
        "n_second": asked,
    }


def shares_table(arms: list[Arm], book: Book) -> pd.DataFrame:
    """Who is drawn, all seeds together: one row per arm, attribute and class.

    Returns
    -------
    DataFrame
        ``method, target, attribute, class, count, n, share, low, high`` (95%, Wilson),
        ``target_share`` (NaN for attributes that were not steered), ``corrected`` (CLEAM,
        without the classifier's errors), ``second`` (the second opinion's share) and
        ``second_n``. Attributes of joint cells are written ``gender+race``.
    """
    rows = []
    for arm in arms:
        if not arm.draws:
            continue
        labels, aimed = arm.labels(), book.targets[arm.target]
        for attributes in book.told():
            told = book.even(attributes)
            k, wanted = len(told.shares), marginal(aimed, attributes)
            counts = np.bincount(joint(labels, told).argmax(1), minlength=k)
            n, confusion = int(counts.sum()), book.confusion(attributes)
            low, high = wilson(counts, n)
            corrected = np.full(k, np.nan) if confusion is None else cleam(counts / n, confusion).shares
            second = np.bincount(second_cells(labels, told), minlength=k)
            asked = int(second.sum())
            for i, word in enumerate(told.names):
                rows.append(
                    arm.name
                    | {
                        "attribute": "+".join(attributes),
                        "class": word,
                        "count": int(counts[i]),
                        "n": n,
                        "share": counts[i] / n,
                        "low": low[i],
                        "high": high[i],
                        "target_share": np.nan if wanted is None else wanted[i],
                        "corrected": corrected[i],
                        "second": second[i] / asked if asked else np.nan,
                        "second_n": asked,
                    }
                )
    return pd.DataFrame(rows)


def marginal(target: Target, attributes: tuple[str, ...]) -> np.ndarray | None:
    """The target's shares over some of its attributes, in the order given; None for others.

    Examples
    --------
    >>> two = Target.of(("a", "b"), {"a": ("x", "y"), "b": ("u", "v")}, [.1, .2, .3, .4])
    >>> marginal(two, ("b",)).round(2).tolist(), marginal(two, ("c",))
    ([0.4, 0.6], None)
    """
    if any(name not in target.attributes for name in attributes):
        return None
    axes = [target.attributes.index(name) for name in attributes]
    others = tuple(i for i in range(len(target.attributes)) if i not in axes)
    table = target.shares.reshape(target.shape).sum(axis=others)
    order = np.argsort(np.argsort(axes))  # axes left over are in the target's order
    return table.transpose(order).ravel()


def moves_table(arms: list[Arm], book: Book) -> pd.DataFrame:
    """How attributes that were not steered differ from plain sampling.

    Returns
    -------
    DataFrame
        ``method, target, attribute, class`` (the one that moved most), ``plain, share,
        difference, low, high`` (95%, paired by seed), ``p_holm`` (chi-square test of all
        classes, corrected for the arm's attributes; Holm 1979) and ``moved`` (p_holm below
        .05).
    """
    plain = {arm.target: arm for arm in arms if arm.method == "plain"}
    tables = []
    for arm in arms:
        base = plain.get(arm.target)
        if base is None or arm is base or not (arm.draws and base.draws):
            continue
        steered = book.targets[arm.target].attributes if arm.steered else ()
        names = [name for name in book.classes if not related(name, steered)]
        found = pd.DataFrame([arm.name | _move(arm, base, name, book) for name in names])
        if len(found):
            found["p_holm"] = holm(found.pop("p").to_numpy())
            tables.append(found.assign(moved=found["p_holm"] < LEVEL))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=MOVES)


def _move(arm: Arm, base: Arm, name: str, book: Book) -> dict:
    told = book.even((name,))
    counts = [
        {seed: np.bincount(joint(s.labels, told).argmax(1), minlength=len(told.shares)) for seed, s in draws}
        for draws in (arm.draws.items(), base.draws.items())
    ]
    table = np.stack([sum(by_seed.values()) for by_seed in counts])
    shares = table / table.sum(1, keepdims=True)
    most = int(np.abs(shares[0] - shares[1]).argmax())
    seen = table[:, table.sum(0) > 0]
    by_seed = [{seed: float(c[most] / c.sum()) for seed, c in part.items()} for part in counts]
    difference = paired(*by_seed)
    return {
        "attribute": name,
        "class": told.names[most],
        "plain": shares[1, most],
        "share": shares[0, most],
        "difference": shares[0, most] - shares[1, most],
        "low": difference["low"],
        "high": difference["high"],
        "p": chi2_contingency(seen).pvalue if seen.shape[1] > 1 else np.nan,
    }
