"""Skin tone's bands, and counts of a face set: what the figures say, and that it can be read."""

import numpy as np
import pandas as pd
import pytest

from gammaface import figures
from gammaface.datasets.folder_report import cell_counts, class_counts
from gammaface.shares.people import BANDS

NARROW, LETTER, LINE = 250, 6.5, 15  # pixels: a plot beside another at 1280, of a letter, of a line


def test_the_bands_names_do_not_overlap():
    people = pd.DataFrame(
        {"seed": range(20), "ita": np.linspace(-80, 80, 20), "race": ["white", "black"] * 10}
    )
    notes = [n for n in figures.skin_tones(people).layout.annotations if n.text in BANDS]
    assert len(notes) == len(BANDS)
    boxes = [
        (n.x * NARROW / 180 - len(n.text) * LETTER / 2, n.x * NARROW / 180 + len(n.text) * LETTER / 2, n.ay)
        for n in notes
    ]
    for i, (left, right, height) in enumerate(boxes):
        for other_left, other_right, other_height in boxes[:i]:
            assert abs(height - other_height) >= LINE or right <= other_left or other_right <= left


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    race = rng.choice(["white", "black", "asian"], 300, p=[0.8, 0.18, 0.02])
    return pd.DataFrame(
        {
            "gender": pd.Categorical(rng.choice(["female", "male"], 300), categories=("female", "male")),
            "race": pd.Categorical(race, categories=("white", "black", "asian", "indian")),
        }
    )


def test_small_classes_and_cells_are_named_not_coloured(labels):
    bars = figures.class_bars(class_counts(labels))
    words = [word for trace in bars.data for word in trace.y]
    assert [w for w in words if w.startswith("indian")] == ["indian  0  (small)"]
    assert not any("(small)" in w for w in words if w.startswith(("white", "female")))
    cells = cell_counts(labels, ["gender", "race"])
    (heat,) = figures.cell_map(cells, rows="gender", columns="race").data
    text = pd.DataFrame(heat.text, index=heat.y, columns=heat.x)
    assert (text["indian"] == "none").all() and text["asian"].str.endswith("small").all()
    assert float(heat.z.sum()) == pytest.approx(100)
