"""Long work beside the pages: one worker thread per device, on disk at every change.

A job's state is a JSON file, so a page that is loaded anew, another page or another server
shows the same. A job whose server has ended reads as interrupted; it can be continued, since
every task writes a run that resumes.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.job_files import LIVE, STATES, STOPPED, Job, JobFiles

__all__ = ["LIVE", "STATES", "STOPPED", "Cancelled", "Job", "Reporter", "Runner", "Task"]

WRITE_EVERY = 0.5  # seconds between two writes of a running job's progress
LOOK_EVERY = 2.0  # seconds between two previews, which cost a decode each
log = logging.getLogger(__name__)


class Cancelled(KeyboardInterrupt):
    """Ctrl-C for one job: a run that it stops is kept as cancelled, not as failed."""


class Reporter:
    """What a task is given: tell progress, show what is under way, and stop when asked to.

    Parameters
    ----------
    update : callable
        ``update(**changes)`` of the job's fields.
    cancelled : callable
        Whether the job is to stop.
    show : callable
        ``show(png)``, a picture of what is under way.
    """

    def __init__(
        self,
        update: Callable[..., None],
        cancelled: Callable[[], bool],
        show: Callable[[bytes], None] = lambda png: None,
    ) -> None:
        self._update, self._cancelled, self._show = update, cancelled, show
        self._stage, self._look, self._looked = "", None, 0.0

    def check(self) -> None:
        if self._cancelled():
            raise Cancelled

    def watch(self, look: Callable[[object], bytes]) -> None:
        """From now on ``look(State)`` makes a PNG of the batch under way every few seconds."""
        self._look = look

    def stage(self, stage: str, done: int = 0, total: int = 0) -> None:
        """report(stage, done, total), as a study calls it."""
        self.check()
        changes = {"done": int(done), "total": int(total), "step": 0.0}
        if stage != self._stage:
            self._stage = stage
            changes |= {"stage": stage, "stage_started": time.time(), "stage_from": int(done)}
        self._update(**changes)

    def at_step(self, state) -> None:
        """callback(State), called by a sampler at every denoising step."""
        self.check()
        self._update(step=state.i / state.steps, batch=len(state.x))
        now = time.monotonic()
        if self._look is not None and now - self._looked > LOOK_EVERY:
            self._looked = now
            self._show(self._look(state))


Task = Callable[[dict, str, Path, Reporter], None]
"""task(options, device, out, reporter) writes the run folder `out`."""


class Runner:
    """Queues jobs, one worker thread per device.

    Parameters
    ----------
    home : Path
        Folder of the runs; states lie in ``home/jobs``.
    tasks : dict of str to Task
        What can be started, by name.
    """

    def __init__(self, home: Path, tasks: dict[str, Task]) -> None:
        self.home, self.tasks = Path(home), tasks
        self.files = JobFiles(self.home / "jobs")
        self.server = uuid.uuid4().hex[:12]
        self._lock = threading.RLock()
        self._queues: dict[str, queue.Queue[str]] = {}
        self._jobs: dict[str, Job] = {}
        self._events: dict[str, threading.Event] = {}
        self._written: dict[str, float] = {}
        self._alive = None  # the lock that tells other servers that this one lives

    def submit(
        self, task: str, options: dict, *, title: str, device: str = "cpu", run: str | None = None
    ) -> Job:
        """Queue a task; `run` continues that run, otherwise a new one is named.

        Raises
        ------
        GammaFaceError
            Unknown task, or a home folder that cannot be written.
        """
        if task not in self.tasks:
            raise GammaFaceError(f"there is no task '{task}'", fix=f"Choose from {', '.join(self.tasks)}.")
        with self._lock:
            if self._alive is None:
                self._alive = self.files.announce(self.server)
            for old in self.files.forget_old():
                self._drop(old)
            job = Job(
                id=f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}",
                task=task,
                title=title,
                options=options,
                device=device,
                run=run or self._fresh_name(task),
                server=self.server,
                created=time.time(),
            )
            self.files.write(job)  # one that cannot be written is not queued
            self._events[job.id], self._jobs[job.id] = threading.Event(), job
            if device not in self._queues:
                self._queues[device] = queue.Queue()
                worker = threading.Thread(target=self._work, args=(self._queues[device],), daemon=True)
                worker.start()
            self._queues[device].put(job.id)
        return job

    def resume(self, job: Job) -> Job:
        """Queue a stopped job again; its run continues where it stopped.

        Where someone else continued it already, that job is returned.
        """
        with self._lock:
            going = [j for j in self.jobs() if j.live and j.run == job.run and j.options == job.options]
            if going:
                return going[0]
            return self.submit(job.task, job.options, title=job.title, device=job.device, run=job.run)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop, whichever server runs it; it does at its next denoising step."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                self.files.ask_to_cancel(job_id)
                return
            self._events[job_id].set()
            if job.state == "queued":
                self._keep(replace(job, state="cancelled", finished=time.time()))

    def forget(self, job_id: str) -> None:
        """Take an ended job off the list, and earlier ones of its run; the run itself stays."""
        with self._lock:
            run = next((job.run for job in self.jobs() if job.id == job_id), None)
            for job in [job for job in self.jobs() if job.run == run and not job.live]:
                self._drop(job.id)
                self.files.forget(job.id)

    def live(self) -> list[Job]:
        """Queued and running jobs of this server, oldest first."""
        with self._lock:
            return [job for job in self._jobs.values() if job.live]

    def jobs(self) -> list[Job]:
        """Every job on disk, newest first; unfinished ones of ended servers as interrupted."""
        return [self._jobs.get(job.id, job) for job in self.files.read()]

    def stopped(self) -> list[Job]:
        """Jobs that did not finish and that nobody continued, newest first."""
        newest: dict[str, Job] = {}
        for job in self.jobs():
            newest.setdefault(job.run, job)
        return [job for job in newest.values() if job.state in STOPPED]

    def ahead_of(self, job: Job) -> int:
        """How many jobs the device does before this one."""
        mine = [j.id for j in self.live() if j.device == job.device]
        return mine.index(job.id) if job.id in mine else 0

    # -- the worker's side ----------------------------------------------------------

    def _work(self, waiting: queue.Queue[str]) -> None:
        while True:
            job_id = waiting.get()
            with self._lock:
                if job_id not in self._jobs or self._jobs[job_id].state != "queued":
                    continue
                with self._going_on(job_id):
                    self._update(job_id, state="running", stage="starting", stage_started=time.time())
                job = self._jobs[job_id]
            self._run(job)

    def _run(self, job: Job) -> None:
        reporter = Reporter(
            lambda **changes: self._update(job.id, **changes),
            self._events[job.id].is_set,
            lambda png: self.files.show(job.id, png),
        )
        try:
            reporter.check()
            self.tasks[job.task](job.options, job.device, self.home / job.run, reporter)
            outcome = {"state": "done"}
        except Cancelled:
            outcome = {"state": "cancelled"}
        except GammaFaceError as error:
            outcome = {"state": "failed", "error": error.what, "fix": error.fix}
        except Exception as error:  # the worker must outlive any task
            log.exception("job %s failed", job.id)
            outcome = {
                "state": "failed",
                "error": f"an unexpected {type(error).__name__} stopped the work",
                "fix": "The server's log tells more.",
            }
        with self._going_on(job.id):
            self._update(job.id, **outcome, finished=time.time())
            self.files.drop_preview(job.id)
            self.files.drop_wish(job.id)

    @contextmanager
    def _going_on(self, job_id: str) -> Iterator[None]:
        """A full disk must not end the worker: the state is kept in memory, and the queue goes on."""
        try:
            yield
        except (GammaFaceError, OSError):
            log.exception("the state of job %s could not be written", job_id)

    def _update(self, job_id: str, **changes) -> None:
        with self._lock:
            job = replace(self._jobs[job_id], **changes)
            due = time.monotonic() - self._written.get(job_id, 0.0) > WRITE_EVERY
            if "state" not in changes and not due:
                self._jobs[job_id] = job
                return
            self._keep(job)
            if self.files.cancel_asked(job_id):  # by a user of another server
                self._events[job_id].set()

    def _keep(self, job: Job) -> None:
        try:
            self.files.write(job)
        finally:  # a full disk must not lose what is known; what is known here is known on disk first
            self._jobs[job.id], self._written[job.id] = job, time.monotonic()

    def _drop(self, job_id: str) -> None:
        for known in (self._jobs, self._events, self._written):
            known.pop(job_id, None)

    def _fresh_name(self, task: str) -> str:
        name = f"{task}-{time.strftime('%Y-%m-%d-%H%M%S')}"
        taken = {job.run for job in self._jobs.values()}
        while name in taken or (self.home / name).exists():
            name += "b"
        return name
