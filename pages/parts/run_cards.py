"""Runs as people recognise them: a few pictures, what they are, when and how they ended."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path

import streamlit as st
from PIL import Image

from gammaface.keeping.upkeep import is_shipped
from gammaface.workspace import Run

from .state import short, stamp_of

KINDS = {
    "study": "Study",
    "sample": "Drawn batch",
    "harvest": "Latents",
    "exploration": "Clusters",
    "survey": "Survey",
    "audit": "Audit",
    "downstream": "Downstream",
    "faces": "Single faces",
    "hand-labels": "Hand labels",
    "film": "Filmstrip",
    "map3d": "Map in 3-D",
    "solver": "Quality against steps",
}
THUMBS, SIDE = 6, 96  # pictures on a card, and their side in pixels
PAGE = "pages/runs/details.py"


def kind_of(run: Run) -> str:
    """A run's kind in words."""
    return KINDS.get(run.manifest.kind, run.manifest.kind.replace("-", " ").capitalize())


def when(run: Run) -> str:
    """When it was started, to the minute."""
    return run.manifest.created[:16].replace("T", " ")


def pictures_of(run: Run) -> list[Path]:
    """A run's pictures, plainly drawn ones first; sheets of pictures only where there is nothing else."""
    inside = run.path / "images"
    for folder in (inside / "plain", inside, run.path / "plain" / "images", run.path):
        found = sorted(p for p in folder.rglob("*.png") if not p.name.startswith("."))
        if found:
            return found
    return []


@st.cache_data(show_spinner=False, max_entries=512)
def thumbnails(path: str, stamp: int, most: int = THUMBS) -> list[str]:
    """The first pictures of a run, small, as `src`; `stamp` changes whenever the run does."""
    shown = []
    for file in pictures_of(Run.open(path))[:most]:
        if small := _small(file):
            buffer = io.BytesIO()
            small.save(buffer, "PNG")
            shown.append("data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode())
    return shown


def _small(file: Path) -> Image.Image | None:
    """The picture at the size shown; None of a file that is none, which the run's own page says."""
    try:
        with Image.open(file) as image:
            image.draft("RGB", (SIDE, SIDE))
            small = image.convert("RGB")
            small.thumbnail((SIDE, SIDE))
    except Exception:  # of whatever a file may hold
        return None
    return small


def facts(run: Run) -> str:
    """What was asked, in a line: model, how many, seed."""
    config = run.manifest.config
    parts = [short(config["model"])] if config.get("model") else []
    if isinstance(config.get("n"), int):
        parts.append(f"n = {config['n']:,}")
    if isinstance(config.get("seed"), int):
        parts.append(f"seed {config['seed']}")
    return " · ".join(parts) or "no settings"


def card(run: Run) -> None:
    """One run of the gallery, and the way to its own page."""
    sources = thumbnails(str(run.path), stamp_of(run))
    images = "".join(
        f'<img src="{s}" alt="Picture {i} of {escape(run.manifest.name)}">' for i, s in enumerate(sources, 1)
    )
    tables = len(run.tables())
    none = f'<span class="gf-none">No pictures; {tables} {"table" if tables == 1 else "tables"}</span>'
    shipped = " · shipped, read-only" if is_shipped(run.path) else ""
    lines = (
        f"{kind_of(run)} · {run.manifest.state}{shipped}",
        facts(run),
        when(run),
    )
    with st.container(border=True, height="stretch"):
        st.html(
            f'<div class="gf-thumbs">{images or none}</div><div class="gf-run" style="margin-top:10px">'
            f"<h3>{escape(run.manifest.name)}</h3>{''.join(f'<p>{escape(line)}</p>' for line in lines)}</div>"
        )
        st.page_link(
            PAGE, label="Open", icon=":material/arrow_forward:", query_params={"of": run.manifest.name}
        )
