"""How tests drive a real browser on a real server."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.app.driving import ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
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
HERE = re.compile(r"https?://localhost|ws://localhost|data:|blob:|file:")
WRONG = "[data-testid=stException], [role=dialog]"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def serving(home: Path) -> Iterator[str]:
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


@contextmanager
def browser() -> Iterator:
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@contextmanager
def new_tab(chromium) -> Iterator:
    """A page of a new session that fetches nothing from outside this machine."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1400})
    page = context.new_page()
    page.set_default_timeout(SECONDS * 1000)
    outside = []
    page.on("request", lambda r: HERE.match(r.url) or outside.append(r.url))
    try:
        yield page
    except Exception:  # what the page said instead stands below the test's report
        print(page.url, page.locator("body").inner_text(), sep="\n")
        raise
    context.close()
    assert not outside


def heading(tab, text: str) -> None:
    """Wait for a page's title; nothing on it may have raised."""
    tab.get_by_role("heading", name=text, exact=True, level=1).wait_for()
    assert tab.locator(WRONG).count() == 0


def press(tab, name: str, *, until) -> None:
    """Press a button, again where a page that was still drawing moved it from under the pointer."""
    for _ in range(4):
        with suppress(playwright.TimeoutError):
            tab.get_by_role("button", name=name).click(timeout=15_000)
        with suppress(playwright.TimeoutError):
            until.wait_for(timeout=SECONDS * 250)
            return
    raise AssertionError(f"{name} did nothing")


def choose(tab, label: str, option: str) -> None:
    """Pick from a select box, again where a page that was still drawing closed its list."""
    for attempt in range(4):
        tab.get_by_label(label, exact=True).click()
        with suppress(playwright.TimeoutError):
            tab.get_by_role("option", name=option).click(timeout=15_000 * (attempt + 1))
            return
        tab.keyboard.press("Escape")
    raise AssertionError(f"{option} could not be chosen")


def lasso_everything(tab, said: str) -> None:
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
            tab.get_by_text(said).wait_for(timeout=SECONDS * 250)
            return
    raise AssertionError("the lasso selected nothing")
