"""Classifiers trained with generated faces: for whom they work, against what, at which share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gammaface.figures.audit import DASHED
from gammaface.figures.style import INK, LINE, finish, mark_of, need
from gammaface.shares.people import SMALL

LEGEND_LINE = 22  # pixels
LEGEND = dict(orientation="h", x=0, y=1, yanchor="bottom")


def _dots(
    figure: go.Figure,
    table: pd.DataFrame,
    columns: tuple[str, str, str],
    rows: np.ndarray,
    *,
    name: str,
    place: int,
    labels: list[str],
) -> None:
    """One series of points with their intervals along x."""
    value, low, high = (table[c].to_numpy(dtype=float) for c in columns)
    mark = mark_of(place)
    figure.add_trace(
        go.Scatter(
            x=value,
            y=rows,
            mode="markers",
            name=name,
            marker=dict(color=mark.colour, symbol=mark.symbol, size=10),
            error_x=dict(array=high - value, arrayminus=value - low, color=mark.colour, thickness=2, width=4),
            customdata=np.column_stack([low, high]),
            text=labels,
            hovertemplate=f"{name}, %{{text}}: %{{x:.3f}} (%{{customdata[0]:.3f}} to %{{customdata[1]:.3f}})"
            "<extra></extra>",
        )
    )


def _named_rows(figure: go.Figure, names: list[str], *, each: int, legend: int) -> int:
    """Names at the left, and the height that they need."""
    longest = max((max(map(len, name.split("<br>"))) for name in names), default=0)
    figure.update_yaxes(
        tickvals=np.arange(len(names)), ticktext=names, range=[len(names) - 0.5, -0.5], showgrid=False
    )
    figure.update_layout(margin=dict(l=max(90, int(7.4 * longest) + 20), r=20, t=58 + legend, b=56))
    return each * len(names) + 114 + legend


def recall_dots(groups: pd.DataFrame, arms: dict[str, str], *, word: str) -> go.Figure:
    """True positive rate of every group under each arm, with intervals; small groups are named.

    Parameters
    ----------
    groups : pandas.DataFrame
        ``arm, group, class, tpr, low, high, n`` of one task.
    arms : dict of str to str
        Arms to show and their names.
    word : str
        The class whose faces are looked at.
    """
    need(groups, ("arm", "group", "class", "tpr", "low", "high", "n"))
    part = groups[(groups["class"] == word) & groups["arm"].isin(list(arms))]
    names = list(dict.fromkeys(part["group"]))
    sizes = part.drop_duplicates("group").set_index("group")["n"]
    figure = go.Figure()
    spread = np.linspace(-0.3, 0.3, len(arms)) if len(arms) > 1 else np.zeros(1)
    for place, (arm, words) in enumerate(arms.items()):
        own = part[part["arm"] == arm].set_index("group").reindex(names)
        _dots(
            figure,
            100 * own[["tpr", "low", "high"]],
            ("tpr", "low", "high"),
            np.arange(len(names)) + spread[place],
            name=words,
            place=place,
            labels=names,
        )
    ticks = [
        f"{group.replace('=', ' ')}<br>n = {sizes[group]:,}{', small' if sizes[group] < SMALL else ''}"
        for group in names
    ]
    for row in range(1, len(names)):
        figure.add_hline(y=row - 0.5, line=dict(color=LINE, width=1))
    height = _named_rows(figure, ticks, each=max(48, 14 * len(arms) + 14), legend=legend_height(arms))
    finish(figure, f"For whom is “{word}” recognised?", height=height, legend=LEGEND)
    return figure.update_xaxes(title="recognised, % of the group's faces (lines: 95% interval)")


def differences(figures: pd.DataFrame, arms: dict[str, str], *, metric: str, words: str) -> go.Figure:
    """Every arm's signed difference to the originals alone and to plain faces, with intervals.

    Parameters
    ----------
    figures : pandas.DataFrame
        ``arm, metric, vs_baseline, vs_plain`` with ``_low`` and ``_high``, of one task.
    arms : dict of str to str
        Arms to show and their names.
    metric, words : str
        Which figure, and what it is called.
    """
    ends = [f"{name}{end}" for name in ("vs_baseline", "vs_plain") for end in ("", "_low", "_high")]
    need(figures, ("arm", "metric", *ends))
    own = figures[figures["metric"] == metric].set_index("arm").reindex(list(arms))
    names, figure = list(arms.values()), go.Figure()
    for place, (key, other) in enumerate((("vs_baseline", "to baseline"), ("vs_plain", "to plain-augment"))):
        rows = np.arange(len(names)) + (0.14 if place else -0.14)
        columns = (key, f"{key}_low", f"{key}_high")
        _dots(figure, own, columns, rows, name=other, place=2 * place, labels=names)
    figure.add_vline(x=0, line=DASHED)
    height = _named_rows(figure, names, each=44, legend=26)
    finish(figure, "Does it differ from originals alone, and from plain faces?", height=height, legend=LEGEND)
    return figure.update_xaxes(title=f"{words}, difference (95% interval)")


def ratio_curves(ratios: pd.DataFrame, curves: dict[str, str], *, metric: str, words: str) -> go.Figure:
    """A figure against the generated share of the training set, one line per set of faces.

    Parameters
    ----------
    ratios : pandas.DataFrame
        ``curve, metric, share`` (in percent), ``value, low, high``, of one task.
    curves : dict of str to str
        Curves to show and their names.
    metric, words : str
        Which figure, and what it is called.
    """
    need(ratios, ("curve", "metric", "share", "value", "low", "high"))
    part, figure = ratios[ratios["metric"] == metric], go.Figure()
    nudges = np.linspace(-1.2, 1.2, len(curves)) if len(curves) > 1 else np.zeros(1)
    for place, (curve, name) in enumerate(curves.items()):
        own, mark = part[part["curve"] == curve], mark_of(place)
        value, low, high = (own[c].to_numpy(dtype=float) for c in ("value", "low", "high"))
        share = own["share"].to_numpy(dtype=float)
        figure.add_trace(
            go.Scatter(
                # Drawn a little apart: intervals at one share would hide each other.
                x=share + np.where(share > 0, nudges[place], 0),
                y=value,
                mode="lines+markers",
                name=name,
                line=dict(color=mark.colour, width=2),
                marker=dict(color=mark.colour, symbol=mark.symbol, size=11),
                error_y=dict(array=high - value, arrayminus=value - low, color=mark.colour, width=5),
                customdata=np.column_stack([share, low, high]),
                hovertemplate=f"{name} at %{{customdata[0]:.0f}}%: %{{y:.3f}}"
                " (%{customdata[1]:.3f} to %{customdata[2]:.3f})<extra></extra>",
            )
        )
    base = part.loc[part["share"] == 0, "value"]
    if len(base):
        figure.add_hline(y=float(base.iloc[0]), line=dict(color=INK, width=1.5, dash="dot"))
    below = LEGEND_LINE * len(curves)
    legend = dict(orientation="v", x=0, yanchor="top", traceorder="normal")
    finish(figure, "How much of it should be generated?", height=400 + below, legend=legend)
    ticks = sorted(set(part["share"]))
    figure.update_xaxes(
        title="generated share of the training set, % (0: baseline)", range=[-4, 104], tickvals=ticks
    )
    figure.update_yaxes(title=f"{words} (lines: 95% interval)")
    figure.update_layout(legend_y=-64 / (400 - 58 - 64), margin=dict(l=70, r=16, t=58, b=70 + below))
    return figure


def legend_height(names: dict[str, str]) -> int:
    """Pixels above a figure that its legend's lines need."""
    widest = max((len(name) for name in names.values()), default=0) + 6
    a_line = max(1, 100 // widest)  # Plotly gives all entries the widest one's room
    return LEGEND_LINE * -(-len(names) // a_line)
