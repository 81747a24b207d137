"""How tests open the app and read what it shows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from streamlit.testing.v1 import AppTest

from pages.parts import state

ROOT = Path(__file__).parents[2]
PAGES = ("pages/start/overview.py", "pages/explore/clusters.py", "pages/generate/balanced.py")
LABELS = "pages/audit/labels.py"
SECONDS = 120  # AppTest's own limit of 3 s is too short for a busy machine


def open_app(page: str | None = None, **query: str) -> AppTest:
    """The app after its first run, on a page; nothing may have raised."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    if page and page != PAGES[0]:
        app.switch_page(page).run()
    assert not app.exception
    return app


def walk(app: AppTest, pages: Iterable[str]) -> Iterator[str]:
    """Show one page after the other in one session, which spares a start for each."""
    for page in pages:
        app.switch_page(page).run()
        assert not app.exception, page
        yield page


def chosen_faces(app: AppTest) -> dict:
    """What the gallery of selected faces was given: ``faces, label, chosen``."""
    (element,) = app.get("bidi_component")
    return json.loads(element.proto.mixed.json or element.proto.json)


def press(app: AppTest, label: str) -> None:
    """Press the first button whose label begins so."""
    next(b for b in app.button if b.label.startswith(label)).click().run()
    assert not app.exception


def follow(app: AppTest, label: str) -> None:
    """Go where a link leads, as a browser does."""
    link = next(link.proto for link in app.get("page_link") if label in link.proto.label)
    app.query_params.clear()
    app.query_params.update(parse_qsl(link.query_string))
    (page,) = (p for p in ROOT.glob("pages/*/*.py") if p.stem == link.page and p.parent.name != "parts")
    app.switch_page(str(page.relative_to(ROOT))).run()
    assert not app.exception


def finish_jobs(app: AppTest) -> None:
    """Wait for the worker, then load the page as the panel would."""
    end = time.monotonic() + SECONDS
    while state.runner().live():
        assert time.monotonic() < end, "the job did not end"
        time.sleep(0.1)
    app.run()
    assert not app.exception


def words_of(app: AppTest) -> str:
    """Everything that the page says in running text."""
    kinds = ("markdown", "caption", "title", "subheader")
    return " ".join(element.value for kind in kinds for element in app.get(kind))


def html_of(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))
