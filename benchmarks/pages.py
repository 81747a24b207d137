"""How long a page takes: the first one of a fresh server, and warm switches from one to another.

Run: python -m benchmarks.pages [--repeats 5]

A fresh `python -m pages.parts.serve` with the shipped runs, headless Chromium, 1280 px. Goals:
first page under 8 s, warm switch under 0.5 s (median).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.app.browsing import browser, heading, new_tab, serving

PAGES = (
    ("Harvest", "Harvest"),
    ("Clusters", "Clusters"),
    ("Timesteps", "Timesteps"),
    ("Balanced", "Balanced"),
    ("Generator", "Generator"),
    ("All runs", "Runs"),
    ("Overview", "Who does this model draw?"),
)
OVERVIEW = PAGES[-1][1]
STILL = '.stApp[data-test-script-state="notRunning"]'
SETTLED = 1000  # milliseconds: figures are drawn after the script has ended


def first_page(chromium, home: Path) -> float:
    """Seconds from starting the server to the Overview with its faces."""
    began = time.perf_counter()
    with serving(home) as url, new_tab(chromium) as tab:
        tab.goto(url)
        heading(tab, OVERVIEW)
        tab.locator(".gf-faces img").first.wait_for()
        return time.perf_counter() - began


def switches(chromium, home: Path, repeats: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds from the click to the title, and to the end of the page, after a round that warms
    every page. The click comes when the page before stands still, as a reader's does."""
    took: dict[str, list[tuple[float, float]]] = {title: [] for _, title in PAGES}
    with serving(home) as url, new_tab(chromium) as tab:
        tab.goto(url)
        heading(tab, OVERVIEW)
        for round_ in range(repeats + 1):
            for link, title in PAGES:
                tab.locator(STILL).wait_for()
                tab.wait_for_timeout(SETTLED)
                began = tab.evaluate("performance.now()")
                tab.get_by_role("link", name=link, exact=True).first.click()
                tab.get_by_role("heading", name=title, exact=True, level=1).wait_for()
                titled = tab.evaluate("performance.now()")
                tab.locator(STILL).wait_for()
                if round_:
                    ended = tab.evaluate("performance.now()")
                    took[title].append(((titled - began) / 1000, (ended - began) / 1000))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as place, browser() as chromium:
        home = Path(place) / "home"
        home.mkdir()
        starts = [first_page(chromium, home) for _ in range(repeats)]
        took = switches(chromium, home, repeats)
    print("| page | to its title, s | least | most | whole page, s |\n| --- | --- | --- | --- | --- |")
    print(
        f"| first page of a fresh server | {median(starts):.2f} | {min(starts):.2f} | {max(starts):.2f} | |"
    )
    for name, seconds in took.items():
        titled, whole = zip(*seconds, strict=True)
        print(
            f"| {name} | {median(titled):.2f} | {min(titled):.2f} | {max(titled):.2f} | {median(whole):.2f} |"
        )


if __name__ == "__main__":
    main()
