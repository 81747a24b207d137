"""README and docs: links lead somewhere, commands and their options exist."""

import re
from pathlib import Path

import pytest
import typer

from gammaface.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")))
LINK = re.compile(r"\]\(([^)\s]+)\)")
TREE = typer.main.get_command(app)


def anchors(page: Path) -> set[str]:
    """The headings of a page as its links name them."""
    heads = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    place = ROOT / page
    for link in LINK.findall(place.read_text()):
        if link.startswith("http"):
            continue
        file, _, anchor = link.partition("#")
        target = (place.parent / file).resolve() if file else place
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES)
def test_commands_have_the_options_that_are_shown(page):
    text = (ROOT / page).read_text().replace("\\\n", " ")
    for line in re.findall(r"-m gammaface ([^\n`#]*)", text):
        words, command = line.split(), TREE
        while words and words[0] in getattr(command, "commands", ()):
            command = command.commands[words.pop(0)]
        if hasattr(command, "commands"):
            assert not words or not re.fullmatch(r"[a-z][a-z-]*", words[0]), f"no command '{line}'"
            continue
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
        shown = {word for word in words if re.fullmatch(r"--[a-z][a-z-]*", word)}
        assert shown <= known | {"--help"}, f"{line}: {shown - known}"
