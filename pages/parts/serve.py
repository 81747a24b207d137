"""Start the dashboard on this machine: `python -m pages.parts.serve [--port N]`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web import bootstrap

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description="Start the GammaFace dashboard on localhost.")
    parser.add_argument("--port", type=int, default=8501)
    options = {"server.port": parser.parse_args().port}
    os.chdir(ROOT)  # where .streamlit/config.toml lies: localhost only, no usage statistics
    # A folder named pages/ makes Streamlit's first run look for scripts in it and answer a
    # deep link with "Page not found"; app.py navigates itself.
    PagesManager.uses_pages_directory = False
    bootstrap.load_config_options(flag_options=options)
    bootstrap.run(str(ROOT / "app.py"), is_hello=False, args=[], flag_options=options)


if __name__ == "__main__":
    main()
