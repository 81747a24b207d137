"""How long a page takes: the first one of a fresh server, and warm switches from one to another.

Run: python -m benchmarks.pages [--repeats 5]

A fresh `python -m pages.parts.serve` with the shipped runs, headless Chromium, 1280 px. Goals:
first page under 8 s, warm switch under 0.5 s (median). A switch is timed inside the page, frame by
frame: from the click to the first frame in which the new title has a box.
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
# A loop in the page looks at every frame from before the click: whoever asks from outside learns of a
# title when the next of Playwright's polls comes, up to half a second later. Content is the first
# picture, figure, table, number or field that was not there before; a page may have none.
WATCH = """title => {
  const main = '[data-testid=stMain]';
  const things = ['img', '.main-svg', '[data-testid=stDataFrame]', '[data-testid=stMetric]', 'input'];
  const content = things.map(thing => `${main} ${thing}`).join();
  const before = new Set(document.querySelectorAll(content));
  const watched = (window.watched = { began: null, titled: null, content: null, ended: null });
  const hasBox = element => element.getBoundingClientRect().height > 0;
  const note = (moment, found) => {
    if (watched[moment] === null && found()) watched[moment] = performance.now();
  };
  document.addEventListener('click', () => { watched.began = performance.now(); },
    { capture: true, once: true });
  const look = () => {
    note('titled', () => watched.began !== null &&
      [...document.querySelectorAll('h1')].some(h => h.innerText.trim() === title && hasBox(h)));
    if (watched.titled !== null) {
      note('content', () => [...document.querySelectorAll(content)].some(e => !before.has(e) && hasBox(e)));
      note('ended', () => document.querySelector('STILL'));
    }
    if (watched.ended === null) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}""".replace("STILL", STILL.replace('"', ""))
READ = """() => Object.fromEntries(['titled', 'content', 'ended'].map(
  moment => [moment, watched[moment] === null ? null : (watched[moment] - watched.began) / 1000]))"""


def first_page(chromium, home: Path) -> float:
    """Seconds from starting the server to the Overview with its faces."""
    began = time.perf_counter()
    with serving(home) as url, new_tab(chromium) as tab:
        tab.goto(url)
        heading(tab, OVERVIEW)
        tab.locator(".gf-faces img").first.wait_for()
        return time.perf_counter() - began


def switches(chromium, home: Path, repeats: int) -> dict[str, list[dict[str, float | None]]]:
    """Seconds from the click to the title, to the first content and to the end of the page, after a
    round that warms every page. The click comes when the page before stands still, as a reader's does."""
    took: dict[str, list[dict[str, float | None]]] = {title: [] for _, title in PAGES}
    with serving(home) as url, new_tab(chromium) as tab:
        tab.goto(url)
        heading(tab, OVERVIEW)
        for round_ in range(repeats + 1):
            for link, title in PAGES:
                tab.locator(STILL).wait_for()
                tab.wait_for_timeout(SETTLED)
                tab.evaluate(WATCH, title)
                tab.get_by_role("link", name=link, exact=True).first.click()
                tab.wait_for_function("watched.ended !== null")
                if round_:
                    took[title].append(tab.evaluate(READ))
    return took


def row(name: str, seconds: list[dict[str, float | None]]) -> str:
    """A page's line of the table: medians, and the titles' least and most."""
    titled = [s["titled"] for s in seconds]
    content = [s["content"] for s in seconds if s["content"] is not None]
    figures = [median(titled), min(titled), max(titled), median(content) if content else None]
    figures.append(median(s["ended"] for s in seconds))
    return f"| {name} | {' | '.join('' if f is None else f'{f:.2f}' for f in figures)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as place, browser() as chromium:
        home = Path(place) / "home"
        home.mkdir()
        starts = [first_page(chromium, home) for _ in range(repeats)]
        took = switches(chromium, home, repeats)
    print("| page | to its title, s | least | most | first content, s | whole page, s |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(
        f"| first page of a fresh server | {median(starts):.2f} | {min(starts):.2f} | {max(starts):.2f} | | |"
    )
    for name, seconds in took.items():
        print(row(name, seconds))


if __name__ == "__main__":
    main()
