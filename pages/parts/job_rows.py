"""How a job looks on a page: under way, ended, or stopped and ready to go on."""

from __future__ import annotations

import datetime as dt
import time

import streamlit as st

from gammaface.jobs import Job

from . import pictures
from .leads import Lead
from .state import runner
from .words import advice, blame, plain, upper

STAGES = {
    "starting": "Loading the model",
    "harvest": "Harvesting latents",
    "sweep": "Fitting every K",
    "fit": "Fitting the mixture",
    "map": "Drawing the map",
    "exemplars": "Drawing typical faces",
    "plain": "Drawing plain faces",
    "balanced": "Drawing evenly",
    "component-uniform": "Drawing evenly",
    "draw": "Drawing faces",
    "strip": "Walking the path again",
    "variations": "Drawing variations",
    "images": "Drawing and labelling faces",
    "tables": "Comparing methods",
    "film": "Drawing the filmstrip",
    "people": "Drawing and labelling people",
    "faces": "Drawing even faces",
    "direction": "Looking for the direction",
    "moving": "Moving faces along it",
    "upscale": "Making faces small and large again",
    "label": "Labelling pictures",
    "generated faces": "Drawing faces",
    "cells": "Training classifiers",
    "generated cells": "Looking at spaces and timesteps",
}
ENDED = {"cancelled": "was cancelled", "interrupted": "was interrupted", "failed": "failed"}


def progress_row(job: Job) -> None:
    """A job that waits or runs: how far it is, what it draws, and Cancel."""
    with st.container(border=True, key=f"job-{job.id}"):
        words, button = st.columns([5, 1], vertical_alignment="center")
        with words:
            st.progress(job.fraction, text=f"**{plain(job.title)}** · {words_of(job)}")
        with button:
            if st.button("Cancel", key=f"cancel-{job.id}", width="stretch"):
                runner().cancel(job.id)
                st.rerun()
        preview = runner().files.preview(job.id)
        if preview:
            words = f"What {job.title} is expected to draw next"
            # The same message twice is sent as a reference, which Streamlit keeps when it drops the row
            # around it from its queue: a browser that never had the row goes blank. No two are the same.
            st.html(pictures.sheet_html(preview, words, stamp=time.time_ns()))


def words_of(job: Job) -> str:
    """How far a live job is."""
    if job.state == "queued":
        ahead = runner().ahead_of(job)
        return "waiting for the device" + (f", {ahead} ahead" if ahead > 1 else "")
    parts = [STAGES.get(job.stage, job.stage.capitalize())]
    if job.total > 1:
        parts.append(f"{job.done:,} of {job.total:,}")
    left = job.seconds_left(time.time())
    if left is not None:
        parts.append(f"about {duration(left)} left in this stage")
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def failed_row(job: Job) -> str:
    """One red box: what went wrong, and what to do; returns "forget" or nothing."""
    words, button = st.columns([5, 1], vertical_alignment="center")
    words.error(blame(f"{job.title}: {upper(job.error)}", job.fix), icon=":material/error:")
    return "forget" if _dismiss(button, job) else ""


def done_row(job: Job, lead: Lead) -> str:
    """A finished job and the way to what it made; returns "show", "let go" or nothing."""
    words, way, dismiss = st.columns([4, 1, 1], vertical_alignment="center")
    words.success(f"**{plain(job.title)}** is done.", icon=":material/check:")
    if lead.elsewhere and job.options["model"] == st.session_state.get("model"):
        # A link is followed by the browser, while a switch from here meets the timer of this list. What
        # stands on this page, or in the sidebar, no link changes.
        way.page_link(lead.page, label=f"**{lead.label}**", query_params=lead.choices(job))
    elif way.button(lead.label, key=f"show-{job.id}", type="primary", width="stretch"):
        return "show"
    return "let go" if _dismiss(dismiss, job) else ""


def stopped_row(job: Job) -> str:
    """A job that stopped before its end; returns "continue", "forget" or nothing."""
    words, go_on, forget = st.columns([4, 1, 1], vertical_alignment="center")
    when = dt.datetime.fromtimestamp(job.created).strftime("%d %b, %H:%M")
    said = f"**{plain(job.title)}** of {when} {ENDED[job.state]}. What was computed is kept."
    if job.error:
        said += f" {upper(plain(job.error))}. {advice(job.fix)}"
    words.info(said, icon=":material/pause_circle:")
    if go_on.button("Continue", key=f"continue-{job.id}", width="stretch"):
        return "continue"
    return "forget" if _dismiss(forget, job) else ""


def _dismiss(place, job: Job) -> bool:
    told = "Takes it off this list. The run itself stays."
    return place.button("Dismiss", key=f"forget-{job.id}", help=told, width="stretch")
