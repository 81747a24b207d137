"""A real browser on a real server: first start, deep links, selecting, drawing, two sessions."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress

import pytest

from tests.app.driving import ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
]
SECONDS = 240


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def serving(home):
    """A fresh `python -m pages.parts.serve` on a free port, stopped afterwards."""
    port = free_port()
    environment = os.environ | {"GAMMAFACE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pages.parts.serve", "--port", str(port)]
    with open(home.parent / "server.log", "ab") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://localhost:{port}"
            wait_until_up(url, server)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_until_up(url: str, server: subprocess.Popen) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended"
        try:
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not answer")


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """A page of a new session that fetches nothing from outside this machine."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1400})
    page = context.new_page()
    page.set_default_timeout(SECONDS * 1000)
    outside = []
    page.on(
        "request",
        lambda r: "localhost" in r.url or r.url.startswith(("data:", "blob:")) or outside.append(r.url),
    )
    yield page
    context.close()
    assert not outside


@pytest.fixture
def first(tiny_folder) -> str:
    """The query that chooses the tiny model's recorded study."""
    return f"model={tiny_folder.name}&run=first"


def heading(tab, text: str) -> None:
    tab.get_by_role("heading", name=text, exact=True, level=1).wait_for()
    assert tab.locator("[data-testid=stException], [role=dialog]").count() == 0


def images(tab) -> int:
    return tab.locator(".gf-faces img, .gf-two img").count()


def lasso_everything(tab) -> None:
    """Draw a lasso round the whole map, again if the chart did not listen yet."""
    area = tab.locator(".js-plotly-plot .nsewdrag").first
    area.wait_for(state="attached")
    for attempt in range(4):
        tab.wait_for_timeout(1500 * (attempt + 1))
        box = area.bounding_box()
        left, top = box["x"] + 4, box["y"] + 4
        right, bottom = box["x"] + box["width"] - 4, box["y"] + box["height"] - 4
        tab.mouse.move(left, top)
        tab.mouse.down()
        for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
            tab.mouse.move(x, y, steps=4)
        tab.mouse.up()
        with suppress(playwright.TimeoutError):
            tab.get_by_text("60 selected").wait_for(timeout=SECONDS * 250)
            return
    raise AssertionError("the lasso selected nothing")


def test_first_start_and_a_walk_through_the_screens(tab, with_study, first):
    with serving(with_study) as url:
        tab.goto(f"{url}/?{first}")
        heading(tab, "Who does this model draw?")
        tab.locator(".gf-faces img").first.wait_for()
        assert images(tab) == 8
        tab.get_by_role("link", name="Open the clusters").click()
        heading(tab, "Clusters")
        tab.locator(".js-plotly-plot").nth(2).wait_for()
        tab.get_by_role("link", name="Balanced").click()
        heading(tab, "Balanced")
        tab.locator(".gf-two img").first.wait_for()
        assert images(tab) == 16
        tab.get_by_role("link", name="Overview").click()
        heading(tab, "Who does this model draw?")


def test_an_empty_workspace_opens(tab, home):
    home.mkdir(parents=True)
    with serving(home) as url:
        tab.goto(url)
        heading(tab, "Who does this model draw?")


@pytest.mark.parametrize(
    ("page", "sign"), [("clusters", ".gf-card"), ("balanced", ".gf-card"), ("labels", ".gf-large img")]
)
def test_a_deep_link_is_the_first_thing_a_fresh_server_is_asked(tab, with_study, first, page, sign):
    with serving(with_study) as url:
        tab.goto(f"{url}/{page}?{first}")
        heading(tab, page.capitalize())
        tab.locator(sign).first.wait_for()
        tab.locator("[data-testid=stSidebar]").get_by_text("Model", exact=True).wait_for()
        assert tab.get_by_role("dialog").count() == 0  # no "Page not found" over the page


def test_a_lasso_shows_faces_and_draws_the_missing_ones(tab, with_study, first):
    with serving(with_study) as url:
        tab.goto(f"{url}/clusters?{first}")
        tab.get_by_text("Click a point or draw a lasso").wait_for()
        lasso_everything(tab)
        button = tab.get_by_role("button", name="Draw 12 faces")
        before = images(tab)
        button.click()
        tab.wait_for_function(f"document.querySelectorAll('.gf-faces img').length == {before + 12}")
        assert tab.get_by_text("60 selected").count() == 1  # the selection did not reset
        tab.get_by_role("link", name="Overview").click()
        heading(tab, "Who does this model draw?")
        tab.get_by_role("link", name="Clusters", exact=True).click()
        tab.get_by_text("60 selected").wait_for()


def test_draw_shows_its_faces_while_another_session_reads(tab, chromium, with_study, first):
    with serving(with_study) as url:
        other = chromium.new_context().new_page()
        other.set_default_timeout(SECONDS * 1000)
        tab.goto(f"{url}/balanced?{first}")
        faces = tab.get_by_label("Faces", exact=True)
        faces.wait_for()
        faces.fill("4")
        faces.press("Tab")
        tab.get_by_role("button", name="Draw").click()
        other.goto(f"{url}/?{first}")
        heading(other, "Who does this model draw?")
        tab.get_by_text("4 faces, K =").wait_for()
        tab.wait_for_function("document.querySelectorAll('.gf-two img').length == 8")
        assert "batch=balanced-" in tab.url
        tab.reload()
        tab.get_by_text("4 faces, K =").wait_for()
        other.context.close()


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


def test_a_lasso_counts_people_and_outlives_another_colour(tab, with_people, first):
    with serving(with_people) as url:
        tab.goto(f"{url}/clusters?{first}")
        tab.get_by_text("Click a point or draw a lasso").wait_for()
        lasso_everything(tab)
        tab.get_by_text("40 of the selected points are labelled").wait_for()
        tab.get_by_label("Colour by").click()
        tab.get_by_role("option", name="Perceived race").click()
        tab.get_by_text("of the latents are finished and labelled").wait_for()
        assert tab.get_by_text("60 selected").count() == 1
