"""Points of the map: selected by hand, and held by the map where they are many."""

import pandas as pd
import pytest

from gammaface.errors import GammaFaceError
from gammaface.workspace import Run
from pages.parts import by_hand, latent_map
from tests.app.driving import PAGES, open_app, press, words_of

CLUSTERS = PAGES[1]


def test_a_component_or_seeds_are_selected_without_a_mouse(with_explored):
    app = open_app(CLUSTERS, latents="halfway")
    members = Run.open(with_explored / "halfway").table("points").query("component == 0")["seed"].tolist()
    app.selectbox(key="component-of-picked-halfway").set_value(0)
    press(app, "Select")
    assert f"{len(members)} selected: {len(members)} of component 0." in words_of(app)
    app.text_input(key="seeds-of-picked-halfway").set_value("first")
    press(app, "Select")
    assert "'first' is no seed" in app.error[0].value and app.session_state["picked-halfway"] == members
    app.selectbox(key="component-of-picked-halfway").set_value(None)
    app.text_input(key="seeds-of-picked-halfway").set_value("0-2, 29")
    press(app, "Select")
    assert not app.error and app.session_state["picked-halfway"] == [0, 1, 2, 29]
    assert app.session_state["held-picked-halfway"] == (0, 1, 2, 29)  # the map shows them, too


@pytest.mark.parametrize(
    ("component", "text", "meant"),
    [
        (None, "3", [3]),
        (None, " 0 - 2 ,9,,", [0, 1, 2, 9]),
        (1, "", [1, 3, 5, 7, 9]),
        (1, "0-4", [1, 3]),
        (None, "0-999999999999999999", list(range(10))),
        (None, "", "nothing is asked for"),
        (0, "1", "none of these latents"),
        (None, "-1", "is no seed"),
        (None, "1;2", "is no seed"),
        (None, ",".join("1" * 300), "too many"),
    ],
)
def test_seeds_are_read_from_what_is_typed(component, text, meant):
    points = pd.DataFrame({"seed": range(10), "component": [i % 2 for i in range(10)]})
    if isinstance(meant, list):
        assert by_hand.wanted(points, component, text) == meant
    else:
        with pytest.raises(GammaFaceError, match=meant):
            by_hand.wanted(points, component, text)


def test_a_large_selection_is_not_sent_with_every_run_of_the_page(monkeypatch):
    drawn = [{"customdata": float(seed)} for seed in range(5)]
    kept = {"map": {"selection": {"points": drawn}}}
    monkeypatch.setattr(latent_map.st, "session_state", kept)
    latent_map.picked("map", "slot")
    assert kept["slot"] == [0, 1, 2, 3, 4] and "turn-slot" not in kept
    monkeypatch.setattr(latent_map, "MOST_SENT", 4)
    latent_map.picked("map", "slot")
    assert (kept["turn-slot"], kept["held-slot"]) == (1, (0, 1, 2, 3, 4))  # another chart shows them
