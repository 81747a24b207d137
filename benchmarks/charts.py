"""Double-logarithmic charts as HTML to explore and as SVG to read anywhere."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

import pandas as pd
import plotly.express as px

WIDTH, HEIGHT, MARGIN = 300, 230, 52
INK, LINE = "#333333", "#3b6ea5"


def write_charts(table: pd.DataFrame, value: str, unit: str, out: Path) -> None:
    """One panel per ``axis``: `value` against ``size``, as `out`.html and `out`.svg.

    Parameters
    ----------
    table : DataFrame
        Columns ``axis``, ``size``, ``slope`` (of `value`, for the panel's title) and `value`.
    """
    figure = px.line(table, x="size", y=value, facet_col="axis", facet_col_wrap=3, markers=True)
    figure.update_xaxes(type="log", matches=None, showticklabels=True)
    figure.update_yaxes(type="log", matches=None, showticklabels=True, title=unit)
    figure.write_html(out.with_suffix(".html"))
    panels = [_panel(axis, part, value, unit) for axis, part in table.groupby("axis", sort=False)]
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    placed = [
        f'<g transform="translate({WIDTH * (i % columns)} {HEIGHT * (i // columns)})">{panel}</g>'
        for i, panel in enumerate(panels)
    ]
    size = f'width="{WIDTH * columns}" height="{HEIGHT * rows}"'
    style = 'font-family="sans-serif" font-size="11"'
    body = "\n".join(['<rect width="100%" height="100%" fill="white"/>', *placed])
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style} fill="{INK}">\n{body}\n</svg>\n'
    out.with_suffix(".svg").write_text(svg)


def _panel(axis: str, part: pd.DataFrame, value: str, unit: str) -> str:
    x, y = part["size"].tolist(), [max(v, 1e-9) for v in part[value]]
    left, right, top, bottom = MARGIN, WIDTH - 20, 30, HEIGHT - 42
    # Both axes show at least one decade, so that a flat line looks flat.
    x_of, y_of = _scale(x, left, right, 0), _scale(y, bottom, top, 1)
    points = [(x_of(a), y_of(b)) for a, b in zip(x, y, strict=True)]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{LINE}"/>' for a, b in points)
    slope = part["slope"].iloc[0]
    title = f"{axis}: grows as size^{slope:.2f}"
    ticks = "".join(_text(x_of(v), bottom + 15, f"{v:,g}", "middle") for v in x)
    ends = "".join(_text(left - 5, y_of(v) + 4, f"{v:.3g}", "end") for v in sorted({y[0], y[-1]}))
    frame = f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="{INK}"/>'
    line = f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="2"/>'
    return (
        frame
        + line
        + dots
        + _text(left, 18, title, "start")
        + ticks
        + ends
        + _text((left + right) / 2, HEIGHT - 10, f"{unit} against {axis}", "middle")
    )


def _scale(values: list[float], start: float, end: float, decades: float):
    low, high = math.log10(min(values)), math.log10(max(values))
    spare = max(0.0, decades - (high - low)) / 2
    low, high = low - spare, max(high + spare, low + 1e-9)
    return lambda v: start + (end - start) * (math.log10(v) - low) / (high - low)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
