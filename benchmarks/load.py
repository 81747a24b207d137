"""Browser sessions that read while others queue jobs: errors, the server's memory, order.

Run: python -m benchmarks.load [--minutes 10] [--readers 20] [--queueing 5]

A fresh server on an empty workspace with the shipped runs. The readers take turns: one
after the other opens its next page, while all the others keep theirs open, each a session that looks
after the jobs every two seconds. It is not twenty people who press at the same moment. Queueing
sessions start a small harvest as soon as fewer jobs than such sessions wait. All tabs are in one
headless Chromium, nothing but the browser between them and the server.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from playwright.sync_api import Error, Page

from benchmarks.pages import STILL
from gammaface.job_files import Job, JobFiles
from tests.app.browsing import WRONG, browser, new_tab, serving

PAGES = ("", "harvest", "clusters", "timesteps", "balanced", "generator", "quality", "runs")
HARVEST = "harvest?harvest-n=64&harvest-steps=2&harvest-labelled=0&harvest-k_max=2&t=700"
WAIT = 60_000  # milliseconds until a page counts as lost


class Load:
    """The sessions of one server, and what became of them."""

    def __init__(self, url: str, home: Path, tabs: list[Page], queueing: int) -> None:
        self.url, self.files = url, JobFiles(home / "jobs")
        self.readers, self.queueing = tabs[queueing:], itertools.cycle(tabs[:queueing])
        self.waiting = queueing
        self.errors: list[str] = []
        self.took: list[float] = []
        for tab in tabs:
            tab.on("pageerror", partial(self.note, tab))

    def note(self, tab: Page, error: object) -> None:
        page = tab.url.removeprefix(self.url).partition("?")[0]
        self.errors.append(f"{page}: {str(error).splitlines()[0][:120]}")

    def read(self, tab: Page, page: str) -> None:
        """One page, until it stands still."""
        began = time.perf_counter()
        try:
            tab.goto(f"{self.url}/{page}", timeout=WAIT)
            self.look(tab)
        except Error as error:
            self.note(tab, error)
        self.took.append(time.perf_counter() - began)

    def look(self, tab: Page) -> None:
        """The page is there, stands still and shows no error."""
        tab.locator("h1").first.wait_for(timeout=WAIT)
        tab.locator(STILL).wait_for(timeout=WAIT)
        if tab.locator(WRONG).count():
            self.note(tab, "a red box")

    def queue(self) -> None:
        """Another job by the next queueing session, unless enough of them wait."""
        if sum(job.live for job in self.files.read()) < self.waiting:
            tab = next(self.queueing)
            self.read(tab, HARVEST)
            try:
                tab.get_by_role("button", name="Harvest 64").click(timeout=WAIT)
                self.look(tab)
            except Error as error:
                self.note(tab, error)

    def go_on(self, server: psutil.Process, minutes: float) -> list[float]:
        """Read and queue; the server's memory in MB after every page."""
        end, memory = time.monotonic() + 60 * minutes, []
        for turn in itertools.count():
            for i, tab in enumerate(self.readers):
                if time.monotonic() > end:
                    return memory
                self.read(tab, PAGES[(turn + i) % len(PAGES)])
                self.queue()
                memory.append(server.memory_info().rss / 2**20)

    def jobs(self) -> list[Job]:
        """All of them in the order of their submission, once none is left to do."""
        while any(job.live for job in self.files.read()):
            time.sleep(0.5)
        return self.files.read()[::-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--queueing", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, browser() as chromium, ExitStack() as sessions:
        home = Path(place) / "home"
        home.mkdir()
        url = sessions.enter_context(serving(home))
        (server,) = [p for p in psutil.Process().children() if "pages.parts.serve" in " ".join(p.cmdline())]
        count = options.readers + options.queueing
        tabs = [sessions.enter_context(new_tab(chromium)) for _ in range(count)]
        load = Load(url, home, tabs, options.queueing)
        memory = load.go_on(server, options.minutes)
        jobs = load.jobs()
    tell(load, memory, jobs)


def tell(load: Load, memory: list[float], jobs: list[Job]) -> None:
    took, ended = sorted(load.took), [job for job in jobs if job.state == "done"]
    print(
        f"pages read: {len(took)}, {len(load.errors)} errors, {median(took):.2f} s each (median),"
        f" {took[int(0.95 * len(took))]:.2f} s (95th percentile)"
    )
    for words in sorted(set(load.errors)):
        print(f"  {load.errors.count(words)} x {words}")
    at = np.linspace(0, len(memory) - 1, 9).round().astype(int)
    print("the server's memory at nine even moments, MB:", *(f"{memory[i]:.0f}" for i in at))
    kept = ended == sorted(ended, key=lambda job: job.finished)
    print(f"jobs: {len(ended)} of {len(jobs)} done, order {'kept' if kept else 'broken'}")


if __name__ == "__main__":
    main()
