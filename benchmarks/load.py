"""Browser sessions that read while others queue jobs: errors, memory, order.

    .venv/bin/python -m benchmarks.load --minutes 10 --readers 20 --jobs 5

Starts a server of its own on a workspace under /tmp, opens pages in a real browser, and lets
jobs of single faces queue beside them. Prints errors, the server's memory, and whether the jobs
ended in the order they were submitted.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Error, sync_playwright

from gammaface.jobs import Runner
from pages.parts.tasks import TASKS

PAGES = ("", "clusters", "timesteps", "balanced", "generator", "quality", "labels", "runs")
PAUSE = 2.0  # seconds a reader looks at a page
PORT = 8655


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gammaface-load-") as home:
        os.environ["GAMMAFACE_HOME"] = home
        server = subprocess.Popen(
            [sys.executable, "-m", "pages.parts.serve", "--port", str(PORT)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for_server()
            measure(server, Path(home), options)
        finally:
            server.terminate()
            server.wait(30)


def wait_for_server(seconds: float = 120.0) -> None:
    """Until it answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("localhost", PORT), timeout=1):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def measure(server: subprocess.Popen, home: Path, options: argparse.Namespace) -> None:
    """Read and queue until the time is over, then say what was seen."""
    end = time.monotonic() + 60 * options.minutes
    runner = Runner(home, TASKS)
    queued = threading.Thread(target=submit, args=(runner, options.jobs), daemon=True)
    queued.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        views, errors, memory = read(browser, server, end, options)
        browser.close()
    print(
        f"{options.readers} sessions, {options.minutes:g} minutes: {views} pages read, {len(errors)} errors"
    )
    for words in sorted(set(errors)):
        print(f"  {errors.count(words)} x {words}")
    start, middle, last = memory[0], memory[len(memory) // 2], memory[-1]
    print(f"server: {start:.0f} MB at the start, {middle:.0f} half-way, {last:.0f} at the end")
    queued.join()
    jobs = sorted(runner.jobs(), key=lambda job: (job.created, job.id))
    ended = [job for job in jobs if job.state == "done"]
    order = [job.id for job in sorted(ended, key=lambda job: job.finished)]
    kept = order == [job.id for job in ended]
    print(f"jobs: {len(ended)} of {len(jobs)} done, order {'kept' if kept else 'broken'}")


def chromium() -> str | None:
    """The system's browser where there is one, otherwise Playwright's."""
    place = Path("/usr/bin/chromium")
    return str(place) if place.exists() else None


def submit(runner: Runner, count: int) -> None:
    """Queue single faces of the shipped study, each job on its own run."""
    for i in range(count):
        options = {"study": "first-light", "seeds": [10_000 + i]}
        runner.submit("faces", options, title=f"face {i}", run=f"load-{i}")
    while runner.live():
        time.sleep(0.5)


def read(
    browser: Browser, server: subprocess.Popen, end: float, options: argparse.Namespace
) -> tuple[int, list[str], list[float]]:
    """Let every session go through the pages until the end."""
    errors: list[str] = []
    process, memory, views = psutil.Process(server.pid), [], 0
    sessions = [browser.new_context().new_page() for _ in range(options.readers)]
    for page in sessions:
        page.on("pageerror", lambda error: errors.append(str(error)[:120]))
    while not views or time.monotonic() < end:
        for i, page in enumerate(sessions):
            try:
                page.goto(f"http://localhost:{PORT}/{PAGES[(views + i) % len(PAGES)]}", timeout=60_000)
                page.get_by_test_id("stAppViewContainer").wait_for(timeout=60_000)
                errors += ["a red box"] * page.locator('[data-testid="stException"]').count()
            except Error as error:
                errors.append(str(error).splitlines()[0][:120])
            views += 1
            if time.monotonic() > end:
                break
        memory.append(process.memory_info().rss / 2**20)
        time.sleep(min(PAUSE, max(0.0, end - time.monotonic())))
    return views, errors, memory


if __name__ == "__main__":
    main()
