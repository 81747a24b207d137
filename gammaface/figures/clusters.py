"""What a mixture finds: which K, and how common each component is."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gammaface.figures.style import INK, finish, mark_of, need


def bic_curve(sweep: pd.DataFrame, *, used_k: int) -> go.Figure:
    """BIC and AIC, held-out likelihood and stability over K, the used K marked.

    Parameters
    ----------
    sweep : pandas.DataFrame
        As :func:`gammaface.sweep.sweep_bic` returns it.
    """
    need(sweep, ("k", "bic", "aic", "heldout_loglik", "stability_ari"))
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
    finish(figure, "Which K describes them best?", height=540)
    figure.update_yaxes(tickformat=",~r", row=2, col=1)
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
    need(components, ("component", "share", "low", "high"))
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
    finish(figure, "How common is each component in plain sampling?", height=height)
    figure.update_xaxes(title="share of draws, % (lines: 95% interval)", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(margin=dict(l=100, r=12, t=72, b=48))
