"""``gammaface dashboard``: the pages in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

APP = Path(__file__).resolve().parents[2] / "app.py"


def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port on this machine.")] = 8501,
) -> None:
    """Start the dashboard on http://localhost:PORT."""
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.web import bootstrap

    # A folder named pages/ makes Streamlit's first run look for scripts in it and answer a
    # deep link with "Page not found"; app.py navigates itself.
    PagesManager.uses_pages_directory = False
    options = {"server.port": port, "server.address": "localhost", "browser.gatherUsageStats": False}
    bootstrap.load_config_options(flag_options=options)
    bootstrap.run(str(APP), is_hello=False, args=[], flag_options=options)
