"""The map of the latents, flat and in space: every point carries its seed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gammaface.figures.style import HALO, INK, LINE, RING, finish, mark_of, need
from gammaface.shares.people import name_of, word_of

MANY = 10_000  # points from which markers shrink
HUGE = 50_000  # points from which they shrink again


def cluster_map(
    points: pd.DataFrame,
    *,
    colour: str = "component",
    selected: Collection[int] = (),
    pointed: int | None = None,
) -> go.Figure:
    """The map of the latents, with each point's seed as its customdata.

    Parameters
    ----------
    points : pandas.DataFrame
        ``seed, x, y, component, confidence`` and whatever else is to be coloured by.
    colour : str
        A column: ``component``, one of words, or a numeric one. Points without a value are
        drawn small and grey.
    selected : collection of int
        Seeds that stand out from the start.
    pointed : int, optional
        A seed to ring and name.

    Raises
    ------
    GammaFaceError
        When `points` has no such column.
    """
    need(points, ("seed", "x", "y", "component", colour))
    figure, size = go.Figure(), _size(len(points))
    for name, part, marker in _layers(points, colour):
        figure.add_trace(_dots(part, marker, name=name, size=size))
    if selected:
        for trace in figure.data:
            trace.selectedpoints = np.flatnonzero(np.isin(trace.customdata, list(selected)))
    legend = dict(orientation="h", x=0, y=-0.09, yanchor="top", itemsizing="constant")
    finish(figure, "Which latents lie together?", height=560, legend=legend)
    # UMAP has no units and no meaningful zero: numbers on its axes would only invite reading.
    figure.update_xaxes(title="UMAP 1 (no unit)", showticklabels=False, showgrid=False)
    figure.update_yaxes(title="UMAP 2 (no unit)", showticklabels=False, showgrid=False)
    for row in points[points["seed"] == pointed].itertuples():
        _ring(figure, row)
    return figure.update_layout(dragmode="lasso", margin=dict(l=34, r=8, t=64, b=84))


def space_map(
    points: pd.DataFrame,
    *,
    colour: str = "component",
    selected: Collection[int] = (),
    pointed: int | None = None,
) -> go.Figure:
    """The map in three dimensions, to be turned; what is selected stands out by size.

    Parameters
    ----------
    points : pandas.DataFrame
        As for :func:`cluster_map`, with ``z``.
    colour, selected, pointed
        As for :func:`cluster_map`.

    Raises
    ------
    GammaFaceError
        When `points` has no such column.
    """
    need(points, ("seed", "x", "y", "z", "component", colour))
    figure, size = go.Figure(), max(2.0, 0.6 * _size(len(points)))
    for name, part, marker in _layers(points, colour):
        chosen = np.isin(part["seed"].to_numpy(), list(selected)) if selected else None
        small = marker.pop("size", size)
        figure.add_trace(
            go.Scatter3d(
                **{axis: part[axis].to_numpy(np.float32) for axis in "xyz"},
                customdata=part["seed"].to_numpy(np.float64),
                mode="markers",
                name=name,
                marker=_in_3d(marker)
                | dict(size=small if chosen is None else np.where(chosen, 3 * small, small), opacity=0.75),
                showlegend="colorbar" not in marker,
                hovertemplate="seed %{customdata:.0f}<extra>" + name + "</extra>",
            )
        )
    for row in points[points["seed"] == pointed].itertuples():
        figure.add_trace(
            go.Scatter3d(
                x=[row.x],
                y=[row.y],
                z=[row.z],
                mode="markers+text",
                text=[f"seed {row.seed}"],
                marker=dict(size=14, color=HALO, line=dict(color=RING, width=3), symbol="circle"),
                textfont_color=INK,
                showlegend=False,
                hoverinfo="skip",
            )
        )
    legend = dict(orientation="h", x=0, y=-0.02, yanchor="top", itemsizing="constant")
    finish(figure, "Which latents lie together?", height=560, legend=legend)
    axis = dict(showticklabels=False, title="", showbackground=False, gridcolor=LINE, zeroline=False)
    scene = dict(xaxis=axis, yaxis=axis, zaxis=axis, dragmode="orbit")
    return figure.update_layout(scene=scene, margin=dict(l=0, r=0, t=56, b=48))


def _in_3d(marker: dict) -> dict:
    """A marker that WebGL in three dimensions can draw: it knows fewer shapes."""
    known = {"circle", "square", "diamond", "cross", "x", "circle-open"}
    return marker | {"symbol": marker["symbol"] if marker.get("symbol") in known else "circle"}


def _size(n: int) -> float:
    return 7 if n <= MANY else 3 if n <= HUGE else 2


def _ring(figure: go.Figure, row) -> None:
    """A ring of fixed size on the screen, and the seed beside it; no trace, so that no lasso finds it."""
    for width, colour in ((8, HALO), (3, RING)):
        figure.add_shape(
            type="circle",
            xsizemode="pixel",
            ysizemode="pixel",
            xanchor=row.x,
            yanchor=row.y,
            x0=-12,
            x1=12,
            y0=-12,
            y1=12,
            line=dict(color=colour, width=width),
        )
    figure.add_annotation(
        x=row.x,
        y=row.y,
        ax=30,
        ay=-32,
        text=f"<b>seed {row.seed}</b>",
        font_color=RING,
        bgcolor=HALO,
        bordercolor=RING,
        borderpad=3,
        arrowcolor=RING,
        arrowhead=0,
        standoff=13,
    )


def _layers(points: pd.DataFrame, colour: str) -> Iterator[tuple[str, pd.DataFrame, dict]]:
    """Name, points and marker of each trace, those without a value first."""
    known = points[colour].notna()
    if not known.all():
        yield "not labelled", points[~known], dict(color=LINE, symbol="circle-open", size=3)
    yield from _parts(points[known], colour)


def _parts(points: pd.DataFrame, colour: str) -> Iterator[tuple[str, pd.DataFrame, dict]]:
    """One part per component or word, or all of them on one scale."""
    if colour != "component" and pd.api.types.is_numeric_dtype(points[colour]):
        name = name_of(colour)
        if re.fullmatch(r"r\d+", colour):  # as gammaface.studies.stages.points names responsibilities
            name = f"responsibility<br>of component {colour[1:]}"
        bar = dict(title=name.capitalize(), thickness=12, outlinewidth=0)
        values = points[colour].to_numpy(np.float32)
        yield name.replace("<br>", " "), points, dict(color=values, colorscale="Cividis", colorbar=bar)
        return
    parts = points.groupby(colour, observed=True, sort=True)
    for place, (value, part) in enumerate(parts):
        component = colour == "component"
        mark = mark_of(int(value) if component else place)
        name = f"Component {value}" if component else word_of(colour, value)
        yield name, part, dict(color=mark.colour, symbol=mark.symbol)


def _dots(part: pd.DataFrame, marker: dict, *, name: str, size: float) -> go.Scattergl:
    return go.Scattergl(
        x=part["x"].to_numpy(np.float32),
        y=part["y"].to_numpy(np.float32),
        customdata=part["seed"].to_numpy(np.float64),  # exact for seeds below 2**53
        mode="markers",
        name=name,
        marker=dict(size=size) | marker | dict(opacity=0.8 if size > 3 else 0.55),
        showlegend="colorbar" not in marker,
        unselected=dict(marker_opacity=0.12),
        hovertemplate="seed %{customdata:.0f}<extra>" + name + "</extra>",
    )
