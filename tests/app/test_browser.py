"""A real browser on a real server: first start, deep links, selecting, drawing, two sessions."""

from __future__ import annotations

import pytest

from tests.app.browsing import SECONDS, browser, heading, needs_chromium, new_tab, serving

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture
def tab(chromium):
    with new_tab(chromium) as page:
        yield page


@pytest.fixture
def first(tiny_folder) -> str:
    """The query that chooses the tiny model's recorded study."""
    return f"model={tiny_folder.name}&run=first"


def images(tab) -> int:
    return tab.locator(".gf-faces img, .gf-duo img").count()


def test_first_start_and_a_walk_through_the_screens(tab, with_study, first):
    with serving(with_study) as url:
        tab.goto(f"{url}/?{first}")
        heading(tab, "Who does this model draw?")
        tab.locator(".gf-faces img").first.wait_for()
        assert images(tab) == 8
        tab.get_by_role("link", name="Open the clusters").click()
        heading(tab, "Clusters")
        tab.locator(".js-plotly-plot").nth(1).wait_for()
        tab.get_by_role("link", name="Balanced").click()
        heading(tab, "Balanced")
        tab.locator(".gf-duo img").first.wait_for()
        assert images(tab) == 16
        tab.get_by_role("link", name="Overview").click()
        heading(tab, "Who does this model draw?")


def test_an_empty_workspace_opens(tab, home):
    home.mkdir(parents=True)
    with serving(home) as url:
        tab.goto(url)
        heading(tab, "Who does this model draw?")


@pytest.mark.parametrize(
    ("page", "sign"),
    [
        ("clusters", ".gf-card"),
        pytest.param("balanced", ".gf-column", marks=pytest.mark.slow),
        pytest.param("labels", ".gf-large img", marks=pytest.mark.slow),
    ],
)
def test_a_deep_link_is_the_first_thing_a_fresh_server_is_asked(tab, with_study, first, page, sign):
    with serving(with_study) as url:
        tab.goto(f"{url}/{page}?{first}")
        heading(tab, page.capitalize())
        tab.locator(sign).first.wait_for()
        tab.locator("[data-testid=stSidebar]").get_by_text("Model", exact=True).wait_for()
        assert tab.get_by_role("dialog").count() == 0  # no "Page not found" over the page


def test_draw_shows_its_faces_while_another_session_reads(tab, chromium, with_study, first):
    with serving(with_study) as url:
        other = chromium.new_context().new_page()
        other.set_default_timeout(SECONDS * 1000)
        tab.goto(f"{url}/balanced?{first}")
        faces = tab.get_by_label("Faces", exact=True)
        faces.wait_for()
        faces.fill("4")
        faces.press("Tab")
        tab.get_by_role("button", name="Draw", exact=True).click()
        other.goto(f"{url}/?{first}")
        heading(other, "Who does this model draw?")
        tab.get_by_text("4 faces, K =").wait_for()
        tab.wait_for_function("document.querySelectorAll('.gf-duo img').length == 8")
        assert "balanced-" in tab.url.partition("batch=")[2]
        tab.reload()
        tab.get_by_text("4 faces, K =").wait_for()
        other.context.close()


def test_a_bad_upload_is_one_red_box_and_leaves_nothing(tab, with_study, first):
    with serving(with_study) as url:
        tab.goto(f"{url}/runs?{first}")
        heading(tab, "Runs")
        tab.get_by_role("button", name="Import").click()
        bad = {"name": "run.zip", "mimeType": "application/zip", "buffer": b"PK\3\4 and then nothing"}
        tab.locator("input[type=file]").set_input_files(bad)
        tab.get_by_role("button", name="Import it").click()
        tab.get_by_test_id("stAlert").wait_for()
        assert tab.get_by_test_id("stAlert").count() == 1 and not tab.get_by_test_id("stException").count()
    assert [p.name for p in with_study.iterdir() if p.is_dir() and not p.name.startswith(".")] == ["first"]


def next_face(tab, seen: list[str]) -> str:
    """The words of the face that follows those seen, once its keys are there."""
    picture = tab.locator(".gf-large img")
    tab.wait_for_function(
        "seen => [...document.querySelectorAll('.gf-large img')].every(i => !seen.includes(i.alt))", arg=seen
    )
    words = picture.get_attribute("alt")
    tab.locator(f".st-key-answer-gender-{words.rsplit(' ')[-1]}-2").wait_for()
    tab.wait_for_timeout(300)
    return words


def test_faces_are_labelled_by_keyboard_and_the_answers_outlive_a_reload(tab, with_people, first):
    with serving(with_people) as url:
        tab.goto(f"{url}/labels?{first}")
        heading(tab, "Labels")
        tab.locator(".gf-large img").wait_for()
        tab.get_by_text("0 of 60 answered").wait_for()
        faces = []
        for answered, key in enumerate("12210", start=1):
            faces.append(next_face(tab, faces))
            tab.keyboard.press(key)
            tab.get_by_text(f"{answered} of 60 answered").wait_for()
        sixth = next_face(tab, faces)
        tab.keyboard.press("u")
        tab.get_by_text("4 of 60 answered").wait_for()
        assert next_face(tab, [*faces[:4], sixth]) == faces[4]  # the face is asked again
        tab.reload()
        tab.get_by_text("4 of 60 answered").wait_for()
