"""Long work beside the pages: one worker thread per device, on disk at every change.

A job's state is a JSON file, so a page that is loaded anew, or another page, shows the same.
A job whose server has ended reads as interrupted; it can be continued, since every task
writes a run that resumes.
"""

from __future__ import annotations

import fcntl
import json
import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.files import write_whole

LIVE = ("queued", "running")
STATES = (*LIVE, "done", "cancelled", "failed", "interrupted")
WRITE_EVERY = 0.5  # seconds between two writes of a running job's progress
log = logging.getLogger(__name__)


class Cancelled(KeyboardInterrupt):
    """Ctrl-C for one job: a run that it stops is kept as cancelled, not as failed."""


@dataclass(frozen=True)
class Job:
    """One piece of work and how far it came."""

    id: str
    task: str
    title: str
    options: dict
    device: str
    run: str  # name of the run folder it writes
    server: str
    state: str = "queued"
    stage: str = ""
    done: int = 0
    total: int = 0
    step: float = 0.0  # of the batch under way, 0 to 1
    batch: int = 0
    created: float = 0.0
    stage_started: float = 0.0
    finished: float = 0.0
    error: str = ""
    fix: str = ""

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def fraction(self) -> float:
        """Share of the stage that is done, in [0, 1]."""
        if not self.total:
            return 0.0
        under_way = self.step * min(self.batch, self.total - self.done)
        return min(1.0, (self.done + under_way) / self.total)

    def seconds_left(self, now: float) -> float | None:
        """Time left in this stage, once enough of it is done to tell."""
        if self.state != "running" or self.fraction < 0.02:
            return None
        return (now - self.stage_started) * (1 / self.fraction - 1)


class Reporter:
    """What a task is given: tell progress, and stop when asked to."""

    def __init__(self, update: Callable[..., None], cancelled: threading.Event) -> None:
        self._update, self._cancelled, self._stage = update, cancelled, ""

    def check(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled

    def stage(self, stage: str, done: int = 0, total: int = 0) -> None:
        """report(stage, done, total), as a study calls it."""
        self.check()
        changes = {"done": int(done), "total": int(total), "step": 0.0}
        if stage != self._stage:
            self._stage = stage
            changes |= {"stage": stage, "stage_started": time.time()}
        self._update(**changes)

    def at_step(self, state) -> None:
        """callback(State), called by a sampler at every denoising step."""
        self.check()
        self._update(step=state.i / state.steps, batch=len(state.x))


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
        self.home, self.folder, self.tasks = Path(home), Path(home) / "jobs", tasks
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
            self._announce()
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
            self._events[job.id] = threading.Event()
            self._keep(job)
            if device not in self._queues:
                self._queues[device] = queue.Queue()
                worker = threading.Thread(target=self._work, args=(self._queues[device],), daemon=True)
                worker.start()
            self._queues[device].put(job.id)
        return job

    def resume(self, job: Job) -> Job:
        """Queue a stopped job again; its run continues where it stopped."""
        return self.submit(job.task, job.options, title=job.title, device=job.device, run=job.run)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; a running one does at its next denoising step."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return
            self._events[job_id].set()
            if job.state == "queued":
                self._keep(replace(job, state="cancelled", finished=time.time()))

    def live(self) -> list[Job]:
        """Queued and running jobs of this server, oldest first."""
        with self._lock:
            return [job for job in self._jobs.values() if job.live]

    def jobs(self) -> list[Job]:
        """Every job on disk, newest first; unfinished ones of ended servers as interrupted."""
        found = []
        for file in sorted(self.folder.glob("*.json"), reverse=True):
            try:
                job = Job(**json.loads(file.read_text()))
            except (OSError, ValueError, TypeError):
                continue  # a damaged state file must not hide the others
            job = self._jobs.get(job.id, job)
            if job.live and job.server != self.server and not self._lives(job.server):
                job = replace(job, state="interrupted")
            found.append(job)
        return found

    # -- the worker's side ----------------------------------------------------------

    def _work(self, waiting: queue.Queue[str]) -> None:
        while True:
            job_id = waiting.get()
            with self._lock:
                if self._jobs[job_id].state != "queued":
                    continue
                self._update(job_id, state="running", stage="starting", stage_started=time.time())
            self._run(self._jobs[job_id])

    def _run(self, job: Job) -> None:
        reporter = Reporter(lambda **changes: self._update(job.id, **changes), self._events[job.id])
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
        try:
            self._update(job.id, **outcome, finished=time.time())
        except GammaFaceError:  # a full disk: the state is kept in memory, the worker lives on
            log.exception("the state of job %s could not be written", job.id)

    def _update(self, job_id: str, **changes) -> None:
        with self._lock:
            job = replace(self._jobs[job_id], **changes)
            due = time.monotonic() - self._written.get(job_id, 0.0) > WRITE_EVERY
            if "state" in changes or due:
                self._keep(job)
            else:
                self._jobs[job_id] = job

    def _keep(self, job: Job) -> None:
        content = json.dumps(asdict(job), indent=1).encode()
        self._jobs[job.id], self._written[job.id] = job, time.monotonic()
        write_whole(self.folder / f"{job.id}.json", lambda f: f.write(content))

    # -- names and servers ----------------------------------------------------------

    def _fresh_name(self, task: str) -> str:
        name = f"{task}-{time.strftime('%Y-%m-%d-%H%M%S')}"
        taken = {job.run for job in self._jobs.values()}
        while name in taken or (self.home / name).exists():
            name += "b"
        return name

    def _announce(self) -> None:
        """Hold a lock for as long as this process lives; the system frees it in any case."""
        if self._alive is None:
            file = self.folder / f"{self.server}.lock"
            write_whole(file, lambda f: None)
            self._alive = open(file, "rb")  # noqa: SIM115 - held until the process ends
            fcntl.flock(self._alive, fcntl.LOCK_EX)

    def _lives(self, server: str) -> bool:
        try:
            with open(self.folder / f"{server}.lock", "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False
