"""Starting a downstream study from a page: what to train, and what it will cost."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from gammaface.downstream.terms import (
    CONTROL,
    EVEN,
    FULL_IMAGES,
    ORDER,
    PER_CLASS,
    REFERENCE,
    SET_NAMES,
    TASKS,
)

from . import classified, work
from .job_rows import duration
from .people import TRAIN
from .state import has_classifier, stamp_of

FIRST = (REFERENCE, "group-reweigh", CONTROL, EVEN)
BACKBONES = ("tiny", "small", "compact", "resnet-101")
LIMITS = {"seeds": (1, 10), "images": (64, 1_000_000), "per_class": (10, 7000), "drawn": (20, 50_000)}
DEFAULTS = {"seeds": 2, "images": 12_800, "per_class": 1500, "drawn": 600}
LABELS = {
    "seeds": "Seeds",
    "images": "Pictures shown",
    "per_class": "Originals a class",
    "drawn": "Generated faces a set",
}


def study_form(model: str) -> None:
    """What to train, how many classifiers that are, and the button that starts it."""
    if not has_classifier():
        st.markdown("A study needs an attribute classifier to label generated faces. Train one first.")
        st.code(TRAIN, language="bash")
        return
    asked = _asked()
    words, button = st.columns([4, 1], vertical_alignment="center")
    words.caption(_cost(asked))
    ready = asked["path"] and asked["targets"] and asked["methods"]
    if button.button(
        "Start", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not ready
    ):
        title = f"Classifiers on {SET_NAMES[asked['data']]}"
        work.start("downstream", asked | {"model": model}, title=title)
    if asked["path"] and not Path(asked["path"]).exists():
        st.caption(f":material/info: There is nothing at {asked['path']} on this server's disk.")


def _asked() -> dict:
    first = st.columns([1, 2, 2])
    data = first[0].selectbox(
        "Laid out as", list(TASKS), format_func=SET_NAMES.get, key="study-data", persist_state="session"
    )
    path = first[1].text_input(
        "Labelled real faces on this server's disk",
        key="study-path",
        persist_state="session",
        placeholder="/data/utkface.parquet",
    )
    targets = first[2].multiselect(
        "Targets | protected",
        list(TASKS[data]),
        default=next(iter(TASKS[data])),
        format_func=lambda target: f"{target} | {', '.join(TASKS[data][target])}",
        key=f"study-targets-{data}",
        persist_state="session",
    )
    methods = st.multiselect("Methods", ORDER, default=FIRST, key="study-methods", persist_state="session")
    second = st.columns(len(LIMITS) + 1)
    numbers = {
        name: column.number_input(
            LABELS[name], *LIMITS[name], value=DEFAULTS[name], key=f"study-{name}", persist_state="session"
        )
        for column, name in zip(second, LIMITS, strict=False)
    }
    backbone = second[-1].selectbox(
        "Backbone", BACKBONES, index=1, key="study-backbone", persist_state="session"
    )
    chosen = {"data": data, "path": path.strip(), "targets": targets, "methods": methods}
    return chosen | numbers | {"backbone": backbone}


def _cost(asked: dict) -> str:
    """How many classifiers, how long that may take, and how far it is from the paper's study."""
    count = len(asked["targets"]) * len(asked["methods"]) * asked["seeds"]
    words = (
        f"Targets x methods x seeds: {len(asked['targets'])} x {len(asked['methods'])} x {asked['seeds']} ="
        f" {count} classifiers, {asked['images']:,} pictures shown to each at most."
    )
    timed = seconds_a_picture(asked["backbone"])
    if timed is None:
        words += " How long one takes is not known here yet: no study with this backbone has been timed."
    else:
        seconds, run = timed
        words += (
            f" About {duration(seconds * asked['images'] * count)} of training, as run {run} took, perhaps on"
            " another machine; drawing faces comes before."
        )
    if asked["images"] < FULL_IMAGES or asked["per_class"] < min(PER_CLASS.values()):
        words += f" The full study shows {FULL_IMAGES:,} pictures and has 5,000 originals a class."
    return f"{words} It runs in the background; cancelling keeps every finished classifier."


def seconds_a_picture(backbone: str) -> tuple[float, str] | None:
    """What a picture took in the newest study with this backbone, and that study's name."""
    for name, run in classified.studies().items():
        if run.manifest.config["recipe"]["backbone"] == backbone:
            cells = classified.read(str(run.path), stamp_of(run)).tables["cells"]
            return float((cells["seconds"] / cells["images_seen"]).median()), name
    return None
