"""Shares before and after: plain sampling and another draw, row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gammaface.figures.style import INK, finish, mark_of, need

ROW, AWAY = 46, 0.16  # pixels per class, and how far the two lie from its middle


def before_after(table: pd.DataFrame, *, question: str, wanted: str = "even") -> go.Figure:
    """Shares of each class in two batches with 95% intervals, and what was wanted.

    Parameters
    ----------
    table : pandas.DataFrame
        ``group`` (the two batches in words, the one before first), ``value`` (the class in
        words), ``share, low, high`` and ``wanted``.
    question : str
        The title.
    wanted : str
        What the upright strokes mean.
    """
    need(table, ("group", "value", "share", "low", "high", "wanted"))
    values = list(dict.fromkeys(table["value"]))
    rows = np.arange(len(values))
    figure = go.Figure()
    ends = 100 * table.drop_duplicates("value")["wanted"].to_numpy(dtype=float)
    figure.add_trace(
        go.Scatter(
            x=ends,
            y=rows,
            mode="markers",
            name=wanted,
            marker=dict(symbol="line-ns", size=30, line=dict(color=INK, width=2)),
            hovertemplate=f"{wanted}: %{{x:.1f}}%<extra></extra>",
        )
    )
    for place, (group, part) in enumerate(table.groupby("group", sort=False)):
        share, low, high = (100 * part[c].to_numpy(dtype=float) for c in ("share", "low", "high"))
        mark = mark_of(0)
        colour, symbol = (INK, "circle-open") if place == 0 else (mark.colour, "diamond")
        figure.add_trace(
            go.Scatter(
                x=share,
                y=rows + (AWAY if place else -AWAY),
                mode="markers",
                name=str(group),
                marker=dict(color=colour, symbol=symbol, size=11, line_width=2),
                error_x=dict(array=high - share, arrayminus=share - low, color=colour, thickness=2, width=5),
                customdata=np.column_stack([low, high]),
                text=values,
                hovertemplate="%{text}: %{x:.1f}% (%{customdata[0]:.1f} to %{customdata[1]:.1f})"
                "<extra></extra>",
            )
        )
    legend = dict(orientation="h", x=0, y=1, yanchor="bottom", traceorder="normal")
    finish(figure, question, height=ROW * len(values) + 170, legend=legend)
    top = min(100.0, 100 * float(np.nanmax(table[["high", "share", "wanted"]].to_numpy())) + 4)
    figure.update_xaxes(range=[0, top], title="share of faces, % (lines: 95% interval)")
    figure.update_yaxes(tickvals=rows, ticktext=values, range=[len(values) - 0.5, -0.5], showgrid=False)
    longest = max(map(len, values))
    return figure.update_layout(margin=dict(l=max(90, 7 * longest + 24), r=16, t=92, b=56))
