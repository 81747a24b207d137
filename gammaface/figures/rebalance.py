"""What retraining changed: pies as the paper has them, and fairness against quality."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gammaface.figures.style import INK, LINE, PALETTE, finish, mark_of, need


def pies(shares: pd.DataFrame, rows: tuple[str, str]) -> go.Figure:
    """Whom two generators draw, side by side; intervals on pointing, and in `before_after`.

    Parameters
    ----------
    shares : pandas.DataFrame
        ``row, title, group, share, low, high``.
    rows : tuple of str
        The two rows' names, the one before first.
    """
    need(shares, ("row", "title", "group", "share", "low", "high"))
    parts = [shares[shares["row"] == row] for row in rows]
    titles = [part["title"].iloc[0] for part in parts]
    figure = make_subplots(rows=1, cols=2, specs=[[{"type": "domain"}] * 2], subplot_titles=titles)
    for column, part in enumerate(parts, start=1):
        colours = [PALETTE[i % len(PALETTE)] for i in range(len(part))]
        figure.add_trace(
            go.Pie(
                labels=part["group"],
                values=part["share"],
                sort=False,
                direction="clockwise",
                textinfo="label+percent" if len(part) <= len(PALETTE) else "label",
                textposition="inside",
                marker=dict(colors=colours, line=dict(color="rgba(255,255,255,0.6)", width=1)),
                customdata=100 * part[["low", "high"]].to_numpy(),
                hovertemplate="%{label}: %{percent} (%{customdata[0][0]:.1f} to %{customdata[0][1]:.1f}%)"
                "<extra></extra>",
                showlegend=False,
            ),
            row=1,
            col=column,
        )
    finish(figure, "Whom does it draw, before and after?", height=380)
    return figure.update_layout(margin=dict(l=8, r=8, t=92, b=16), uniformtext=dict(minsize=11, mode="hide"))


def fairness_and_quality(rows: pd.DataFrame, *, extractor: str) -> go.Figure:
    """Fairness discrepancy against group-matched Fréchet distance, each with its interval.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``title, start, fd, fd_low, fd_high, frechet, frechet_low, frechet_high, noise_floor``.
    extractor : str
        Whose features the distances are in.
    """
    columns = [f"{name}{end}" for name in ("fd", "frechet") for end in ("", "_low", "_high")]
    need(rows, ("title", "start", "noise_floor", *columns))
    figure = go.Figure()
    for place, row in enumerate(rows.to_dict(orient="records")):
        mark = mark_of(place)
        bars = {
            axis: dict(
                array=[row[f"{name}_high"] - row[name]],
                arrayminus=[row[name] - row[f"{name}_low"]],
                color=mark.colour,
                thickness=1.5,
                width=4,
            )
            for axis, name in (("error_x", "fd"), ("error_y", "frechet"))
            if row[f"{name}_low"] == row[f"{name}_low"]  # one set has no interval
        }
        figure.add_trace(
            go.Scatter(
                x=[row["fd"]],
                y=[row["frechet"]],
                mode="markers",
                name=row["title"],
                marker=dict(color=mark.colour, symbol=mark.symbol, size=13),
                hovertemplate=f"{row['title']}: FD %{{x:.3f}}, Fréchet distance %{{y:.3g}}<extra></extra>",
                **bars,
            )
        )
    floor = float(rows["noise_floor"].max())
    figure.add_vrect(x0=0, x1=floor, fillcolor=LINE, line_width=0, layer="below")
    figure.add_annotation(
        x=floor, y=1, yref="paper", text="noise floor", showarrow=False, xanchor="left", font_color=INK
    )
    finish(figure, "Even, and at what quality? Lower left is better.", height=440)
    figure.update_xaxes(title="fairness discrepancy (lines: 95% over sets)", rangemode="tozero")
    figure.update_yaxes(title=f"Fréchet distance within groups<br>({extractor})", rangemode="tozero")
    return figure.update_layout(margin=dict(l=90, r=16, t=64, b=60))
