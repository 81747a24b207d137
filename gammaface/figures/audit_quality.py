"""How good an audit's faces are, group against group; each figure answers one question."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gammaface.figures.audit import DASHED, MARGIN, ROOM, marks
from gammaface.figures.style import ENTRY, INK, LINE, finish, legend_below, mark_of, need
from gammaface.shares.people import BANDS

SHORT = {"kernel": "kernel distance", "frechet": "Fréchet distance"}
LEAST = 0.01  # half of a share's axis shows at least this much


def worse_than_plain(figures: pd.DataFrame, methods: list[str], *, kind: str, reference: str) -> go.Figure:
    """Group-matched distance of every method minus plain sampling's, with intervals.

    Parameters
    ----------
    figures : pandas.DataFrame
        ``method, metric, vs_plain, vs_plain_low, vs_plain_high`` of one target.
    kind, reference : str
        "kernel" or "frechet", and "real" or "base".
    """
    need(figures, ("method", "metric", "vs_plain", "vs_plain_low", "vs_plain_high"))
    part = figures[figures["metric"] == f"{kind}_{reference}"].set_index("method")
    shown = [m for m in methods if m in part.index and not np.isnan(part.at[m, "vs_plain"])]
    values = part.loc[shown]
    figure = _dots(values, shown, ("vs_plain", "vs_plain_low", "vs_plain_high"), methods)
    figure.add_vline(x=0, line=DASHED)
    finish(figure, "Do faces of a group lose quality?", height=170 + 34 * len(shown))
    figure.update_xaxes(title=f"{SHORT[kind]} minus plain's (right: worse)")
    return figure


def by_group(quality: pd.DataFrame, *, plain: pd.DataFrame, method: str) -> go.Figure:
    """Kernel distance of each group to its reference, a method beside plain sampling.

    The two have different numbers of a group. The kernel distance has no bias by n; a Fréchet
    distance would make the side with fewer faces look worse.

    Parameters
    ----------
    quality, plain : pandas.DataFrame
        ``group, value, low, high, n`` of the method and of plain sampling, with their means in
        the last row. The means are shown where both are over the same groups.
    """
    need(quality, ("group", "value", "low", "high", "n"))
    figure, groups = go.Figure(), list(quality["group"])
    *each, mean = groups
    measured = [set(table.loc[table["value"].notna(), "group"]) - {mean} for table in (quality, plain)]
    groups = groups if measured[0] == measured[1] else each
    for place, (name, table) in enumerate((("plain", plain), (method, quality))):
        mark, rows = mark_of(place), table.set_index("group").reindex(groups)
        value, low, high = (rows[c].to_numpy(dtype=float) for c in ("value", "low", "high"))
        figure.add_trace(
            go.Scatter(
                x=value,
                y=np.arange(len(groups))[::-1] + (0.12 if place == 0 else -0.12),
                mode="markers",
                name=name,
                marker=dict(color=mark.colour, symbol=mark.symbol, size=11),
                error_x=dict(array=high - value, arrayminus=value - low, color=mark.colour, thickness=2),
                customdata=rows["n"],
                hovertemplate=f"{name}: %{{x:.4f}}, %{{customdata}} faces on each side<extra></extra>",
            )
        )
        if method == "plain":
            break
    legend = dict(orientation="h", x=0, y=1.0, yanchor="bottom")
    finish(figure, "Which groups are drawn worse?", height=200 + 34 * len(groups), legend=legend)
    figure.update_xaxes(title="kernel distance (lines: 95% bootstrap)")
    names = [f"<b>{g}</b>" if g == mean else g for g in groups]
    figure.update_yaxes(tickvals=np.arange(len(groups))[::-1], ticktext=names, showgrid=False)
    return figure.update_layout(margin=MARGIN | dict(t=92))


def between(table: pd.DataFrame, *, words: str) -> go.Figure:
    """Distances between groups; on the diagonal two disjoint halves of one group.

    Parameters
    ----------
    table : pandas.DataFrame
        ``group, other, value, n`` of one arm and kind; NaN where a group has too few faces.
    words : str
        Whose faces, for the title.
    """
    need(table, ("group", "other", "value", "n"))
    groups = list(dict.fromkeys(table["group"]))
    grid = table.pivot(index="group", columns="other", values="value").loc[groups[::-1], groups]
    text = np.where(np.isnan(grid), "too few", np.char.mod("%.3g", np.nan_to_num(grid.to_numpy(dtype=float))))
    n = int(table["n"].max())
    figure = go.Figure(
        go.Heatmap(
            z=grid,
            x=groups,
            y=groups[::-1],
            text=text,
            texttemplate="%{text}",
            colorscale="Cividis",
            xgap=2,
            ygap=2,
            hoverongaps=False,
            colorbar=dict(title="distance", thickness=12, outlinewidth=0),
            hovertemplate="%{y} to %{x}: %{z:.4g}<extra></extra>",
        )
    )
    side = 60 if len(groups) <= 5 else 40
    finish(figure, f"How far apart are the groups of {words}?", height=170 + side * len(groups))
    figure.update_xaxes(title=f"diagonal: halves of one group; n = {n} a side")
    figure.update_yaxes(showgrid=False)
    return figure.update_layout(margin=MARGIN | dict(b=80))


def faithful_and_varied(figures: pd.DataFrame, methods: list[str], *, reference: str) -> go.Figure:
    """Precision and recall of every method minus plain sampling's, with intervals over seeds.

    Both depend on the groups and on n, and plain sampling is measured on a method's own.

    Parameters
    ----------
    figures : pandas.DataFrame
        ``method, metric, vs_plain, vs_plain_low, vs_plain_high`` of one target.
    reference : str
        "real" or "base".
    """
    need(figures, ("method", "metric", "vs_plain", "vs_plain_low", "vs_plain_high"))
    known = marks(methods)
    sides = {
        name: _differences(figures[figures["metric"] == f"{name}_{reference}"])
        for name in ("precision", "recall")
    }
    figure = go.Figure()
    for method in methods:
        if any(method not in side.index or np.isnan(side.at[method, "value"]) for side in sides.values()):
            continue
        p, r = (sides[name].loc[method] for name in ("precision", "recall"))
        mark = known[method]
        figure.add_trace(
            go.Scatter(
                x=[r["value"]],
                y=[p["value"]],
                mode="markers",
                name=method,
                marker=dict(color=mark.colour, symbol=mark.symbol, size=12),
                error_x=_reach(r, mark.colour),
                error_y=_reach(p, mark.colour),
                hovertemplate=f"{method}: precision %{{y:+.3f}}, recall %{{x:+.3f}}<extra></extra>",
            )
        )
    figure.add_vline(x=0, line=DASHED).add_hline(y=0, line=DASHED)
    height = max(460, 400 + ENTRY * len(figure.data))
    legend, bottom = legend_below(len(figure.data), height=height)
    finish(figure, "Are its faces faithful, and as varied?", height=height, legend=legend)
    across, along = (_ends(sides[name]) for name in ("recall", "precision"))
    figure.update_xaxes(title="recall minus plain's (left: less varied)", range=across)
    figure.update_yaxes(title="precision minus plain's (down: less faithful)", range=along)
    return figure.update_layout(margin=MARGIN | dict(l=72, b=bottom))


def _ends(side: pd.DataFrame) -> list[float]:
    """An axis that shows every value; the intervals of two seeds would flatten them all."""
    largest = side["value"].abs().max()
    reach = ROOM * max(LEAST, 0.0 if np.isnan(largest) else float(largest))
    return [-reach, reach]


def diversity(figures: pd.DataFrame, methods: list[str]) -> go.Figure:
    """How far apart two faces of a group are, relative to the base generator's."""
    need(figures, ("method", "metric", "value", "low", "high"))
    part = figures[figures["metric"] == "diversity"].set_index("method")
    shown = [m for m in methods if m in part.index and not np.isnan(part.at[m, "value"])]
    figure = _dots(part.loc[shown], shown, ("value", "low", "high"), methods)
    figure.add_vline(x=1, line=DASHED)
    finish(figure, "Is a group drawn with as many different faces?", height=170 + 34 * len(shown))
    figure.update_xaxes(title="distance within a group, times the base's")
    return figure


def copies(figures: pd.DataFrame, methods: list[str]) -> go.Figure:
    """Share of faces nearer to a training face than 99% of unseen real faces are."""
    need(figures, ("method", "metric", "value", "low", "high"))
    part = figures[figures["metric"] == "near_copies"].set_index("method")
    shown = [m for m in methods if m in part.index and not np.isnan(part.at[m, "value"])]
    values = 100 * part.loc[shown, ["value", "low", "high"]]
    figure = _dots(values.assign(low=values["low"].clip(lower=0)), shown, ("value", "low", "high"), methods)
    figure.add_vline(x=1, line=DASHED)
    finish(figure, "Does it copy training faces?", height=170 + 34 * len(shown))
    figure.update_xaxes(title="near-copies, % of faces (dashed: 1% of unseen real faces)", rangemode="tozero")
    return figure


def tones(table: pd.DataFrame, *, method: str) -> go.Figure:
    """Typology angle of each group under a method, beside plain sampling.

    Parameters
    ----------
    table : pandas.DataFrame
        ``method, group, p05, p25, median, p75, p95, n`` of one target.
    """
    need(table, ("method", "group", "p05", "p25", "median", "p75", "p95", "n"))
    figure, groups = go.Figure(), list(dict.fromkeys(table["group"]))
    for place, name in enumerate(dict.fromkeys(("plain", method))):
        part, mark = table[table["method"] == name].set_index("group"), mark_of(place)
        part = part.reindex([g for g in groups if g in part.index])
        figure.add_trace(
            go.Box(
                y=list(part.index),
                lowerfence=part["p05"],
                q1=part["p25"],
                median=part["median"],
                q3=part["p75"],
                upperfence=part["p95"],
                customdata=part["n"],
                orientation="h",
                name=name,
                fillcolor="rgba(0,0,0,0)",
                line=dict(color=mark.colour, width=2),
                hovertemplate="%{y}: median %{median:.0f}°, %{customdata} faces<extra></extra>",
            )
        )
    edges = sorted(BANDS.values())
    for low, high, tone in zip(edges, [*edges[1:], 90], sorted(BANDS, key=BANDS.get), strict=True):
        figure.add_vline(x=low, line=dict(color=LINE, width=1))
        figure.add_annotation(
            x=(max(low, -60) + high) / 2,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="left",
            text=tone,
            textangle=-40,
            showarrow=False,
            font=dict(size=11, color=INK),
        )
    legend = dict(orientation="h", x=0, y=-0.3, yanchor="top")
    finish(figure, "Which skin tones has each group?", height=250 + 46 * len(groups), legend=legend)
    figure.update_xaxes(title="ITA, degrees (box: quartiles, whiskers: 5% to 95%)", range=[-60, 90])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_layout(margin=MARGIN | dict(t=124, b=100), boxmode="group")


def _dots(
    rows: pd.DataFrame, shown: list[str], columns: tuple[str, str, str], methods: list[str]
) -> go.Figure:
    figure, known = go.Figure(), marks(methods)
    for method in shown:
        value, low, high = (float(rows.at[method, c]) for c in columns)
        row = {"value": value, "low": low, "high": high}
        mark = known[method]
        figure.add_trace(
            go.Scatter(
                x=[value],
                y=[method],
                mode="markers",
                name=method,
                showlegend=False,
                marker=dict(color=mark.colour, symbol=mark.symbol, size=11),
                error_x=_reach(row, mark.colour),
                customdata=[[low, high]],
                hovertemplate="%{y}: %{x:.4f} (%{customdata[0]:.4f} to %{customdata[1]:.4f})<extra></extra>",
            )
        )
    figure.update_yaxes(categoryorder="array", categoryarray=shown[::-1], showgrid=False)
    return figure.update_layout(margin=MARGIN)


def _differences(rows: pd.DataFrame) -> pd.DataFrame:
    columns = {"vs_plain": "value", "vs_plain_low": "low", "vs_plain_high": "high"}
    return rows.set_index("method")[list(columns)].rename(columns=columns)


def _reach(row, colour: str) -> dict | None:
    if np.isnan(row["low"]):
        return None
    up, down = row["high"] - row["value"], row["value"] - row["low"]
    return dict(array=[up], arrayminus=[down], color=colour, thickness=2, width=5)
