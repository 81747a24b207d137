"""Every method of a study side by side, baselines first; published rows on demand."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from gammaface import published
from gammaface.downstream import comparison
from gammaface.downstream.terms import METRICS

from .classified import View
from .classified_choices import choose_metrics


def the_table(seen: View, arms: dict[str, str]) -> tuple[tuple[str, ...], pd.DataFrame | None]:
    """Every method, baselines first; returns the metrics, and the published rows where those are wanted."""
    st.subheader("Side by side, baselines first", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        metrics = choose_metrics(seen)
        shown = st.toggle("Show published figures", key="published", bind="query-params")
    beside = comparison.published_rows(seen.tables, seen.data, seen.target) if shown else None
    st.html(_html(seen, arms, metrics, beside))
    variants = seen.tables["figures"].drop_duplicates("metric").set_index("metric")["variant"]
    st.caption(
        "; ".join(f"{METRICS[m]}: {variants[m]}" for m in metrics)
        + ". Under each figure its 95% interval; under each difference, too, and in words where that interval"
        " leaves 0 out."
    )
    notes = seen.tables["figures"].loc[seen.tables["figures"]["arm"].isin(list(arms)), "note"].unique()
    parts = dict.fromkeys(part for note in notes for part in note.split("; ") if part)
    if parts:
        st.caption(f":material/info: {'; '.join(parts)}.")
    if beside is not None:
        _reasons(beside, arms)
    return metrics, beside


def _reasons(beside: pd.DataFrame, arms: dict[str, str]) -> None:
    """Why published rows do or do not compare."""
    rows = beside[beside.index.isin(list(arms))]
    if rows.empty:
        st.markdown("The paper has no row of these methods.")
        return
    for (verdict, reason), part in rows.groupby(["verdict", "reason"], sort=False):
        names = ", ".join(f"{arms[arm]} ({row})" for arm, row in part["published_row"].items())
        st.markdown(f"**{verdict.capitalize()}**: {names}. {reason[:1].upper()}{reason[1:]}.")
    told = " ".join(rows["contradiction"])
    said = [note for note in published.notes()["note"] if note in told]
    if said:
        st.caption("The paper against itself: " + " ".join(dict.fromkeys(said)))


def _html(seen: View, arms: dict[str, str], metrics: tuple[str, ...], beside: pd.DataFrame | None) -> str:
    known = seen.tables["figures"].set_index(["arm", "metric"])
    sizes = seen.tables["cells"].drop_duplicates("arm").set_index("arm")
    span = 3 if beside is None else 4
    heads = "".join(f'<th colspan="{span}" scope="colgroup">{METRICS[m]}</th>' for m in metrics)
    more = "<th>paper</th>" if beside is not None else ""
    below = f"<th>here</th><th>vs baseline</th><th>vs plain</th>{more}" * len(metrics)
    lines = []
    for arm, words in arms.items():
        cells = []
        for metric in metrics:
            row = known.loc[(arm, metric)] if (arm, metric) in known.index else None
            cells.append(_cell(row, "value", "low", "high"))
            for key in comparison.AGAINST:
                cells.append(_cell(row, key, f"{key}_low", f"{key}_high", metric=metric))
            if beside is not None:
                cells.append(_theirs(beside, arm, metric))
        size = sizes.loc[arm]
        trained = f"{int(size['n_original']):,} + {int(size['n_generated']):,} generated"
        lines.append(f'<tr><th scope="row">{escape(words)}<small>{trained}</small></th>{"".join(cells)}</tr>')
    return (
        f'<div class="gf-figures"><table><thead><tr><th rowspan="2" scope="col">Method</th>{heads}</tr>'
        f"<tr>{below}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(row, value: str, low: str, high: str, *, metric: str = "") -> str:
    """A figure over its interval; a difference also says in a word what it means."""
    words = comparison.number(row[value], signed=bool(metric)) if row is not None else ""
    if not words:
        return '<td class="gf-empty"></td>'
    interval = ""
    if pd.notna(row[low]):
        ends = (comparison.number(row[end], signed=bool(metric)) for end in (low, high))
        interval = f"<small>{' to '.join(ends)}</small>"
    verdict = comparison.judged(metric, row[low], row[high], variant=row["variant"]) if metric else ""
    return f"<td>{f'<b>{words}</b> {verdict}' if verdict else words}{interval}</td>"


def _theirs(beside: pd.DataFrame, arm: str, metric: str) -> str:
    column = f"{metric}_published"
    value = beside.at[arm, column] if column in beside and arm in beside.index else float("nan")
    if pd.isna(value):
        return '<td class="gf-empty"></td>'
    verdict = escape(beside.at[arm, "verdict"])
    return f'<td class="gf-theirs">{comparison.number(value)}<small>{verdict}</small></td>'
