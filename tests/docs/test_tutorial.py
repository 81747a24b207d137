"""The tutorial's commands, in order, on a stand-in for its hub model: no network."""

import re
import shlex
from pathlib import Path

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from gammaface import attributes, load_generator
from gammaface.balancing import draw_seeds
from gammaface.cli import app
from gammaface.workspace import Run
from tests.hub_models import build
from tests.tiny_attributes import write_classifier

DOCS = Path(__file__).resolve().parents[2] / "docs"
COMMIT = "5e" * 20
SMALLER = {"-n 400": "-n 24", "--steps 25": "--steps 2"}
MODEL = "google/ddpm-celebahq-256"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The hub's cache holds a stand-in with .bin weights, as early repositories do."""
    place = tmp_path / "cache" / ("models--" + MODEL.replace("/", "--"))
    build(MODEL, place / "snapshots" / COMMIT, pickled=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("GAMMAFACE_CACHE", str(tmp_path / "converted"))
    shown = draw_seeds(load_generator(MODEL, device="cpu"), range(16), steps=2).images
    write_classifier(tmp_path / "models" / "attributes", shown)
    monkeypatch.setattr(attributes, "MODELS", tmp_path / "models")
    monkeypatch.chdir(tmp_path)


def commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", (DOCS / "tutorial.md").read_text(), re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert all(line.startswith("python -m gammaface ") for line in lines), "it cannot be executed here"
    return [line.removeprefix("python -m gammaface ") for line in lines]


def test_every_command_runs_and_the_report_is_there(hub, tmp_path):
    lines = commands()
    assert len(lines) == 7 and sum("-n 400" in line for line in lines) == 2
    for line in lines:
        for long, short in SMALLER.items():
            line = line.replace(long, short)
        done = CliRunner().invoke(app, shlex.split(line))
        assert done.exit_code == 0, (line, done.output, done.exception)
    for name in ("celebahq-audit", "celebahq-even-audit"):
        page = (tmp_path / "runs" / name / "report.html").read_text()
        assert "Who is in" in page and page.count("<img") == 24
    manifest = Run.open("runs/celebahq").manifest
    assert manifest.config["model"] == f"{MODEL}@{COMMIT}", "the commit is not pinned"
    even = Run.open("runs/celebahq-even-audit").table("summary").set_index("attribute")
    assert even.at["gender", "fd"] == 0


@pytest.mark.parametrize("page", ["tutorial.md", "glossary.md", "figures.md", "limits.md"])
def test_pages_name_only_commands_that_there_are(page):
    known = {c.name or c.callback.__name__.replace("_", "-") for c in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    named = set(re.findall(r"python -m gammaface ([a-z][a-z-]*)", (DOCS / page).read_text()))
    named |= {
        w for w in re.findall(r"`([a-z]+-[a-z-]+)[ `]", (DOCS / page).read_text()) if w.startswith("audit-")
    }
    assert named <= known, named - known
