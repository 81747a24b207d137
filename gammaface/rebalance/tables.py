"""The tables of a rebalancing, from what its rows drew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from gammaface.audit.arms import over_seeds, paired
from gammaface.audit.between import group_distances
from gammaface.audit.quality import few_of_each
from gammaface.metrics import cleam, noise_floor, quality_by_group
from gammaface.rebalance.critic import Critic
from gammaface.rebalance.guard import judge
from gammaface.rebalance.rows import PLAIN, Row
from gammaface.rebalance.sets import Seen
from gammaface.shares.people import wilson

TABLES = ("rows", "by_set", "shares", "groups", "between", "sentences")
WITH_INTERVAL = ("fd", "fd_soft", "fd_corrected", "confidence", "score", "frechet", "kernel")
WITH_INTERVAL += ("frechet_all", "kernel_all", "precision", "recall", "diversity", "near_copies")
MATCHED = ("frechet", "kernel")
# What a value can be; the kernel distance is an unbiased estimate and may fall below nought.
ENDS = dict.fromkeys(WITH_INTERVAL, {"least": 0.0}) | dict.fromkeys(("kernel", "kernel_all"), {})
ENDS |= dict.fromkeys(("confidence", "precision", "recall", "near_copies"), {"least": 0.0, "most": 1.0})
GOAL = 0.2  # of plain's discrepancy: the paper's is .21
WORSE = 0.1  # share of plain's distance that quality may lose
TESTED = 3  # sets: of fewer, an interval is too long for "not significantly worse" to mean anything


def rows_table(
    rows: Sequence[Row],
    by_set: pd.DataFrame,
    paths: Mapping[str, np.ndarray],
    facts: Mapping[str, Mapping],
    critic: Critic,
    *,
    n: int,
) -> pd.DataFrame:
    """One row per generator.

    Returns
    -------
    DataFrame
        ``row, title, words, start, data, generation, sets, n``, the facts of its training
        (``images_seen, seconds, trained_share`` of the parameters), and every metric of
        :func:`gammaface.rebalance.measures.measure_set` with ``_sd, _low, _high`` (95%,
        Student's t over sets), with ``frechet_plain, recall_plain`` of plain sampling on the same
        groups and n. ``fd`` and the group-matched distances also have ``_vs_plain``
        with its ends, paired by set. ``noise_floor`` of an even sampler of n; ``fd_times``,
        the discrepancy over plain's; ``path_length`` with its 95% interval over pairs;
        ``goal`` (a fifth of plain's discrepancy or the noise floor, whichever is larger) and
        ``goal_met`` (at most that), ``quality_kept`` (no sign of
        collapse, and the group-matched Fréchet distance within 10% of plain's or, of 3 sets
        and more, not significantly larger), each missing for plain; ``go_on`` and ``guard``,
        see `guard.judge`.
    """
    values = {
        key: dict(zip(part["set"], part["value"], strict=True))
        for key, part in by_set.groupby(["row", "metric"], sort=False)
    }
    table = []
    for row in rows:
        found = {
            "row": row.name,
            "title": row.title,
            "words": row.words(),
            "start": row.start,
            "data": row.data,
            "generation": row.generation,
            "sets": len(values[row.name, "fd"]),
            "n": n,
            "images_seen": 0,
            "seconds": 0.0,
            "trained_share": np.nan,
        }
        found |= {k: v for k, v in facts.get(row.name, {}).items() if k in found}
        for metric in WITH_INTERVAL:
            told = over_seeds(list(values[row.name, metric].values()), **ENDS[metric])
            found |= {metric + ("" if end == "value" else f"_{end}"): v for end, v in told.items()}
        for metric in ("fd", *MATCHED):
            free = (PLAIN.name, "fd") if metric == "fd" else (row.name, f"{metric}_plain")
            told = paired(values[row.name, metric], {} if row == PLAIN else values[free])
            ends = {"value": "", "low": "_low", "high": "_high"}
            found |= {f"{metric}_vs_plain{suffix}": told[end] for end, suffix in ends.items()}
        found["frechet_plain"] = float(np.mean(list(values[row.name, "frechet_plain"].values())))
        # Rows measured before plain's was kept beside each are judged by that on all groups.
        beside = values.get((row.name, "recall_plain"), values[PLAIN.name, "recall"])
        found["recall_plain"] = float(np.mean(list(beside.values())))
        found["compared"] = int(min(values[row.name, "compared"].values()))
        found["noise_floor"] = noise_floor(critic.k, n)
        found |= _path(paths.get(row.name))
        table.append(found)
    return verdicts(pd.DataFrame(table))


def _path(moves: np.ndarray | None) -> dict[str, float]:
    if moves is None or len(moves) < 2:
        return {"path_length": np.nan, "path_length_low": np.nan, "path_length_high": np.nan}
    mean, error = float(moves.mean()), float(moves.std(ddof=1) / np.sqrt(len(moves)))
    reach = norm.ppf(0.975) * error
    return {"path_length": mean, "path_length_low": max(0.0, mean - reach), "path_length_high": mean + reach}


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of :func:`rows_table` that judge: ``fd_times`` to ``guard``."""
    plain = table.set_index("row").loc[PLAIN.name]
    table["fd_times"] = table["fd"] / plain["fd"]
    trained = table["row"] != PLAIN.name
    table["goal"] = np.maximum(GOAL * plain["fd"], table["noise_floor"])
    table["goal_met"] = (table["fd"] <= table["goal"]).astype(object).where(trained, None)
    judged = [judge(row) for row in table.to_dict(orient="records")]
    table["go_on"] = [v.go_on for v in judged]
    within = table["frechet_vs_plain"] <= WORSE * table["frechet_plain"]
    unclear = (table["frechet_vs_plain_low"] <= 0) & (table["sets"] >= TESTED)
    known = trained & table["frechet_vs_plain"].notna()
    table["quality_kept"] = ((within | unclear) & table["go_on"]).astype(object).where(known, None)
    table["guard"] = [v.words if r else "" for v, r in zip(judged, trained, strict=True)]
    return table


def shares_table(rows: Sequence[Row], sets: Mapping[str, Sequence[Seen]], critic: Critic) -> pd.DataFrame:
    """Who each row draws, all sets together.

    Returns
    -------
    DataFrame
        ``row, title, group, count, n, share, low, high`` (95%, Wilson), ``even`` and
        ``corrected`` (CLEAM; NaN without the classifier's recalls).
    """
    tables = []
    for row in rows:
        counts = sum(np.bincount(s.cells.argmax(1), minlength=critic.k) for s in sets[row.name])
        n = int(counts.sum())
        low, high = wilson(counts, n)
        unknown = np.full(critic.k, np.nan)
        corrected = unknown if critic.confusion is None else cleam(counts / n, critic.confusion).shares
        tables.append(
            pd.DataFrame(
                {
                    "row": row.name,
                    "title": row.title,
                    "group": critic.target.names,
                    "count": counts,
                    "n": n,
                    "share": counts / n,
                    "low": low,
                    "high": high,
                    "even": critic.target.shares,
                    "corrected": corrected,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def groups_table(
    rows: Sequence[Row],
    sets: Mapping[str, Sequence[Seen]],
    reference: Seen,
    critic: Critic,
    *,
    resamples: int,
    say,
) -> pd.DataFrame:
    """Distances within each group to the reference, with bootstrap intervals.

    Returns
    -------
    DataFrame
        ``row, kind`` and the columns of :func:`gammaface.metrics.quality_by_group`. The n of a
        row is that of its smallest group, so groups of one row compare; rows compare in the
        table ``rows``.
    """
    names, tables = np.array(critic.target.names, dtype=object), []
    real = few_of_each(reference.faces, critic.k)
    for done, row in enumerate(rows):
        say("groups", done, len(rows))
        own = few_of_each(Seen.joined(sets[row.name]).faces, critic.k)
        for kind in ("kernel", "frechet"):
            table = quality_by_group(
                own.features,
                names[own.cells],
                real.features,
                names[real.cells],
                kind=kind,
                resamples=resamples,
            )
            tables.append(table.assign(row=row.name, kind=kind))
    say("groups", len(rows), len(rows))
    return pd.concat(tables, ignore_index=True)


def between_groups(reference: Seen, critic: Critic) -> pd.DataFrame:
    """Distances between groups of the reference; a group against itself is two halves."""
    return group_distances(reference.faces, critic.target)
