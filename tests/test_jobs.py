"""The runner: order, progress, cancelling, failures, and what a new server finds on disk."""

import threading
import time
from types import SimpleNamespace

import pytest

from gammaface import job_files, jobs
from gammaface.errors import GammaFaceError
from gammaface.jobs import Cancelled, Job, Reporter, Runner

STEP = SimpleNamespace(i=1, steps=4, x=[0, 0])


def wait_for(condition, seconds: float = 20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def state(runner: Runner, job: Job) -> str:
    return next(j.state for j in runner.jobs() if j.id == job.id)


def finish(runner: Runner, job: Job) -> Job:
    wait_for(lambda: state(runner, job) not in ("queued", "running"))
    return next(j for j in runner.jobs() if j.id == job.id)


class Steps:
    """A task that denoises until it is told to stop."""

    def __init__(self):
        self.go, self.ran = threading.Event(), []

    def __call__(self, options, device, out, reporter):
        self.ran.append((options["name"], device, out.name))
        reporter.stage("draw", 0, 8)
        while not self.go.wait(0.01):
            reporter.at_step(STEP)


def broken(options, device, out, reporter):
    raise GammaFaceError("K=9 components for 3 latents", fix="Give K <= 3.")


def buggy(options, device, out, reporter):
    raise ZeroDivisionError


@pytest.fixture
def steps():
    return Steps()


@pytest.fixture
def runner(tmp_path, steps):
    return Runner(tmp_path, {"steps": steps, "broken": broken, "buggy": buggy})


def submit(runner: Runner, name: str = "a", **options) -> Job:
    return runner.submit("steps", {"name": name}, title=name, **options)


def test_jobs_of_one_device_run_in_turn_and_leave_their_state_on_disk(runner, steps):
    first, second = submit(runner, "a"), submit(runner, "b")
    wait_for(lambda: state(runner, first) == "running")
    assert state(runner, second) == "queued"
    steps.go.set()
    assert finish(runner, second).state == finish(runner, first).state == "done"
    assert [name for name, _, _ in steps.ran] == ["a", "b"]
    assert first.run != second.run
    assert Runner(runner.home, {}).jobs()[0].state == "done"


def test_devices_do_not_wait_for_each_other(runner, steps):
    first, second = submit(runner, device="cpu"), submit(runner, device="cuda:0")
    wait_for(lambda: state(runner, first) == state(runner, second) == "running")
    steps.go.set()
    finish(runner, first), finish(runner, second)


def test_progress_counts_the_steps_of_the_batch_under_way(runner, steps):
    job = submit(runner)
    wait_for(lambda: runner.live()[0].batch == 2)
    running = runner.live()[0]
    assert running.fraction == pytest.approx(0.25 * 2 / 8)
    assert running.seconds_left(running.stage_started + 1) == pytest.approx(15)
    steps.go.set()
    finish(runner, job)


def test_cancel_stops_a_running_job_at_its_next_step_and_a_queued_one_at_once(runner, steps):
    running, waiting = submit(runner), submit(runner)
    wait_for(lambda: state(runner, running) == "running")
    runner.cancel(waiting.id)
    assert state(runner, waiting) == "cancelled"
    runner.cancel(running.id)
    assert finish(runner, running).state == "cancelled"
    wait_for(lambda: not runner.live())
    assert len(steps.ran) == 1


def test_a_cancelled_run_counts_as_interrupted_by_its_user(tmp_path):
    assert issubclass(Cancelled, KeyboardInterrupt)  # workspace.writing keeps such a run


def test_failures_are_words_and_the_worker_lives_on(runner, steps):
    failed = finish(runner, runner.submit("broken", {}, title="t"))
    assert (failed.state, failed.error, failed.fix) == (
        "failed",
        "K=9 components for 3 latents",
        "Give K <= 3.",
    )
    assert "ZeroDivisionError" in finish(runner, runner.submit("buggy", {}, title="t")).error
    steps.go.set()
    assert finish(runner, submit(runner)).state == "done"


class FullDisk:
    """Refuses to write a job's state as often as it is told to."""

    def __init__(self, monkeypatch, runner, state: str, times: int):
        self.write, self.state, self.left = runner.files.write, state, times
        monkeypatch.setattr(runner.files, "write", self)

    def __call__(self, job):
        if job.state == self.state and self.left:
            self.left -= 1
            raise GammaFaceError("the file cannot be written: no space", fix="Free disk space.")
        self.write(job)


def test_a_state_that_cannot_be_written_does_not_end_the_worker(runner, steps, monkeypatch):
    steps.go.set()
    disk = FullDisk(monkeypatch, runner, "running", 1)
    first, second = submit(runner, "a"), submit(runner, "b")
    assert finish(runner, second).state == finish(runner, first).state == "done"
    assert disk.left == 0 and [name for name, _, _ in steps.ran] == ["a", "b"]


def test_a_job_that_cannot_be_written_is_not_queued(runner, steps, monkeypatch):
    steps.go.set()
    FullDisk(monkeypatch, runner, "queued", 1)
    with pytest.raises(GammaFaceError, match="cannot be written"):
        submit(runner, "a")
    assert runner.live() == [] and runner.jobs() == []
    second = submit(runner, "b")
    assert finish(runner, second).state == "done" and [name for name, _, _ in steps.ran] == ["b"]


def test_unknown_task_is_refused(runner):
    with pytest.raises(GammaFaceError, match="no task 'dance'"):
        runner.submit("dance", {}, title="t")


def test_another_server_sees_a_live_job_as_running_and_a_dead_ones_as_interrupted(runner, steps):
    job = submit(runner)
    wait_for(lambda: state(runner, job) == "running")
    other = Runner(runner.home, {"steps": steps})
    assert state(other, job) == "running"
    runner._alive.close()  # what the system does when the process ends
    assert state(other, job) == "interrupted"
    steps.go.set()
    again = other.resume(other.jobs()[0])
    assert finish(other, again).run == job.run


def test_a_damaged_state_file_hides_no_other(runner, steps):
    steps.go.set()
    job = finish(runner, submit(runner))
    (runner.files.folder / "99999999-broken.json").write_text('{"id": ')
    assert [j.id for j in runner.jobs()] == [job.id]


def test_time_left_counts_from_where_a_resumed_run_began():
    job = Job("1", "t", "t", {}, "cpu", "r", "s", state="running", total=100, done=60, stage_from=50)
    assert job.seconds_left(job.stage_started + 10) == pytest.approx(40)
    assert Job("1", "t", "t", {}, "cpu", "r", "s", state="running", total=100).seconds_left(9) is None


def test_a_waiting_job_knows_how_many_are_ahead(runner, steps):
    first, second, third = submit(runner), submit(runner), submit(runner)
    other = submit(runner, device="cuda:0")
    assert [runner.ahead_of(job) for job in (first, second, third, other)] == [0, 1, 2, 0]
    runner.cancel(second.id)
    assert runner.ahead_of(third) == 1
    steps.go.set()
    assert finish(runner, third).state == "done"
    assert runner.ahead_of(third) == 0


def test_any_session_continues_a_cancelled_job_and_only_one_does(runner, steps):
    job = submit(runner)
    wait_for(lambda: state(runner, job) == "running")
    runner.cancel(job.id)
    finish(runner, job)
    assert [j.id for j in runner.stopped()] == [job.id]
    again, twice = runner.resume(job), runner.resume(job)
    assert again == twice and again.run == job.run
    assert runner.stopped() == []
    steps.go.set()
    finish(runner, again)
    assert runner.stopped() == []


def test_a_forgotten_job_is_off_the_list_and_a_live_one_stays(runner, steps):
    ended, live = runner.submit("broken", {}, title="t"), submit(runner)
    finish(runner, ended)
    runner.forget(ended.id)
    runner.forget(live.id)
    assert [j.id for j in runner.jobs()] == [live.id]
    steps.go.set()
    finish(runner, live)


def test_another_server_cancels_a_job_by_its_id(runner, steps):
    job = submit(runner)
    wait_for(lambda: state(runner, job) == "running")
    Runner(runner.home, {}).cancel(job.id)
    assert finish(runner, job).state == "cancelled"
    wait_for(lambda: not list(runner.files.folder.glob("*.cancel")))


def test_a_preview_is_taken_now_and_then_and_gone_at_the_end(runner, steps, monkeypatch):
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0.0)

    def look_at(options, device, out, reporter):
        reporter.watch(lambda state: f"step {state.i}".encode())
        steps(options, device, out, reporter)

    runner.tasks["look"] = look_at
    job = runner.submit("look", {"name": "a"}, title="t")
    wait_for(lambda: runner.files.preview(job.id) == b"step 1")
    steps.go.set()
    finish(runner, job)
    wait_for(lambda: runner.files.preview(job.id) is None)


def test_previews_cost_nothing_between_two_looks():
    shown = []
    reporter = Reporter(lambda **changes: None, lambda: False, shown.append)
    reporter.watch(lambda state: b"png")
    for _ in range(5):
        reporter.at_step(STEP)
    assert shown == [b"png"]


def test_old_jobs_are_forgotten_when_another_is_started(runner, steps, monkeypatch):
    monkeypatch.setattr(job_files, "KEPT", 1)
    steps.go.set()
    for _ in range(4):
        finish(runner, submit(runner))
    assert len(runner.jobs()) == 2
    later = Runner(runner.home, runner.tasks)
    finish(later, submit(later))
    assert len(later.jobs()) == 2
