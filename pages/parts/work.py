"""Starting jobs from a page, and showing how far they are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from gammaface.jobs import Job

from . import job_rows
from .state import runner

# A finished job of these tasks is announced: label of the button, page, and the choices to make.
LEADS_TO = {
    "audit": (
        "See the audit",
        "pages/audit/generator.py",
        lambda job: {"model": job.options["model"], "audit": job.run},
    ),
    "downstream": (
        "See the classifiers",
        "pages/audit/classifiers.py",
        lambda job: {"model": job.options["model"], "downstream": job.run},
    ),
    "study": ("Show it", None, lambda job: {"model": job.options["model"], "run": job.run}),
    "explore": (
        "See clusters",
        "pages/explore/clusters.py",
        lambda job: {"model": job.options["model"], "latents": job.run},
    ),
    "survey": (
        "See the survey",
        "pages/explore/timesteps.py",
        lambda job: {"model": job.options["model"], "survey": job.run},
    ),
}
SHOWN_ENDED = 6
LOOK_EVERY = 2.0  # seconds, of every open page


def start(task: str, options: dict, *, title: str, run: str | None = None) -> None:
    """Queue a job for this session and show it."""
    job = runner().submit(task, options, title=title, device=st.session_state["device"], run=run)
    st.session_state.setdefault("started", []).append(job.id)
    st.rerun()


def panel() -> None:
    """Running jobs with their progress, and what became of this session's own."""
    live = {job.id for job in _live(runner().jobs())}
    with st.container(key="jobs"):  # always there: a late update must not meet another element
        st.fragment(_panel, run_every=LOOK_EVERY if live else None)(live)


def _panel(shown: set[str]) -> None:
    jobs, started = runner().jobs(), st.session_state.get("started", [])
    live = _live(jobs)
    own = [job for job in jobs if job.id in started and not job.live]
    drawn = [job for job in own if job.state == "done" and job.task not in LEADS_TO]
    for job in drawn:  # pictures need no announcement: the page shows them
        st.session_state["started"].remove(job.id)
        if job.task in ("balanced", "label"):
            st.session_state["show_next"] = {"batch": job.run}
    if drawn or shown - {job.id for job in live}:
        st.rerun()
    for job in live:
        job_rows.progress_row(job)
    for job in own:
        _outcome(job)


def _live(jobs: list[Job]) -> list[Job]:
    """What runs or waits, oldest first; jobs of other servers on this workspace included."""
    return [job for job in reversed(jobs) if job.live]


def _outcome(job: Job) -> None:
    if job.state == "done":
        label, page, choices = LEADS_TO[job.task]
        if job_rows.done_row(job, label):
            show(choices(job), page, job)
    else:
        _follow(job, job_rows.failed_row(job) if job.state == "failed" else job_rows.stopped_row(job))


def _follow(job: Job, wish: str) -> None:
    """What was pressed beside a job that stopped."""
    if wish == "continue":
        again(job)
    elif wish == "forget":
        runner().forget(job.id)
        _let_go(job)
        st.rerun()


def show(choices: dict, page: str | None, job: Job | None = None) -> None:
    """Make choices in the sidebar or on a page, and go there."""
    # A switch empties the link, so what stands in the sidebar is chosen again.
    kept = {key: st.session_state[key] for key in ("model", "run") if st.session_state.get(key)}
    st.session_state["show_next"] = kept | choices
    if job is not None:
        _let_go(job)
    if page is not None and Path(page).stem != st.session_state.get("showing"):
        # Without this argument Streamlit refuses while a widget is bound to the link.
        st.switch_page(page, query_params={k: v for k, v in choices.items() if k not in kept})
    st.rerun()


def stopped(tasks: tuple[str, ...] | None = None) -> list[Job]:
    """Stopped jobs, of some tasks only if asked, that this session's panel does not show."""
    own = st.session_state.get("started", [])
    return [j for j in runner().stopped() if j.id not in own and (tasks is None or j.task in tasks)]


def stopped_jobs(tasks: tuple[str, ...] | None = None) -> None:
    """Jobs of any session, or of a server that ended, with a way to go on."""
    for job in stopped(tasks)[:SHOWN_ENDED]:
        _follow(job, job_rows.stopped_row(job))


def jobs_panel() -> None:
    """Every job of this workspace: what runs stands at the top of the page, the rest here."""
    jobs, halted = runner().jobs(), stopped()
    waiting, ended = _live(jobs), [job for job in jobs if job.state == "done"][:SHOWN_ENDED]
    if not (waiting or halted or ended):
        st.caption("No job has run yet. What you start on any page is listed here, for every session.")
        return
    if waiting:
        noun = "job is" if len(waiting) == 1 else "jobs are"
        st.markdown(f"{len(waiting)} {noun} under way, shown at the top of the page.")
    stopped_jobs()
    if ended:
        st.caption("Done lately: " + "; ".join(f"{job.title} ({job.run})" for job in ended) + ".")


def again(job: Job) -> None:
    """Continue a stopped job and follow the new one."""
    fresh = runner().resume(job)
    own = st.session_state.setdefault("started", [])
    if fresh.id not in own:
        own.append(fresh.id)
    _let_go(job)
    st.rerun()


def _let_go(job: Job) -> None:
    own = st.session_state.get("started", [])
    if job.id in own:
        own.remove(job.id)
