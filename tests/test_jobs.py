"""The runner: order, progress, cancelling, failures, and what a new server finds on disk."""

import threading
import time
from types import SimpleNamespace

import pytest

from gammaface.errors import GammaFaceError
from gammaface.jobs import Cancelled, Job, Runner

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
    (runner.folder / "99999999-broken.json").write_text('{"id": ')
    assert [j.id for j in runner.jobs()] == [job.id]
