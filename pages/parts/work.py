"""Starting jobs from a page, and showing how far they are."""

from __future__ import annotations

import time

import streamlit as st

from gammaface.jobs import Job

from .state import Study, runner, short

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
    "people": "Drawing and labelling people",
    "label": "Labelling pictures",
}
STATES = {
    "queued": "waiting",
    "done": "done",
    "cancelled": "cancelled",
    "failed": "failed",
    "interrupted": "interrupted",
    "running": "running",
}
STUDY = {"n": 2000, "images": 24, "steps": 50}
REPEATED = (
    *("model", "n", "t", "space", "pca", "k", "k_max", "injection", "images", "steps", "seed"),
    *("labelled", "classifier"),
)


def start(task: str, options: dict, *, title: str, run: str | None = None) -> None:
    """Queue a job for this session and show it."""
    job = runner().submit(task, options, title=title, device=st.session_state["device"], run=run)
    st.session_state.setdefault("started", []).append(job.id)
    st.rerun()


def compute_again(study: Study) -> None:
    """A button that recomputes a study into a new run."""
    pressed = st.button(
        "Compute again",
        icon=":material/refresh:",
        help="Recomputes this study, latents and all, into a new run. The shown one stays.",
    )
    if pressed:
        options = {key: study.config[key] for key in REPEATED if key in study.config}
        start("study", options, title=f"Study of {short(study.model)}")


def compute_first(model: str) -> None:
    """A button that makes the first study of a model."""
    if st.button("Compute the first study", type="primary", icon=":material/play_arrow:"):
        start("study", STUDY | {"model": model}, title=f"Study of {short(model)}")


def panel() -> None:
    """Running jobs with their progress, and what became of this session's own."""
    live = {job.id for job in runner().live()}
    if live or st.session_state.get("started"):
        st.fragment(_panel, run_every=1.0 if live else None)(live)


def _panel(shown: set[str]) -> None:
    live = runner().live()
    own = [job for job in runner().jobs() if job.id in st.session_state.get("started", []) and not job.live]
    drawn = [job for job in own if job.state == "done" and job.task != "study"]
    for job in drawn:  # pictures need no announcement: the page shows them
        st.session_state["started"].remove(job.id)
        if job.task in ("balanced", "label"):
            st.session_state["show_next"] = {"batch": job.run}
    if drawn or shown - {job.id for job in live}:
        st.rerun()
    for job in live:
        _progress(job)
    for job in own:
        _outcome(job)


def _progress(job: Job) -> None:
    with st.container(border=True, key=f"job-{job.id}"):
        words, button = st.columns([5, 1], vertical_alignment="center")
        with words:
            st.progress(job.fraction, text=f"**{job.title}** · {_words(job)}")
        with button:
            if st.button("Cancel", key=f"cancel-{job.id}", width="stretch"):
                runner().cancel(job.id)
                st.rerun()


def _words(job: Job) -> str:
    if job.state == "queued":
        return "waiting for the device"
    parts = [STAGES.get(job.stage, job.stage)]
    if job.total > 1:
        parts.append(f"{job.done:,} of {job.total:,}")
    left = job.seconds_left(time.time())
    if left is not None:
        parts.append(f"about {_duration(left)} left in this stage")
    return " · ".join(parts)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _outcome(job: Job) -> None:
    if job.state == "failed":
        st.error(f"**{job.title}: {job.error}.** {job.fix}", icon=":material/error:")
    elif job.state == "done":
        words, button = st.columns([5, 1], vertical_alignment="center")
        words.success(f"**{job.title}** is done.", icon=":material/check:")
        if button.button("Show it", key=f"show-{job.id}", type="primary", width="stretch"):
            st.session_state["show_next"] = {"model": job.options["model"], "run": job.run}
            _forget(job)
    else:
        words, button = st.columns([5, 1], vertical_alignment="center")
        words.info(f"**{job.title}** was {STATES[job.state]}. What was computed is kept.")
        if button.button("Continue", key=f"resume-{job.id}", width="stretch"):
            again(job)


def again(job: Job) -> None:
    """Continue a stopped job and follow the new one."""
    fresh = runner().resume(job)
    own = st.session_state.setdefault("started", [])
    own.append(fresh.id)
    _forget(job)


def _forget(job: Job) -> None:
    own = st.session_state.get("started", [])
    if job.id in own:
        own.remove(job.id)
    st.rerun()
