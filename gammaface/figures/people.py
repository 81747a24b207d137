"""Who is drawn: shares with intervals against even, against all, and skin tone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gammaface.figures.style import INK, LINE, Mark, finish, mark_of, need
from gammaface.shares.people import BANDS, name_of, word_of

ROW, HEAD = 24, 38  # pixels per class and per attribute's title
MARGIN = dict(l=150, r=16, t=84, b=52)
LIFTED = {"intermediate": 1, "very light": 2}  # bands narrower than their names: lines up
DASHED = dict(color=INK, width=1.5, dash="dash")


def drawn_shares(shares: pd.DataFrame, *, question: str = "Whom does it draw?") -> go.Figure:
    """Share of every class of every attribute with its 95% interval, against even.

    Parameters
    ----------
    shares : pandas.DataFrame
        As :func:`gammaface.shares.people.shares`; with ``corrected``, that is drawn, too.
    question : str
        The title.
    """
    need(shares, ("attribute", "value", "share", "low", "high", "even"))
    parts = {name: part for name, part in shares.groupby("attribute", sort=False)}
    height = ROW * len(shares) + HEAD * len(parts)
    figure = make_subplots(
        rows=len(parts),
        cols=1,
        shared_xaxes=True,
        row_heights=[len(part) for part in parts.values()],
        vertical_spacing=HEAD / height,
        subplot_titles=[name_of(name).capitalize() for name in parts],
    )
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    for row, (attribute, part) in enumerate(parts.items(), start=1):
        words = [
            f"{word_of(attribute, value)}  {100 * share:.0f}%"
            for value, share in zip(part["value"], part["share"], strict=True)
        ]
        figure.add_trace(_dots(part, words, mark_of(0), name="as labelled", legend=row == 1), row=row, col=1)
        if "corrected" in part and part["corrected"].notna().any():
            mark = mark_of(5)
            figure.add_trace(
                go.Scatter(
                    x=100 * part["corrected"],
                    y=words,
                    mode="markers",
                    name="corrected for the classifier's errors",
                    legendgroup="corrected",
                    marker=dict(color=mark.colour, symbol="diamond-open", size=11, line_width=2),
                    hovertemplate="%{y}; corrected %{x:.1f}%<extra></extra>",
                ),
                row=row,
                col=1,
            )
        even = 100 * part["even"].iloc[0]
        figure.add_shape(
            type="line", x0=even, x1=even, y0=0, y1=1, yref="y domain", line=DASHED, row=row, col=1
        )
    corrected = [t for t in figure.data if t.legendgroup == "corrected"]
    for trace in corrected[1:]:
        trace.showlegend = False
    total = height + 190
    legend = dict(orientation="h", x=0, xref="container", y=1 - 42 / total, yref="container", yanchor="top")
    finish(figure, question, height=total, legend=legend)
    figure.update_xaxes(range=[0, 100])
    figure.update_xaxes(title="share, % (lines: 95%, dashed: even)", row=len(parts), col=1)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_layout(margin=MARGIN | dict(t=124))


def share_dots(
    table: pd.DataFrame,
    *,
    question: str,
    attribute: str = "",
    reference: str = "",
    marks: Mapping[str, Mark] | None = None,
) -> go.Figure:
    """Shares in several groups, one panel per class, with 95% intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        ``group, value, share, low, high`` and, for the dashed lines, `reference`.
    question : str
        The title.
    attribute : str
        Whose classes the values are, for their words.
    reference : str
        A column of shares to compare with, e.g. ``overall``.
    marks : mapping of str to Mark, optional
        Colour and shape of each group; by default in their order.
    """
    need(table, ("group", "value", "share", "low", "high", *filter(None, [reference])))
    parts = {value: part for value, part in table.groupby("value", sort=False, observed=True)}
    groups = list(dict.fromkeys(table["group"]))
    words = {"overall": "all", "even": "even"}.get(reference, reference)
    titles = [
        f"<b>{word_of(attribute, value)}</b>"
        + (f"<br>{words} {100 * part[reference].iloc[0]:.0f}%" if reference else "")
        for value, part in parts.items()
    ]
    figure = make_subplots(
        rows=1, cols=len(parts), shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.04
    )
    figure.update_annotations(font_size=13)
    top = min(100.0, 100 * float(np.nanmax(table[["high", "share"]].to_numpy())) + 4)
    for column, part in enumerate(parts.values(), start=1):
        for place, group in enumerate(groups):
            mark = (marks or {}).get(group) or mark_of(place)
            rows = part[part["group"] == group]
            dots = _dots(rows, [str(g) for g in rows["group"]], mark, name=str(group), legend=False)
            figure.add_trace(dots, row=1, col=column)
        if reference:
            at = 100 * part[reference].iloc[0]
            figure.add_vline(x=at, line=DASHED, row=1, col=column)
    finish(figure, question, height=170 + 30 * len(groups))
    figure.update_xaxes(range=[0, top], nticks=5)
    figure.update_xaxes(title="share, % (lines: 95% interval)", row=1, col=1)
    order = [str(group) for group in groups][::-1]
    figure.update_yaxes(categoryorder="array", categoryarray=order, showgrid=False)
    longest = max(map(len, order))
    return figure.update_layout(margin=MARGIN | dict(l=max(90, 7 * longest + 16), t=100, b=60))


def skin_tones(people: pd.DataFrame) -> go.Figure:
    """Individual typology angle of every face, beside the perceived race.

    Parameters
    ----------
    people : pandas.DataFrame
        ``seed, ita`` (degrees) and ``race``.
    """
    need(people, ("seed", "ita", "race"))
    figure = go.Figure()
    races = [str(r) for r in people["race"].astype("category").cat.categories]
    for place, race in enumerate(races):
        part = people[(people["race"] == race) & people["ita"].notna()]
        mark = mark_of(place)
        figure.add_trace(
            go.Box(
                x=part["ita"],
                y=[f"{race} (n = {len(part)})"] * len(part),
                customdata=part["seed"],
                orientation="h",
                boxpoints="all",
                pointpos=0,
                jitter=0.7,
                fillcolor="rgba(0,0,0,0)",
                line=dict(color=INK, width=1.5),
                marker=dict(color=mark.colour, symbol=mark.symbol, size=5, opacity=0.6),
                showlegend=False,
                hovertemplate="seed %{customdata}: %{x:.0f}°<extra></extra>",
            )
        )
    edges = sorted(BANDS.values())
    bands = zip(edges, [*edges[1:], 90], sorted(BANDS, key=BANDS.get), strict=True)
    for low, high, tone in bands:
        figure.add_vline(x=low, line=dict(color=LINE, width=1))
        figure.add_annotation(
            x=(low + high) / 2,
            y=1,
            yref="paper",
            ax=0,
            ay=-14 - 17 * LIFTED.get(tone, 0),
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=LINE,
            text=tone,
            font_size=12,
        )
    finish(figure, "Which skin tones, beside the perceived race?", height=232 + 58 * len(races))
    figure.update_xaxes(title="ITA of the cheeks, degrees (box: quartiles)", range=[-90, 90])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_layout(margin=MARGIN | dict(t=116))


def _dots(part: pd.DataFrame, y: list[str], mark: Mark, *, name: str, legend: bool) -> go.Scatter:
    """Shares in percent with their intervals."""
    share, low, high = (100 * part[c].to_numpy(dtype=float) for c in ("share", "low", "high"))
    return go.Scatter(
        x=share,
        y=y,
        mode="markers",
        name=name,
        showlegend=legend,
        marker=dict(color=mark.colour, symbol=mark.symbol, size=11),
        error_x=dict(array=high - share, arrayminus=share - low, color=mark.colour, thickness=2, width=5),
        customdata=np.column_stack([low, high]),
        hovertemplate="%{y}: %{x:.1f}% (%{customdata[0]:.1f} to %{customdata[1]:.1f})<extra></extra>",
    )
