"""The figures: what they show, join on, and how components stay apart without colour."""

import numpy as np
import pandas as pd
import pytest

from gammaface import figures
from gammaface.errors import GammaFaceError

COMPONENTS = pd.DataFrame(
    {"component": [0, 1], "share": [0.25, 0.75], "low": [0.2, 0.7], "high": [0.31, 0.8]}
)
SWEEP = pd.DataFrame(
    {
        "k": [1, 2, 3],
        "bic": [5000.0, 4000.0, 4500.0],
        "aic": [4900.0, 3900.0, 3800.0],
        "heldout_loglik": [-9.0, -8.0, -8.5],
        "stability_ari": [1.0, 0.9, 0.4],
    }
)


def points(n: int) -> pd.DataFrame:
    xy = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    seeds = 2_300_000_000 + np.arange(n)  # beyond int32
    return pd.DataFrame(
        {"seed": seeds, "x": xy[:, 0], "y": xy[:, 1], "component": np.arange(n) % 3, "confidence": 0.5}
    )


def test_cluster_map_joins_on_exact_seeds_in_float32_webgl():
    table = points(31)
    figure = figures.cluster_map(table)
    assert [t.type for t in figure.data] == ["scattergl"] * 3
    assert all(t.x.dtype == np.float32 for t in figure.data)
    seeds = np.concatenate([t.customdata for t in figure.data]).astype(np.int64)
    assert sorted(seeds) == table["seed"].tolist()


def test_cluster_map_of_fifty_thousand_points_stays_small():
    assert len(figures.cluster_map(points(50_000)).to_json()) < 2_000_000


def test_cluster_map_by_a_number_has_one_scale():
    (trace,) = figures.cluster_map(points(31), colour="confidence").data
    assert trace.marker.colorbar.title.text == "Confidence"


def test_components_differ_by_shape_as_well_as_colour():
    marks = [figures.mark_of(i) for i in range(88)]
    assert len({m.symbol for m in marks[:11]}) == len({m.glyph for m in marks[:11]}) == 11
    assert len({(m.colour, m.symbol) for m in marks}) == 88


def test_bic_curve_names_the_used_k_and_is_zero_at_the_best():
    figure = figures.bic_curve(SWEEP, used_k=2)
    bic = next(t for t in figure.data if t.name == "BIC")
    assert list(bic.y) == [1.0, 0.0, 0.5]
    assert "K = 2, used" in figure.layout.xaxis3.title.text


def test_component_shares_draw_the_intervals_in_percent():
    figure = figures.component_shares(COMPONENTS)
    first = figure.data[0]
    assert first.x[0] == pytest.approx(25)
    assert first.error_x.array[0] == pytest.approx(6)
    assert first.error_x.arrayminus[0] == pytest.approx(5)


def test_every_figure_is_transparent_and_asks_a_question():
    for figure in (
        figures.cluster_map(points(12)),
        figures.bic_curve(SWEEP, used_k=1),
        figures.component_shares(COMPONENTS),
    ):
        assert figure.layout.title.text.endswith("?")
        assert figure.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_a_missing_column_is_named():
    with pytest.raises(GammaFaceError, match="confidence"):
        figures.cluster_map(points(9).drop(columns="confidence"), colour="confidence")
