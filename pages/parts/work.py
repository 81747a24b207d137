"""Starting jobs from a page, and showing how far they are."""

from __future__ import annotations

import streamlit as st

from gammaface.jobs import Job

from . import job_rows
from .leads import LEADS_TO, is_shown
from .red_box import in_words
from .state import runner
from .words import plain

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
    with in_words():  # a fragment's error does not reach app.py
        _rows(shown)


def _rows(shown: set[str]) -> None:
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
        if job.state == "done" and is_shown(job):
            _let_go(job)
        else:
            _outcome(job)


def _live(jobs: list[Job]) -> list[Job]:
    """What runs or waits, oldest first; jobs of other servers on this workspace included."""
    return [job for job in reversed(jobs) if job.live]


def _outcome(job: Job) -> None:
    if job.state == "failed":
        _follow(job, job_rows.failed_row(job))
    elif job.state != "done":
        _follow(job, job_rows.stopped_row(job))
    else:
        _follow(job, job_rows.done_row(job, LEADS_TO[job.task]))


def _follow(job: Job, wish: str) -> None:
    """What was pressed beside a job that ended."""
    if wish == "continue":
        again(job)
    elif wish == "show":
        show(job)
    elif wish == "let go":
        _let_go(job)
        st.rerun()
    elif wish == "forget":
        runner().forget(job.id)
        _let_go(job)
        st.rerun()


def show(job: Job) -> None:
    """Make the choices that show a finished job's run, the model among them, and go there."""
    lead = LEADS_TO[job.task]
    # A switch empties the link, so what stands in the sidebar is chosen again.
    kept = {key: st.session_state[key] for key in ("model", "run") if st.session_state.get(key)}
    choices = lead.choices(job)
    st.session_state["show_next"] = kept | {"model": job.options["model"]} | choices
    _let_go(job)
    if lead.elsewhere:
        # Without this argument Streamlit refuses while a widget is bound to the link.
        st.switch_page(lead.page, query_params=choices)
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
        st.caption("Done lately: " + "; ".join(plain(f"{job.title} ({job.run})") for job in ended) + ".")


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
