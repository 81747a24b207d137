"""What the components follow: heat maps over spaces, timesteps and numbers of components."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gammaface.figures.style import PALETTE, finish, need
from gammaface.shares.people import name_of

ALPHA = 0.05
MARGIN = dict(l=150, r=16, t=64, b=56)
SCALE = "Cividis"


def followed(best: pd.DataFrame) -> go.Figure:
    """The strongest association of every attribute, people and looks side by side.

    Parameters
    ----------
    best : pandas.DataFrame
        ``attribute, ami, beats_chance`` and ``person`` (whether it tells of a person), a
        row per attribute, as :func:`gammaface.studies.survey_findings.findings` gives them.
    """
    need(best, ("attribute", "ami", "beats_chance", "person"))
    rows = best.dropna(subset="ami").sort_values("ami")
    figure = go.Figure()
    for person, name, colour in ((True, "of a person", PALETTE[0]), (False, "of the picture", PALETTE[1])):
        part = rows[rows["person"] == person]
        figure.add_trace(
            go.Bar(
                x=part["ami"],
                y=[_plain(a) for a in part["attribute"]],
                orientation="h",
                name=name,
                marker=dict(color=colour, pattern_shape="" if person else "/"),
                text=[
                    f"{ami:.3f}" + ("" if clear else " chance")
                    for ami, clear in zip(part["ami"], part["beats_chance"], strict=True)
                ],
                textposition="outside",
                cliponaxis=False,
                hovertemplate="%{y}: AMI %{x:.3f}<extra></extra>",
            )
        )
    legend = dict(orientation="h", x=0, y=-0.2, yanchor="top")
    finish(figure, "What do components follow most?", height=110 + 30 * len(rows), legend=legend)
    figure.update_yaxes(categoryorder="array", categoryarray=[_plain(a) for a in rows["attribute"]])
    figure.update_xaxes(title="highest AMI (0 is chance)", range=[0, _reach(rows["ami"])])
    return figure.update_layout(margin=MARGIN | {"b": 84, "r": 72}, barmode="overlay")


def association_map(association: pd.DataFrame, *, attribute: str) -> go.Figure:
    """Adjusted mutual information of component and attribute by view and timestep.

    Parameters
    ----------
    association : pandas.DataFrame
        ``view, sqrt_abar, attribute, ami, p_holm`` of one source and one K.
    """
    need(association, ("view", "sqrt_abar", "attribute", "ami", "p_holm"))
    rows = association[association["attribute"] == attribute]
    ami = _grid(rows, "view", "ami")
    clear = _grid(rows, "view", "p_holm").to_numpy() < ALPHA
    words = np.where(np.isnan(ami), "", np.char.mod("%.3f", ami.to_numpy()))
    words = np.where(clear | (words == ""), words, np.char.add(words, "<br>chance"))
    return _heat(
        ami,
        words,
        question=f"Do components follow {_plain(attribute)}?",
        bar="AMI",
        top=_reach(rows["ami"]),
        hover="%{y}, √ᾱ = %{x}: AMI %{z:.3f}<extra></extra>",
    )


def probe_map(probes: pd.DataFrame, *, attribute: str) -> go.Figure:
    """Accuracy of a linear probe by space and timestep, beside the majority's share.

    Parameters
    ----------
    probes : pandas.DataFrame
        ``space, sqrt_abar, attribute, accuracy, majority`` of one source.
    """
    need(probes, ("space", "sqrt_abar", "attribute", "accuracy", "majority"))
    rows = probes[probes["attribute"] == attribute]
    accuracy = _grid(rows, "space", "accuracy")
    words = np.where(np.isnan(accuracy), "", np.char.mod("%.2f", accuracy.to_numpy()))
    majority = float(rows["majority"].iloc[0]) if len(rows) else 0.0
    return _heat(
        accuracy,
        words,
        question=f"Could a straight line read {_plain(attribute)}?",
        bar=f"accuracy<br>(majority<br>{majority:.2f})",
        bottom=majority,
        top=1.0,
        hover="%{y}, √ᾱ = %{x}: accuracy %{z:.3f}<extra></extra>",
    )


def bic_map(sweep: pd.DataFrame) -> go.Figure:
    """BIC above its lowest value at each timestep, by K.

    Parameters
    ----------
    sweep : pandas.DataFrame
        ``sqrt_abar, k, bic, n`` of one source and view.
    """
    need(sweep, ("sqrt_abar", "k", "bic", "n"))
    above = sweep.assign(
        above=(sweep["bic"] - sweep.groupby("sqrt_abar")["bic"].transform("min")) / sweep["n"]
    )
    grid = above.pivot_table(index="k", columns="sqrt_abar", values="above").sort_index(ascending=True)
    words = np.where(grid.to_numpy() == 0, "lowest", "")
    grid.index = [f"K = {k}" for k in grid.index]
    return _heat(
        grid,
        words,
        question="Which K does BIC prefer, and when?",
        bar="BIC above<br>lowest, nats<br>per latent",
        top=float(np.nanquantile(grid, 0.9)) or 1.0,
        hover="%{y}, √ᾱ = %{x}: %{z:.2f} nats per latent above the lowest<extra></extra>",
        scale=f"{SCALE}_r",
    )


def _heat(grid, words, *, question, bar, top, hover, bottom: float = 0.0, scale: str = SCALE) -> go.Figure:
    figure = go.Figure(
        go.Heatmap(
            z=grid.to_numpy(),
            x=[f"{s:.2f}" for s in grid.columns],
            y=list(grid.index),
            text=words,
            texttemplate="%{text}",
            colorscale=scale,
            zmin=bottom,
            zmax=top,
            xgap=2,
            ygap=2,
            colorbar=dict(title=bar, thickness=12, outlinewidth=0),
            hovertemplate=hover,
        )
    )
    finish(figure, question, height=130 + 44 * len(grid))
    figure.update_xaxes(title="√ᾱ, the share of the clean image left: noise on the left", type="category")
    return figure.update_layout(margin=MARGIN)


def _grid(rows: pd.DataFrame, index: str, values: str) -> pd.DataFrame:
    order = list(dict.fromkeys(rows[index]))
    return rows.pivot_table(index=index, columns="sqrt_abar", values=values, dropna=False).reindex(
        order[::-1]
    )


def _reach(values: pd.Series) -> float:
    """An axis' end: room for small values to be seen as small."""
    return max(0.2, 1.25 * float(values.max())) if values.notna().any() else 0.2


def _plain(name: str) -> str:
    """An attribute in a few words; that it is a perceived one is said beside the figure."""
    return name_of(name).removeprefix("perceived ").replace("_", " ")
