"""Who gets drawn by which method, how evenly, and at what price."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gammaface.figures.people import share_dots
from gammaface.figures.style import INK, LINE, Mark, finish, legend_below, mark_of, need

MOST_PANELS = 6  # classes beyond which a map is easier to read than panels
ROOM = 1.5  # of an axis, times the largest value; longer intervals run out of the figure
MARGIN = dict(l=150, r=16, t=64, b=56)
DOTTED = dict(color=INK, width=1.5, dash="dot")
DASHED = dict(color=INK, width=1.5, dash="dash")
GREEN = "rgba(0,158,115,0.14)"


def marks(methods: list[str]) -> dict[str, Mark]:
    """One colour and shape for each method in every figure of an audit."""
    return {method: mark_of(i) for i, method in enumerate(methods)}


def drawn_by(table: pd.DataFrame, methods: list[str], *, words: str) -> go.Figure:
    """Shares of a target's cells under every method, with intervals; a map for many cells.

    Parameters
    ----------
    table : pandas.DataFrame
        ``method, class`` (in words), ``share, low, high, target_share, count, n``.
    methods : list of str
        In the order shown.
    words : str
        What is counted, for the title.
    """
    need(table, ("method", "class", "share", "low", "high", "target_share", "count", "n"))
    question = f"Whom does each method draw, by {words}?"
    if table["class"].nunique() > MOST_PANELS:
        return _share_map(table, methods, question)
    sizes = table.groupby("method")["n"].first()
    names = {m: f"{m} (n = {sizes[m]:,})" for m in methods if m in sizes}
    part = table[table["method"].isin(names)]
    part = part.assign(group=part["method"].map(names), value=part["class"], even=part["target_share"])
    part = part.iloc[np.argsort(part["method"].map({m: i for i, m in enumerate(methods)}), kind="stable")]
    reference = "even" if part["even"].notna().all() else ""
    known = {names[m]: mark for m, mark in marks(methods).items() if m in names}
    return share_dots(part, question=question, reference=reference, marks=known)


def _share_map(table: pd.DataFrame, methods: list[str], question: str) -> go.Figure:
    rows = [m for m in methods if m in set(table["method"])][::-1]
    cells = list(dict.fromkeys(table["class"]))
    grid = table.pivot(index="method", columns="class", values="share").loc[rows, cells]
    counts = table.pivot(index="method", columns="class", values="count").loc[rows, cells]
    aim = table["target_share"].iloc[0]
    figure = go.Figure(
        go.Heatmap(
            z=100 * grid,
            x=[cell.replace(", ", "<br>") for cell in cells],
            y=rows,
            text=(100 * grid).round(1).map("{:.1f}".format),
            texttemplate="%{text}",
            customdata=counts,
            colorscale="Cividis",
            zmin=0,
            zmax=max(20.0, 100 * float(grid.to_numpy().max())),
            xgap=2,
            ygap=2,
            colorbar=dict(title="share, %", thickness=12, outlinewidth=0),
            hovertemplate="%{y}, %{x}: %{z:.1f}% (%{customdata} faces)<extra></extra>",
        )
    )
    even = "" if pd.isna(aim) else f" Even would be {100 * aim:.1f}% each."
    finish(figure, f"{question}{even}", height=150 + 36 * len(rows))
    return figure.update_layout(margin=MARGIN | dict(t=64, b=70))


def price(
    pareto: pd.DataFrame, methods: list[str], *, limit: float, cost_limit: float, words: str
) -> go.Figure:
    """Fairness discrepancy against network evaluations, with intervals over seeds.

    Parameters
    ----------
    pareto : pandas.DataFrame
        ``method, cost, fd, low, high, noise_floor, on_front`` of one target and reading.
    limit, cost_limit : float
        Of the goal; the corner that meets both is tinted. The goal asks for more than these two.
    words : str
        Of the vertical axis.
    """
    need(pareto, ("method", "cost", "fd", "low", "high", "noise_floor", "on_front"))
    figure, known = go.Figure(), marks(methods)
    top = ROOM * float(pareto["fd"].max())  # two seeds give intervals that would flatten the rest
    widest = max(float(pareto["cost"].max()), cost_limit) * 1.25
    left = min(0.8, float(pareto["cost"].min()) * 0.9)
    goal = dict(type="rect", x0=left, x1=cost_limit, y0=0, y1=limit, fillcolor=GREEN, line_width=0)
    figure.add_shape(**goal, layer="below")
    if limit > 0:
        text = dict(text="both limits met", x=np.log10(cost_limit), y=limit, xanchor="right", yanchor="top")
        figure.add_annotation(**text, showarrow=False, font_size=12)
    front = pareto[pareto["on_front"].astype(bool)].sort_values("cost")
    figure.add_trace(
        go.Scatter(
            x=front["cost"],
            y=front["fd"],
            mode="lines",
            line=dict(color=LINE, width=2, shape="hv"),
            name="no other is better in both",
            hoverinfo="skip",
        )
    )
    for row in pareto.iloc[
        np.argsort(pareto["method"].map({m: i for i, m in enumerate(methods)}), kind="stable")
    ].to_dict(orient="records"):
        mark, whole = known[row["method"]], not np.isnan(row["low"])
        reach = dict(
            array=[row["high"] - row["fd"]],
            arrayminus=[min(row["fd"], row["fd"] - row["low"])],
            color=mark.colour,
            thickness=2,
            width=5,
        )
        figure.add_trace(
            go.Scatter(
                x=[row["cost"]],
                y=[row["fd"]],
                mode="markers",
                name=row["method"],
                marker=dict(color=mark.colour, symbol=mark.symbol, size=12),
                error_y=reach if whole else None,
                customdata=[[row["low"], row["high"]]],
                hovertemplate=f"{row['method']}: FD %{{y:.3f}} (%{{customdata[0]:.3f}} to"
                " %{customdata[1]:.3f}) at %{x:.2f}x<extra></extra>",
            )
        )
    floor = float(pareto["noise_floor"].min())
    figure.add_hline(
        y=floor,
        line=DOTTED,
        annotation=dict(text="noise floor", font_size=12, yanchor="bottom"),
        annotation_position="top right",
    )
    height = _beside(len(pareto))
    legend, bottom = legend_below(len(figure.data), height=height)
    finish(figure, "How even, at what price?", height=height, legend=legend)
    ticks = [t for t in (0.5, 1, 2, 4, 8, 16, 32, 64, 128) if left <= t <= widest]
    figure.update_xaxes(
        title="network evaluations an image, times plain sampling's",
        type="log",
        range=[np.log10(left), np.log10(widest)],
        tickvals=ticks,
        ticktext=[f"{t:g}x" for t in ticks],
    )
    figure.update_yaxes(title=words, range=[0, top], rangemode="tozero")
    return figure.update_layout(margin=MARGIN | dict(l=64, b=bottom))


def distances_from_even(summary: pd.DataFrame, methods: list[str]) -> go.Figure:
    """Fairness discrepancy of every method by every reading, beside the noise floor.

    Parameters
    ----------
    summary : pandas.DataFrame
        One target's rows: ``method`` and, for each reading, its value, ``_low, _high``.
    methods : list of str
        In the order shown.
    """
    readings = (
        ("fd", "noise_floor", "as labelled"),
        ("fd_soft", "", "mean probabilities"),
        ("fd_corrected", "noise_floor_corrected", "corrected (CLEAM)"),
        ("fd_second", "noise_floor_second", "second opinion"),
    )
    rows = summary[summary["seeds"] > 0].set_index("method")
    shown = [m for m in methods if m in rows.index]
    figure = go.Figure()
    drawn = [reading for reading in readings if rows[reading[0]].notna().any()]
    for place, (column, floor, words) in enumerate(drawn):
        mark, part = mark_of(place), rows.loc[shown]
        shift = 0.18 * ((len(drawn) - 1) / 2 - place)
        y = np.arange(len(shown))[::-1] + shift
        value, low, high = (part[f"{column}{end}"].to_numpy(dtype=float) for end in ("", "_low", "_high"))
        low = np.maximum(low, 0)
        reach = dict(array=high - value, arrayminus=value - low, color=mark.colour, thickness=1.5, width=4)
        figure.add_trace(
            go.Scatter(
                x=value,
                y=y,
                mode="markers",
                name=words,
                marker=dict(color=mark.colour, symbol=mark.symbol, size=10),
                error_x=reach if not np.isnan(low).all() else None,
                customdata=np.array(shown, dtype=object),
                hovertemplate=f"%{{customdata}}, {words}: %{{x:.3f}}<extra></extra>",
            )
        )
        if column == "fd" and rows[floor].notna().any():
            figure.add_trace(
                go.Scatter(
                    x=part[floor],
                    y=np.arange(len(shown))[::-1],
                    mode="markers",
                    name="noise floor",
                    marker=dict(symbol="line-ns-open", color=INK, size=26, line_width=2),
                    hovertemplate="noise floor %{x:.3f}<extra></extra>",
                )
            )
    height = _beside(len(shown))
    legend, bottom = legend_below(len(figure.data), height=height)
    finish(figure, "How far from even?", height=height, legend=legend)
    widest = ROOM * float(np.nanmax(rows[[column for column, _, _ in drawn]].to_numpy(dtype=float)))
    figure.update_xaxes(title="fairness discrepancy (lines: 95% over seeds)", range=[-0.02 * widest, widest])
    figure.update_yaxes(
        tickvals=np.arange(len(shown))[::-1], ticktext=shown, showgrid=False, range=[-0.6, len(shown) - 0.4]
    )
    return figure.update_layout(margin=MARGIN | dict(b=bottom))


def _beside(methods: int) -> int:
    """One height for the figures that stand side by side."""
    return max(470, 230 + 46 * methods)
