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


PEOPLE = pd.DataFrame(
    {
        "attribute": ["gender", "gender", "young40", "young40"],
        "value": ["female", "male", "young", "old"],
        "share": [0.6, 0.4, 0.7, 0.3],
        "low": [0.5, 0.3, 0.6, 0.2],
        "high": [0.68, 0.5, 0.8, 0.4],
        "even": 0.5,
        "corrected": [0.55, 0.45, 0.75, 0.25],
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


def test_cluster_map_by_words_marks_each_by_shape_and_leaves_the_unlabelled_grey():
    table = points(30)
    table["gender"] = pd.Categorical(["female", "male", None] * 10, categories=["female", "male"])
    unknown, *known = figures.cluster_map(table, colour="gender").data
    assert unknown.name == "not labelled" and len(unknown.x) == 10
    assert [t.name for t in known] == ["female", "male"]
    assert len({t.marker.symbol for t in (unknown, *known)}) == 3


def test_cluster_map_shows_what_was_selected_under_another_colour():
    table = points(9)
    chosen = table["seed"].tolist()[:2]
    figure = figures.cluster_map(table, selected=chosen)
    found = [int(t.customdata[i]) for t in figure.data for i in t.selectedpoints]
    assert sorted(found) == chosen
    assert figures.cluster_map(table).data[0].selectedpoints is None


def test_a_hundred_thousand_points_stay_small_and_a_ring_is_no_trace():
    table = points(100_000)
    figure = figures.cluster_map(table, pointed=int(table["seed"].iloc[7]))
    assert len(figure.to_json()) < 3_000_000 and len(figure.data) == 3
    assert [a.text for a in figure.layout.annotations] == [f"<b>seed {table['seed'].iloc[7]}</b>"]
    ring = figure.layout.shapes[0]
    assert (ring.xanchor, ring.xsizemode) == (pytest.approx(table["x"].iloc[7]), "pixel")


def test_a_responsibility_is_named_on_its_scale():
    table = points(9).assign(r1=np.linspace(0, 1, 9, dtype=np.float32))
    (trace,) = figures.cluster_map(table, colour="r1").data
    assert trace.marker.colorbar.title.text == "Responsibility<br>of component 1"


def test_the_map_in_space_shows_the_selection_by_size():
    table = points(12).assign(z=np.float32(0))
    chosen = table["seed"].tolist()[:2]
    figure = figures.space_map(table, selected=chosen, pointed=chosen[0])
    assert {t.type for t in figure.data} == {"scatter3d"} and len(figure.data) == 4
    sizes = {int(s): z for t in figure.data[:3] for s, z in zip(t.customdata, t.marker.size, strict=True)}
    large = max(sizes.values())
    assert sorted(s for s, z in sizes.items() if z == large) == chosen
    with pytest.raises(GammaFaceError, match="no column z"):
        figures.space_map(points(9))


def test_drawn_shares_hold_intervals_even_and_corrected():
    figure = figures.drawn_shares(PEOPLE)
    first, corrected = (t for t in figure.data if t.yaxis == "y")
    assert list(first.y) == ["female  60%", "male  40%"]
    assert first.error_x.array[0] == pytest.approx(8)
    assert corrected.name.startswith("corrected") and list(corrected.x) == pytest.approx([55, 45])
    assert [shape.x0 for shape in figure.layout.shapes] == [50, 50]
    assert sum(t.showlegend is not False for t in figure.data) == 2  # each kind of mark once


def test_share_dots_have_a_panel_per_class_and_a_line_for_all():
    table = pd.concat([PEOPLE[:2].assign(group=g, overall=[0.5, 0.5]) for g in ("a", "b")])
    figure = figures.share_dots(table, question="Same?", attribute="gender", reference="overall")
    assert [a.text for a in figure.layout.annotations][:2] == [
        "<b>female</b><br>all 50%",
        "<b>male</b><br>all 50%",
    ]
    assert len(figure.data) == 4 and len({t.marker.symbol for t in figure.data}) == 2
    assert len(figure.layout.shapes) == 2


def test_skin_tones_stand_beside_perceived_race_with_their_bands():
    faces = pd.DataFrame(
        {
            "seed": [1, 2, 3],
            "ita": [50.0, -40.0, np.nan],
            "race": pd.Categorical(["white", "black", "black"], categories=["white", "black", "asian"]),
        }
    )
    figure = figures.skin_tones(faces)
    assert [len(t.x) for t in figure.data] == [1, 1, 0]
    assert {a.text for a in figure.layout.annotations} >= {"dark", "very light"}


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
        figures.drawn_shares(PEOPLE),
    ):
        assert figure.layout.title.text.endswith("?")
        assert figure.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_a_missing_column_is_named():
    with pytest.raises(GammaFaceError, match="confidence"):
        figures.cluster_map(points(9).drop(columns="confidence"), colour="confidence")
