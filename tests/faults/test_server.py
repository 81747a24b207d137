"""How the server is set up, and what static checks say of the code."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())


def test_the_server_answers_this_machine_alone_and_tells_nobody():
    server = SETTINGS["server"]
    assert server["address"] == "localhost" and server["allowedHosts"] == ["localhost", "127.0.0.1"]
    assert server["enableCORS"] and server["enableXsrfProtection"]
    assert 0 < server["maxUploadSize"] <= 20, "uploads lie in memory, once a session"
    assert SETTINGS["browser"]["gatherUsageStats"] is False
    assert SETTINGS["client"]["showErrorDetails"] == "none"


def test_streamlit_knows_each_of_these_settings():
    """A setting that was renamed would be left aside without a word."""
    from streamlit import config

    for section in ("server", "browser", "client"):
        for name in SETTINGS[section]:
            assert f"{section}.{name}" in config.get_config_options(), name


@pytest.mark.slow  # make lint runs it, too
@pytest.mark.skipif(find_spec("bandit") is None, reason="bandit is not installed")
def test_bandit_finds_nothing():
    command = [sys.executable, "-m", "bandit", "-q", "-c", "pyproject.toml", "-r"]
    command += ["gammaface", "pages", "app.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
