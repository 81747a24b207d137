"""Plotly figures from a run's tables; each answers the question in its title.

Backgrounds are transparent and the ink is a middle grey, so that one figure reads on light
and dark pages alike. Components differ by colour and by marker, never by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gammaface.errors import GammaFaceError

# Okabe and Ito's colours (2008), told apart with every common colour vision; the dark ones
# first, grey in place of black, which a dark page would swallow.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#F0E442")
SHAPES = (
    ("circle", "●"),
    ("square", "■"),
    ("diamond", "◆"),
    ("triangle-up", "▲"),
    ("triangle-down", "▼"),
    ("cross", "✚"),
    ("x", "✖"),
    ("star", "★"),
    ("hexagon", "⬢"),
    ("pentagon", "⬟"),
    ("triangle-left", "◀"),
)
INK, LINE = "#767e88", "rgba(128,136,148,0.28)"
MANY = 10_000  # points from which markers shrink

_AXIS = dict(gridcolor=LINE, linecolor=LINE, zeroline=False, ticks="", title_standoff=8)
TEMPLATE = go.layout.Template(
    layout=dict(
        font=dict(family="'Source Sans', system-ui, sans-serif", size=14, color=INK),
        title=dict(x=0, xanchor="left", xref="container", y=0.97, yanchor="top", font_size=17),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis=_AXIS,
        yaxis=_AXIS,
        hoverlabel=dict(font_size=13),
    )
)


@dataclass(frozen=True)
class Mark:
    """How one component is drawn everywhere."""

    colour: str
    symbol: str  # Plotly's name
    glyph: str  # the same shape as a character


def mark_of(component: int) -> Mark:
    """Colour and shape of a component; no two of the first 88 share both."""
    symbol, glyph = SHAPES[component % len(SHAPES)]
    return Mark(PALETTE[component % len(PALETTE)], symbol, glyph)


def cluster_map(points: pd.DataFrame, *, colour: str = "component") -> go.Figure:
    """The map of the latents, with each point's seed as its customdata.

    Parameters
    ----------
    points : pandas.DataFrame
        ``seed, x, y, component, confidence`` and whatever else is to be coloured by.
    colour : str
        A column: ``component`` or a numeric one.

    Raises
    ------
    GammaFaceError
        When `points` has no such column.
    """
    _need(points, ("seed", "x", "y", "component", colour))
    figure = go.Figure()
    if colour == "component":
        for component, part in points.groupby("component"):
            mark = mark_of(int(component))
            marker = dict(color=mark.colour, symbol=mark.symbol)
            figure.add_trace(_dots(part, marker, name=f"Component {component}", many=len(points) > MANY))
    else:
        marker = dict(
            color=points[colour].to_numpy(np.float32),
            colorscale="Cividis",
            colorbar=dict(title=colour.capitalize(), thickness=12, outlinewidth=0),
        )
        figure.add_trace(_dots(points, marker, name=colour, many=len(points) > MANY))
        figure.update_traces(showlegend=False)
    legend = dict(orientation="h", x=0, y=-0.09, yanchor="top", itemsizing="constant")
    _finish(figure, "Which latents lie together?", height=540, legend=legend)
    # UMAP has no units and no meaningful zero: numbers on its axes would only invite reading.
    figure.update_xaxes(title="UMAP 1 (no unit)", showticklabels=False, showgrid=False)
    figure.update_yaxes(title="UMAP 2 (no unit)", showticklabels=False, showgrid=False)
    return figure.update_layout(dragmode="lasso", margin=dict(l=34, r=8, t=64, b=84))


def _dots(part: pd.DataFrame, marker: dict, *, name: str, many: bool) -> go.Scattergl:
    return go.Scattergl(
        x=part["x"].to_numpy(np.float32),
        y=part["y"].to_numpy(np.float32),
        customdata=part["seed"].to_numpy(np.float64),  # exact for seeds below 2**53
        mode="markers",
        name=name,
        marker=marker | dict(size=3 if many else 7, opacity=0.55 if many else 0.8),
        unselected=dict(marker_opacity=0.12),
        hovertemplate="seed %{customdata:.0f}<extra>" + name + "</extra>",
    )


def bic_curve(sweep: pd.DataFrame, *, used_k: int) -> go.Figure:
    """BIC and AIC, held-out likelihood and stability over K, the used K marked.

    Parameters
    ----------
    sweep : pandas.DataFrame
        As :func:`gammaface.sweep.sweep_bic` returns it.
    """
    _need(sweep, ("k", "bic", "aic", "heldout_loglik", "stability_ari"))
    figure = make_subplots(
        rows=3,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.14,
        row_heights=[0.44, 0.28, 0.28],
        subplot_titles=(
            "BIC and AIC above their lowest, thousands",
            "Held-out log-likelihood, nats per latent",
            "Stability between restarts, ARI",
        ),
    )
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    for row, column, name, place, dash in (
        (1, "bic", "BIC", 0, "solid"),
        (1, "aic", "AIC", 1, "dot"),
        (2, "heldout_loglik", "Held-out log-likelihood", 2, "solid"),
        (3, "stability_ari", "Stability", 3, "solid"),
    ):
        values = sweep[column]
        if row == 1:
            values = (values - values.min()) / 1000
        mark = mark_of(place)
        figure.add_trace(
            go.Scatter(
                x=sweep["k"],
                y=values,
                name=name,
                mode="lines+markers+text",
                # A label at the line's end says which one it is where a legend would crowd.
                text=[""] * (len(sweep) - 1) + [name if row == 1 else ""],
                textposition="middle right",
                cliponaxis=False,
                line=dict(color=mark.colour, dash=dash, width=2),
                marker=dict(symbol=mark.symbol, size=8),
                showlegend=False,
                hovertemplate="K = %{x}: %{y:.3f}<extra>" + name + "</extra>",
            ),
            row=row,
            col=1,
        )
    figure.add_vline(x=used_k, line=dict(color=INK, width=1, dash="dash"))
    _finish(figure, "Which K describes them best?", height=540)
    figure.update_xaxes(dtick=1)
    figure.update_xaxes(title=f"K, number of components (dashed: K = {used_k}, used)", row=3, col=1)
    return figure.update_layout(margin=dict(l=52, r=44, t=88, b=52))


def component_shares(components: pd.DataFrame) -> go.Figure:
    """How common each component is in plain sampling, with 95% intervals.

    Parameters
    ----------
    components : pandas.DataFrame
        ``component, share, low, high``, fractions.
    """
    _need(components, ("component", "share", "low", "high"))
    even = 100 / len(components)
    figure = go.Figure()
    for row in components.itertuples(index=False):
        mark = mark_of(int(row.component))
        figure.add_trace(
            go.Scatter(
                x=[100 * row.share],
                y=[f"Component {row.component}"],
                mode="markers",
                marker=dict(color=mark.colour, symbol=mark.symbol, size=13),
                error_x=dict(
                    array=[100 * (row.high - row.share)],
                    arrayminus=[100 * (row.share - row.low)],
                    color=mark.colour,
                    thickness=2.5,
                    width=6,
                ),
                showlegend=False,
                hovertemplate="%{y}: %{x:.1f}%<extra></extra>",
            )
        )
    figure.add_vline(x=even, line=dict(color=INK, width=1, dash="dash"))
    figure.add_annotation(
        x=even, y=1.0, yref="paper", yanchor="bottom", text=f"even: {even:.1f}%", showarrow=False
    )
    height = 150 + 36 * len(components)
    _finish(figure, "How common is each component in plain sampling?", height=height)
    figure.update_xaxes(title="share of draws, % (lines: 95% interval)", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(margin=dict(l=100, r=12, t=72, b=48))


def _finish(figure: go.Figure, question: str, *, height: int, legend: dict | None = None) -> None:
    figure.update_layout(template=TEMPLATE, title_text=question, height=height, legend=legend)


def _need(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [c for c in columns if c not in table]
    if missing:
        raise GammaFaceError(f"the table has no column {', '.join(missing)}", fix="Compute the run again.")
