"""Who is in a face set: counts of classes and of joint cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gammaface.figures.people import DASHED, HEAD, MARGIN, ROW
from gammaface.figures.style import INK, LINE, finish, mark_of, need
from gammaface.shares.people import name_of, word_of


def class_bars(counts: pd.DataFrame) -> go.Figure:
    """Faces per class of every attribute, against even.

    Parameters
    ----------
    counts : pandas.DataFrame
        As :func:`gammaface.datasets.folder_report.class_counts`.
    """
    need(counts, ("attribute", "value", "count", "n", "share", "even", "small"))
    parts = {name: part for name, part in counts.groupby("attribute", sort=False)}
    height = (ROW + 6) * len(counts) + HEAD * len(parts)
    figure = make_subplots(
        rows=len(parts),
        cols=1,
        shared_xaxes=True,
        row_heights=[len(part) for part in parts.values()],
        vertical_spacing=HEAD / height if len(parts) > 1 else 0,
        subplot_titles=[name_of(name).capitalize() for name in parts],
    )
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    mark = mark_of(0)
    for place, (attribute, part) in enumerate(parts.items(), start=1):
        words = [
            f"{word_of(attribute, row.value)}  {row.faces:,}{'  (small)' if row.small else ''}"
            for row in part.rename(columns={"count": "faces"}).itertuples()
        ]
        figure.add_trace(
            go.Bar(
                x=100 * part["share"],
                y=words,
                orientation="h",
                marker_color=mark.colour,
                showlegend=False,
                hovertemplate="%{y}: %{x:.1f}%<extra></extra>",
            ),
            row=place,
            col=1,
        )
        even = 100 * part["even"].iloc[0]
        figure.add_shape(
            type="line", x0=even, x1=even, y0=0, y1=1, yref="y domain", line=DASHED, row=place, col=1
        )
    finish(figure, "Who is in it?", height=height + 150)
    figure.update_xaxes(range=[0, 100])
    figure.update_xaxes(title="share of labelled faces, % (dashed: even)", row=len(parts), col=1)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_layout(margin=MARGIN | dict(l=190, t=92), bargap=0.35)


def cell_map(cells: pd.DataFrame, *, rows: str, columns: str) -> go.Figure:
    """Faces in every joint cell of two attributes; small cells are named so.

    Parameters
    ----------
    cells : pandas.DataFrame
        As :func:`gammaface.datasets.folder_report.cell_counts` of the two.
    rows, columns : str
        The attributes.
    """
    need(cells, (rows, columns, "count", "share", "small"))
    counts = cells.pivot(index=rows, columns=columns, values="count")
    small = cells.pivot(index=rows, columns=columns, values="small").to_numpy(dtype=bool)
    share = cells.pivot(index=rows, columns=columns, values="share").to_numpy(dtype=float)
    values = counts.to_numpy()
    text = np.array([f"{n:,}" for n in values.ravel()], dtype=object).reshape(values.shape)
    text[small] = [f"{n}<br>small" if n else "none" for n in values[small]]
    figure = go.Figure(
        go.Heatmap(
            z=100 * share,
            x=[word_of(columns, str(value)) for value in counts.columns],
            y=[word_of(rows, str(value)) for value in counts.index],
            text=text,
            texttemplate="%{text}",
            textfont=dict(size=14, color="#ffffff"),
            colorscale=[[0, "#4d565f"], [1, mark_of(0).colour]],  # white reads on all between
            zmin=0,
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="%{y}, %{x}: %{text} faces, %{z:.1f}%<extra></extra>",
        )
    )
    title = f"How many faces of each {name_of(rows)} and {name_of(columns)}?"
    finish(figure, title, height=150 + 62 * len(counts))
    figure.update_xaxes(showgrid=False, side="top", tickfont=dict(size=13, color=INK), linecolor=LINE)
    figure.update_yaxes(autorange="reversed", showgrid=False, tickfont=dict(size=13, color=INK))
    return figure.update_layout(margin=dict(l=120, r=16, t=92, b=24))
