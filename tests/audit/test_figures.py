"""Figures of an audit that must not compare what does not compare."""

import numpy as np
import pandas as pd
import pytest

from gammaface.audit.report import price_of
from gammaface.figures.audit import price
from gammaface.figures.audit_quality import by_group, faithful_and_varied


def rows(*values):
    groups = [*"abc"[: len(values)], "mean over groups"]
    value = np.array([*values, np.nanmean(values)], dtype=float)
    return pd.DataFrame({"group": groups, "value": value, "low": value, "high": value, "n": 30})


def test_means_over_other_groups_are_not_shown_side_by_side():
    figure = by_group(rows(0.1, 0.2, 0.3), plain=rows(0.1, 0.2, 0.3), method="quota")
    assert figure.layout.yaxis.ticktext[-1] == "<b>mean over groups</b>"
    figure = by_group(rows(0.1, 0.2, 0.3), plain=rows(0.1, 0.2, np.nan), method="quota")
    assert figure.layout.yaxis.ticktext == ("a", "b", "c")
    assert "kernel" in figure.layout.xaxis.title.text


def test_precision_and_recall_are_shown_as_differences():
    """Those of two methods are of other groups, at another n."""
    rows = [
        ("quota", "precision_real", 0.9, 0.01, 0.0, 0.02),
        ("quota", "recall_real", 0.4, -0.2, np.nan, np.nan),
        ("plain", "precision_real", 0.8, np.nan, np.nan, np.nan),
        ("plain", "recall_real", 0.5, np.nan, np.nan, np.nan),
    ]
    columns = ["method", "metric", "value", "vs_plain", "vs_plain_low", "vs_plain_high"]
    figure = faithful_and_varied(pd.DataFrame(rows, columns=columns), ["plain", "quota"], reference="real")
    (shown,) = figure.data
    assert (shown.name, *shown.x, *shown.y) == ("quota", -0.2, 0.01)
    assert figure.layout.xaxis.title.text.startswith("recall minus plain's")
    assert len(figure.layout.shapes) == 2, "plain sampling is where two lines cross"
    assert figure.layout.xaxis.range == pytest.approx((-0.3, 0.3)), "whatever the intervals"


@pytest.mark.parametrize("count", [2, 14, 30])
def test_many_methods_leave_room_for_the_plot_and_their_legend(count):
    methods = [f"component-{i}" for i in range(count)]
    row = {"fd": 0.1, "low": np.nan, "high": np.nan, "noise_floor": 0.01, "on_front": True}
    pareto = pd.DataFrame([row | {"method": name, "cost": 1.0 + i} for i, name in enumerate(methods)])
    figure = price(pareto, methods, limit=0.05, cost_limit=2.0, words="FD")
    height, margin, legend = figure.layout.height, figure.layout.margin, figure.layout.legend
    assert height - margin.t - margin.b >= 250
    lines = 20 * (count + 1)  # of 12 pixel type, and one for the front
    assert lines <= legend.maxheight * height <= margin.b


def test_the_price_is_shown_by_the_targets_own_reading(drawn):
    """The toy has recalls of one attribute only."""
    run, _ = drawn
    summary, pareto, goals = (run.table(name) for name in ("summary", "pareto", "goals"))
    words = {}
    for target in ("side", "side+level"):
        own = (table[table["target"] == target] for table in (pareto, goals))
        words[target] = price_of(*own, summary).layout.yaxis.title.text
    assert words == {"side": "FD, corrected", "side+level": "FD, as labelled"}
