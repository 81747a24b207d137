"""What balanced faces are tried on: a classifier's flips along a latent direction."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from gammaface.figures.style import INK, finish, mark_of, need

MARGIN = dict(l=64, r=16, t=104, b=60)


def flips_curve(flips: pd.DataFrame, *, judged: str, towards: str) -> go.Figure:
    """Share of faces whose answer changes with the distance moved, with 95% intervals.

    Parameters
    ----------
    flips : pandas.DataFrame
        ``distance, share, low, high, along``, see
        :func:`gammaface.applications.classifier.flips_table`.
    judged : str
        The attribute that is judged, in words.
    towards : str
        The class that faces are moved towards, in words.
    """
    need(flips, ("distance", "share", "low", "high", "along"))
    first, second = mark_of(0), mark_of(1)
    share, low, high = (100 * flips[c] for c in ("share", "low", "high"))
    figure = go.Figure(
        [
            go.Scatter(
                x=flips["distance"],
                y=share,
                mode="lines+markers",
                name=f"another answer on {judged}",
                line=dict(color=first.colour, width=2),
                marker=dict(symbol=first.symbol, size=10),
                error_y=dict(array=high - share, arrayminus=share - low, color=first.colour, width=5),
                hovertemplate="%{x:+g} sd: %{y:.1f}%<extra></extra>",
            ),
            go.Scatter(
                x=flips["distance"],
                y=100 * flips["along"],
                mode="lines+markers",
                name=f"mean probability of {towards}",
                line=dict(color=second.colour, width=2, dash="dot"),
                marker=dict(symbol=second.symbol, size=9),
                hovertemplate="%{x:+g} sd: %{y:.1f}%<extra></extra>",
            ),
        ]
    )
    legend = dict(orientation="h", x=0, y=1.02, yanchor="bottom")
    finish(figure, "Does the answer flip when one attribute moves?", height=400, legend=legend)
    figure.add_vline(x=0, line=dict(color=INK, width=1, dash="dash"))
    figure.update_xaxes(title=f"moved towards {towards}, standard deviations of the codes")
    figure.update_yaxes(title="faces, % (lines: 95% interval)", range=[0, 102])
    return figure.update_layout(margin=MARGIN)
