"""The tables of an audit, from its stored cells alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from gammaface.audit.answers import answers_table
from gammaface.audit.arms import Arm, arms_of, base_of, over_seeds, paired
from gammaface.audit.between import between_table
from gammaface.audit.book import Book
from gammaface.audit.cells import Stored, read_cells
from gammaface.audit.evenness import floors, moves_table, seed_discrepancies, shares_table
from gammaface.audit.goals import goals_table, pareto_table
from gammaface.audit.options import PLAIN
from gammaface.audit.pooled import compared_table, match_of, with_pooled
from gammaface.audit.quality import MEASURED, copies_by_cell, quality_table, seed_quality
from gammaface.audit.reading import SECOND
from gammaface.audit.reference import Real
from gammaface.audit.terms import REFERENCES
from gammaface.audit.tones import tones_table
from gammaface.audit.words import sentences_table
from gammaface.errors import GammaFaceError
from gammaface.labelling.second_opinion import agreement
from gammaface.workspace import Run

TABLES = (
    "cells",
    "by_seed",
    "figures",
    "shares",
    "summary",
    "quality",
    "moves",
    "agreement",
    "between",
    "tones",
    "pareto",
    "goals",
    "answers",
    "sentences",
)
MATCHED = tuple(f"{name}_{reference}" for name in MEASURED for reference in REFERENCES)
COST = ("evaluations", "pilot_evaluations", "seconds", "kept_share")
WITH_SD = ("fd", "fd_soft", "fd_corrected", "fd_second")
WITH_INTERVAL = (*MATCHED, "diversity")
PLAINLY = ("near_copies", "ita", *COST)
GROUPED_BY = ("race3", "race")  # what agreement is told by, whichever the classifier names first
RESAMPLES = 200  # of the bootstrap behind the table `quality`
Report = Callable[[str, int, int], None]


def write_tables(
    run: Run, *, resamples: int = RESAMPLES, report: Report | None = None
) -> dict[str, pd.DataFrame]:
    """Compute every table from a run's cells and keep it there.

    Returns
    -------
    dict of str to DataFrame
        By the names in `TABLES`: ``cells`` (what was drawn at what cost), ``by_seed`` and
        ``figures`` (see `figures_table`), ``shares``, ``moves`` (see `evenness`),
        ``summary``, ``quality`` (see `quality`), ``agreement`` (with the second opinion, by
        perceived group), ``between, tones`` (see there), ``goals``, ``pareto`` (see
        `goals`), ``answers`` and ``sentences``.

    Raises
    ------
    GammaFaceError
        For a run that is no audit or ships without its draws, or a damaged cell.
    """
    book, cells = Book.load(run), read_cells(run.path)
    if not cells:
        raise GammaFaceError(
            "the audit holds no draws, only tables",
            where=run.path,
            fix="Its tables cannot be made again; run the audit anew.",
        )
    found = audit_tables(cells, book, Real.load(run), resamples=resamples, report=report)
    for name, table in found.items():
        run.write_table(name, table)
    return found


def audit_tables(
    cells: Sequence[Stored],
    book: Book,
    real: Real | None = None,
    *,
    resamples: int = RESAMPLES,
    report: Report | None = None,
) -> dict[str, pd.DataFrame]:
    """Every table of an audit's cells; see `write_tables`."""
    arms, base = arms_of(cells, book), base_of(cells)
    copies, by_seed = copies_by_cell(cells, real), []
    for done, arm in enumerate(arms):
        if report:
            report("tables", done, len(arms))
        plain = next(other for other in arms if (other.method, other.target) == (PLAIN, arm.target))
        by_seed += _seed_rows(arm, plain, base, book, real=real, copies=copies)
    if report:
        report("tables", len(arms), len(arms))
    long = pd.DataFrame(by_seed, columns=["method", "target", "seed", "metric", "value"])
    compared = compared_table(arms, book.targets, base, real)
    figures = figures_table(long)
    figures = with_pooled(figures, compared, arms, book.targets, base, real, resamples=resamples)
    summary = summary_table(arms, figures, book, compared)
    tables = {
        "cells": cells_table(cells),
        "by_seed": long,
        "figures": figures,
        "shares": shares_table(arms, book),
        "summary": summary,
        "quality": quality_table(arms, book.targets, base, real, resamples=resamples),
        "moves": moves_table(arms, book),
        "agreement": agreement_table(arms, book),
        "between": between_table(arms, book.targets, real),
        "tones": tones_table(arms, book.targets),
        "pareto": pareto_table(summary),
        "goals": goals_table(summary, book),
    }
    tables["answers"] = answers_table(tables["goals"], summary)
    return tables | {"sentences": sentences_table(tables, book)}


def cells_table(cells: Sequence[Stored]) -> pd.DataFrame:
    """One row per cell: what was drawn, what it cost, what was refused."""
    keep = ("delivered", "evaluations", "pilot_evaluations", "seconds", "kept_share", "refused", "incomplete")
    return pd.DataFrame(
        {
            "cell": stored.cell.name,
            "method": stored.cell.method,
            "target": stored.cell.target,
            "seed": stored.cell.seed,
            "strategy": stored.config["strategy"],
            "n": stored.config["n"],
            "pilot": stored.config["pilot"],
            **{name: stored.facts[name] for name in keep},
        }
        for stored in cells
    )


def _seed_rows(
    arm: Arm, plain: Arm, base: Stored | None, book: Book, *, real: Real | None, copies: dict[str, float]
) -> list[dict]:
    rows, target = [], book.targets[arm.target]
    for seed, stored in arm.draws.items():
        facts, n = stored.facts, stored.facts["delivered"]
        found = seed_discrepancies(stored, target, book)
        if base is not None and seed in plain.draws:
            found |= seed_quality(stored, plain.draws[seed], base, target, real=real)
            found |= {"near_copies": copies.get(stored.cell.name, np.nan)}
        found |= {name: facts[name] / n for name in ("evaluations", "pilot_evaluations", "seconds")}
        tones = stored.labels["ita"].dropna()
        found |= {"kept_share": facts["kept_share"], "ita": float(tones.median()) if len(tones) else np.nan}
        rows += [arm.name | {"seed": seed, "metric": name, "value": value} for name, value in found.items()]
    return rows


def figures_table(by_seed: pd.DataFrame) -> pd.DataFrame:
    """One row per arm and metric.

    Returns
    -------
    DataFrame
        ``method, target, metric, seeds, value`` (mean over seeds), ``sd, low, high`` (95%,
        Student's t over seeds), and ``vs_plain`` with its ends, the mean difference to plain
        sampling paired by seed. Distances, precision and recall are compared with plain's on
        the same groups at the same n. One seed gives no interval.
    """
    values = {
        key: dict(zip(part["seed"], part["value"], strict=True))
        for key, part in by_seed.groupby(["method", "target", "metric"], sort=False)
    }
    rows = []
    for (method, target, metric), own in values.items():
        name, _, reference = metric.rpartition("_")
        beside = (method, target, f"{name}_plain_{reference}")
        baseline = values[beside] if metric in MATCHED else values.get((PLAIN, target, metric), {})
        difference = paired(own, {} if method == PLAIN else baseline)
        row = {"method": method, "target": target, "metric": metric, "seeds": len(own)} | over_seeds(
            list(own.values())
        )
        ends = {"vs_plain": "value", "vs_plain_low": "low", "vs_plain_high": "high"}
        rows.append(row | {column: difference[end] for column, end in ends.items()})
    return pd.DataFrame(rows)


def summary_table(
    arms: Sequence[Arm], figures: pd.DataFrame, book: Book, compared: pd.DataFrame
) -> pd.DataFrame:
    """One row per method and target.

    Returns
    -------
    DataFrame
        What was drawn: ``method, target, strategy, options, steered`` (whether the method
        follows the target), ``seeds, n`` (images a seed), ``note``. Fairness discrepancies
        (means over seeds): ``fd`` of the labels, ``fd_soft``
        of the probabilities, ``fd_corrected`` without the classifier's errors (CLEAM; the
        source in ``recalls``), ``fd_second`` of the second opinion (whose, in ``second``), each with ``_sd``,
        ``_low, _high`` (95% over seeds), ``_vs_plain`` and its ends; ``noise_floor`` of an
        even sampler beside each. Cost: ``evaluations`` per image, of them
        ``pilot_evaluations`` for learning, ``cost`` relative to plain, ``seconds`` per
        image, ``kept_share`` of the draws. Quality, see `quality`, with 95% intervals over
        seeds, or over faces where the seeds were put together (``pooled_real, pooled_base``),
        see `pooled`: ``groups_real, groups_base`` of ``groups_all``, without
        ``left_out_real, left_out_base``.
    """
    known = {key: part.set_index("metric") for key, part in figures.groupby(["method", "target"], sort=False)}

    def figure(key: tuple[str, str], metric: str, column: str = "value") -> float:
        found = known.get(key)
        return float(found.at[metric, column]) if found is not None and metric in found.index else np.nan

    matches = {key: part for key, part in compared.groupby(["method", "target"])}
    rows = []
    for arm in arms:
        key, target = (arm.method, arm.target), book.targets[arm.target]
        row = arm.name | {"strategy": "", "options": "", "steered": False}
        row |= {"seeds": len(arm.draws), "n": 0}
        if arm.draws:
            options = ", ".join(f"{name}={value}" for name, value in arm.config["options"].items())
            row |= {"strategy": arm.config["strategy"], "options": options}
            row |= {"steered": arm.steered, "n": arm.size}
            row |= floors(arm, target, book)
        row |= {"note": arm.note(), "recalls": book.recalls_in_words(target.attributes)}
        for metric in WITH_SD:
            columns = {"": "value"} | {
                f"_{end}": end for end in ("sd", "low", "high", "vs_plain", "vs_plain_low", "vs_plain_high")
            }
            row |= {metric + suffix: figure(key, metric, column) for suffix, column in columns.items()}
        row["second"] = "" if np.isnan(row["fd_second"]) else book.reader(target.attributes)
        row |= {metric: figure(key, metric) for metric in PLAINLY}
        row["cost"] = row["evaluations"] / figure((PLAIN, arm.target), "evaluations")
        row |= match_of(matches.get(key, compared.iloc[:0]), target)
        for metric in WITH_INTERVAL:
            columns = {"": "value"} | {f"_{end}": end for end in ("low", "high")}
            columns |= {f"_{end}": end for end in ("vs_plain", "vs_plain_low", "vs_plain_high")}
            row |= {metric + suffix: figure(key, metric, column) for suffix, column in columns.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def agreement_table(arms: Sequence[Arm], book: Book) -> pd.DataFrame:
    """How often the second opinion says the same, by arm, attribute and perceived group.

    Returns
    -------
    DataFrame
        ``method, target, attribute`` and the columns of
        :func:`gammaface.labelling.second_opinion.agreement`; groups are perceived races, where the
        classifier names them.
    """
    by = next((name for name in GROUPED_BY if name in book.classes), None)
    tables = []
    for arm in arms:
        labels = arm.labels() if arm.draws else pd.DataFrame()
        for name in book.classes:
            if SECOND + name not in labels:
                continue
            asked = labels[labels[SECOND + name] >= 0]
            if asked.empty:
                continue
            ours = _words(asked, name, book)
            second = np.array(book.classes[name], dtype=object)[asked[SECOND + name].to_numpy(dtype=np.int64)]
            groups = _words(asked, by, book) if by not in (None, name) else None
            tables.append(agreement(ours, second, groups).assign(**arm.name, attribute=name))
    columns = ["method", "target", "attribute", "group", "agreement", "low", "high", "n"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _words(labels: pd.DataFrame, name: str, book: Book) -> np.ndarray:
    words = book.classes[name]
    codes = labels[[f"{name}={word}" for word in words]].to_numpy().argmax(1)
    return np.array(words, dtype=object)[codes]
