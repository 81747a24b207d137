"""Jobs on disk: what each one is, its preview, wishes to cancel it, and which servers live.

One folder holds, per job, ``<id>.json`` with its state, ``<id>.png`` with a picture of what is
under way, and ``<id>.cancel`` when another server's user wants it stopped; per server a lock
file that the system frees when the process ends, whichever way it ends.
"""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from gammaface.files import write_whole

LIVE = ("queued", "running")
STOPPED = ("cancelled", "failed", "interrupted")
STATES = (*LIVE, "done", *STOPPED)
KEPT = 100  # ended jobs whose states stay on disk


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
    stage_from: int = 0  # done when the stage began: a resumed run does not begin at 0
    finished: float = 0.0
    error: str = ""
    fix: str = ""

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def fraction(self) -> float:
        """Share of the stage that is done, in [0, 1]."""
        return self._so_far / self.total if self.total else 0.0

    @property
    def _so_far(self) -> float:
        return min(float(self.total), self.done + self.step * min(self.batch, self.total - self.done))

    def seconds_left(self, now: float) -> float | None:
        """Time left in this stage, once enough of it is done to tell."""
        worked = self._so_far - self.stage_from
        if self.state != "running" or not self.total or worked < 0.02 * self.total:
            return None
        return (now - self.stage_started) * (self.total - self._so_far) / worked


class JobFiles:
    """The folder of one workspace's jobs; any number of servers share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def write(self, job: Job) -> None:
        content = json.dumps(asdict(job), indent=1).encode()
        write_whole(self.folder / f"{job.id}.json", lambda f: f.write(content))

    def read(self) -> list[Job]:
        """Every job, newest first; unfinished ones of ended servers as interrupted."""
        found, lives = [], {}
        for file in self.folder.glob("*.json"):
            try:
                job = Job(**json.loads(file.read_text()))
            except (OSError, ValueError, TypeError):
                continue  # a damaged state file must not hide the others
            if job.live:
                if job.server not in lives:
                    lives[job.server] = self._lives(job.server)
                job = job if lives[job.server] else replace(job, state="interrupted")
            found.append(job)
        return sorted(found, key=lambda job: (job.created, job.id), reverse=True)

    def forget(self, job_id: str) -> None:
        """Drop what is known of a job; its run stays."""
        for file in self.folder.glob(f"{job_id}.*"):
            file.unlink(missing_ok=True)

    def forget_old(self) -> list[str]:
        """Drop all but the newest ended jobs; returns the ids of those dropped."""
        old = [job.id for job in self.read() if not job.live][KEPT:]
        for job_id in old:
            self.forget(job_id)
        return old

    # -- between servers --------------------------------------------------------------

    def ask_to_cancel(self, job_id: str) -> None:
        write_whole(self._wish(job_id), lambda f: None)

    def cancel_asked(self, job_id: str) -> bool:
        return self._wish(job_id).exists()

    def drop_wish(self, job_id: str) -> None:
        self._wish(job_id).unlink(missing_ok=True)

    def _wish(self, job_id: str) -> Path:
        return self.folder / f"{job_id}.cancel"

    def announce(self, server: str) -> IO[bytes]:
        """Hold the returned file open for as long as the server lives."""
        file = self.folder / f"{server}.lock"
        write_whole(file, lambda f: None)
        held = open(file, "rb")  # noqa: SIM115 - held until the process ends
        fcntl.flock(held, fcntl.LOCK_EX)
        return held

    def _lives(self, server: str) -> bool:
        try:
            with open(self.folder / f"{server}.lock", "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    # -- a look at what is under way --------------------------------------------------

    def show(self, job_id: str, png: bytes) -> None:
        write_whole(self._preview(job_id), lambda f: f.write(png))

    def preview(self, job_id: str) -> bytes | None:
        """A PNG of the batch under way, if there is one."""
        try:
            return self._preview(job_id).read_bytes()
        except OSError:
            return None

    def drop_preview(self, job_id: str) -> None:
        self._preview(job_id).unlink(missing_ok=True)

    def _preview(self, job_id: str) -> Path:
        return self.folder / f"{job_id}.png"
