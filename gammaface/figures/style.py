"""What every figure shares: colours, marks and the frame.

Backgrounds are transparent and the ink is a middle grey, so that one figure reads on light
and dark pages alike. Components differ by colour and by marker, never by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

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
ENTRY, AXIS = 22, 64  # pixels of a legend's line, and of the axis above a legend
TITLE = 10  # pixels above a title, whatever the height: a legend may stand 42 below the top
INK, LINE = "#767e88", "rgba(128,136,148,0.28)"
# What a finger would point at: one of the two stands out from any point and any page.
RING, HALO = "#15181b", "#ffffff"

_AXIS = dict(gridcolor=LINE, linecolor=LINE, zeroline=False, ticks="", title_standoff=8)
TEMPLATE = go.layout.Template(
    layout=dict(
        font=dict(family="'Source Sans', system-ui, sans-serif", size=14, color=INK),
        title=dict(x=0, xanchor="left", xref="container", yref="container", yanchor="top", font_size=17),
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


def finish(figure: go.Figure, question: str, *, height: int, legend: dict | None = None) -> None:
    title = dict(text=question, y=1 - TITLE / height)
    figure.update_layout(template=TEMPLATE, title=title, height=height, legend=legend)


def legend_below(entries: int, *, height: int) -> tuple[dict, int]:
    """A legend at a figure's lower end, and the margin that it needs there with one entry a line.

    Placed in parts of the plot's height instead, many entries would leave no plot.
    """
    bottom = AXIS + ENTRY * entries
    reach = (bottom - AXIS / 2) / height
    return dict(orientation="h", x=0, y=0, yref="container", yanchor="bottom", maxheight=reach), bottom


def need(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [c for c in columns if c not in table]
    if missing:
        raise GammaFaceError(f"the table has no column {', '.join(missing)}", fix="Compute the run again.")
