"""Explore in a real browser: one server for all, tabs of their own, and a server that ends."""

from __future__ import annotations

import shutil

import pytest

from tests.app.browsing import (
    SECONDS,
    WRONG,
    browser,
    choose,
    heading,
    lasso_everything,
    needs_chromium,
    new_tab,
    press,
    serving,
)

pytestmark = needs_chromium
FACES = "button[data-seed] img"


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture
def tab(chromium):
    with new_tab(chromium) as page:
        yield page


@pytest.fixture(scope="module")
def site(labelled, tmp_path_factory):
    """A server whose workspace holds the labelled study; its first request is the first test's."""
    home = tmp_path_factory.mktemp("site") / "home"
    shutil.copytree(labelled, home / "first")
    with serving(home) as url:
        yield url


@pytest.fixture
def first(tiny_folder) -> str:
    """The query that chooses the tiny model's recorded study."""
    return f"model={tiny_folder.name}&run=first"


def harvest(tab, url: str, first: str, n: int, *, steps: int = 2) -> None:
    """Start a harvest through a link that has every setting."""
    settings = f"harvest-n={n}&harvest-steps={steps}&harvest-labelled=0&harvest-k_max=2&t=700"
    tab.goto(f"{url}/harvest?{first}&{settings}")
    heading(tab, "Harvest")
    tab.get_by_role("button", name=f"Harvest {n:,}").click()


def harvest_for_long(tab, url: str, first: str) -> None:
    """One that no machine ends before somebody cancels it."""
    harvest(tab, url, first, 20_000, steps=50)
    tab.get_by_text("Harvesting latents").first.wait_for()


def test_a_deep_link_to_harvest_has_its_settings(tab, site, first):
    tab.goto(f"{site}/harvest?{first}&harvest-n=70&t=404")
    heading(tab, "Harvest")
    tab.get_by_role("button", name="Harvest 70").wait_for()
    assert tab.get_by_test_id("stMetricValue").inner_text().strip() == "0.80"
    tab.get_by_role("button", name="Draw the filmstrip").wait_for()
    tab.get_by_role("link", name="Timesteps").click()
    heading(tab, "Timesteps")
    tab.get_by_role("link", name="Harvest").click()
    tab.get_by_role("button", name="Harvest 70").wait_for()  # the settings survived


@pytest.mark.slow
def test_a_lasso_shows_faces_rings_the_one_clicked_and_draws_the_missing(tab, site, first):
    tab.goto(f"{site}/clusters?{first}")
    heading(tab, "Clusters")
    tab.get_by_text("Click a point or draw a lasso").wait_for()
    lasso_everything(tab, "60 selected")
    tab.get_by_text("40 of the selected points are labelled").wait_for()
    tab.locator(FACES).first.wait_for()
    tab.locator("button[data-seed]").nth(3).click()
    seed = tab.locator("button[data-seed]").nth(3).get_attribute("data-seed")
    tab.locator(f"button[aria-pressed=true][data-seed='{seed}']").wait_for()
    tab.locator(".annotation-text", has_text=f"seed {seed}").wait_for()
    assert tab.get_by_text("60 selected").count() == 1  # neither reset the selection
    choose(tab, "Colour by", "Perceived race")
    tab.get_by_text("of the latents are finished and labelled").wait_for()
    assert tab.get_by_text("60 selected").count() == 1
    tab.get_by_role("link", name="Overview").click()
    tab.get_by_role("link", name="Clusters", exact=True).click()
    tab.get_by_text("60 selected").wait_for()
    told = tab.get_by_text("of the selected faces are drawn")
    drawn = int(told.inner_text().split()[0])
    tab.get_by_role("button", name="Draw 12 faces").click()
    tab.get_by_text(f"{drawn + 12} of the selected faces are drawn").wait_for()


@pytest.mark.slow
def test_a_harvest_leads_to_its_clusters_and_their_faces(tab, site, first):
    harvest(tab, site, first, 70)
    done = tab.get_by_test_id("stMain").get_by_role("link", name="See clusters").first
    done.click(timeout=3 * SECONDS * 1000)  # UMAP compiles itself first
    heading(tab, "Clusters")
    tab.get_by_text("70 in x_t at t = 700").wait_for()
    assert "latents=explore-" in tab.url
    lasso_everything(tab, "70 selected")
    tab.locator(FACES).first.wait_for()


@pytest.mark.slow
def test_what_one_session_cancels_another_continues(tab, chromium, site, first):
    harvest_for_long(tab, site, first)
    tab.locator(".gf-sheet").wait_for()  # the live preview
    with new_tab(chromium) as other:
        other.goto(f"{site}/harvest?{first}")
        other.get_by_text("Harvest of 20,000").first.wait_for()  # a second session sees the job
        other.get_by_role("button", name="Cancel").click()
        tab.get_by_text("was cancelled. What was computed is kept").wait_for()
        other.reload()
        press(other, "Continue", until=other.get_by_text("Harvesting latents").first)
        other.reload()  # a job survives that
        other.get_by_role("button", name="Cancel").click()
        other.get_by_text("was cancelled. What was computed is kept").wait_for()
        other.get_by_role("button", name="Dismiss").click()
        other.get_by_text("was cancelled. What was computed is kept").wait_for(state="detached")
        assert other.locator(WRONG).count() == 0


@pytest.mark.slow
def test_a_job_of_a_server_that_ended_goes_on_in_the_next(chromium, labelled, first, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(labelled, home / "first")
    with serving(home) as url, new_tab(chromium) as tab:
        harvest_for_long(tab, url, first)
    with serving(home) as url, new_tab(chromium) as tab:
        tab.goto(f"{url}/harvest?{first}")
        tab.get_by_text("was interrupted. What was computed is kept").wait_for()
        press(tab, "Continue", until=tab.get_by_text("Harvesting latents").first)
        tab.get_by_role("button", name="Cancel").click()
        tab.get_by_text("was cancelled. What was computed is kept").wait_for()
