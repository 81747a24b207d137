"""Workers as a user starts them: `accelerate launch -m gammaface ...` on the CPU, through gloo."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from gammaface.workspace import Run
from tests.launched import free_port
from tests.test_cli import call

ROOT = Path(__file__).resolve().parents[2]


def accelerate(count: int, *arguments, wait: bool = True):
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", count]
    command += ["--main_process_port", free_port(), "--mixed_precision", "no", "--dynamo_backend", "no"]
    command += ["--num_machines", 1, "-m", "gammaface", *arguments]
    started = subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if not wait:
        return started
    out, error = started.communicate(timeout=500)
    return started.returncode, out, error


def harvest(tiny_folder, out, *more):
    return ["harvest", "--model", tiny_folder, "-n", 40, "--steps", 3, "--batch-size", 8, "--out", out, *more]


def latents(run: Path) -> bytes:
    return (run / "arrays" / "latents.npy").read_bytes()


@pytest.fixture(scope="module")
def alone(tiny_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone") / "run"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    call(*harvest(tiny_folder, out))
    torch.set_num_threads(threads)
    return out


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_accelerate_launch_gives_the_bytes_of_one_process(tiny_folder, alone, tmp_path, count):
    code, out, error = accelerate(count, *harvest(tiny_folder, tmp_path / "run"))
    assert code == 0, error
    assert out.splitlines() == [str(tmp_path / "run")], "only the main worker prints"
    assert latents(tmp_path / "run") == latents(alone)


@pytest.mark.slow
def test_a_killed_worker_stops_the_launch_and_a_restart_goes_on(tiny_folder, alone, tmp_path):
    out = tmp_path / "run"
    many = harvest(tiny_folder, out, "--steps", 60, "-n", 400)
    job = accelerate(4, *many, wait=False)
    deadline = time.monotonic() + 300
    while not (out / "manifest.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2)  # into the work: its blocks are written less often than it lasts
    workers = [pid for pid in children(job.pid) if pid != job.pid]
    os.kill(workers[-1], signal.SIGKILL)
    _, error = job.communicate(timeout=300)
    assert job.returncode != 0
    said = [line for line in error.splitlines() if line.startswith("gammaface: ")]
    assert said and all("same command continues" in line or "is kept" in line for line in said)
    assert Run.open(out).manifest.state in ("cancelled", "failed")
    code, _, error = accelerate(2, *many)
    assert code == 0, error
    assert Run.open(out).manifest.state == "done" and not (out / "arrays" / "blocks").exists()
    assert len(Run.open(out).array("latents")) == 400


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


@pytest.mark.slow
def test_the_chain_by_two_workers(tiny_folder, tmp_path):
    for arguments in (
        harvest(tiny_folder, tmp_path / "z"),
        ["sweep", tmp_path / "z", "--k", "1..3"],
        ["fit", tmp_path / "z", "--k", 2],
        ["sample", "--model", tiny_folder, "-n", 6, "--steps", 3, "--harvest", tmp_path / "z", "--out"]
        + [tmp_path / "even"],
    ):
        code, _, error = accelerate(2, *arguments)
        assert code == 0, error
    assert len(Run.open(tmp_path / "z").table("sweep")) == 3
    assert Run.open(tmp_path / "even").table("images")["component"].tolist() == [0, 1, 0, 1, 0, 1]
    call(
        "sample",
        "--model",
        tiny_folder,
        "-n",
        6,
        "--steps",
        3,
        "--harvest",
        tmp_path / "z",
        "--out",
        tmp_path / "b",
    )
    assert Run.open(tmp_path / "b").table("images").equals(Run.open(tmp_path / "even").table("images"))


@pytest.mark.slow
def test_what_workers_cannot_share_is_refused_in_one_line(tmp_path):
    code, _, error = accelerate(2, "demo", "--out", tmp_path / "demo")
    said = [line for line in error.splitlines() if line.startswith("gammaface: ")]
    assert code != 0 and len(said) == 1 and "'demo' is the work of one process, not of 2" in said[0]
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
def test_training_by_two_workers(tmp_path):
    from tests.datasets.test_datasets import jpeg

    for i in range(8):
        (tmp_path / f"{i}.png").write_bytes(jpeg(colour=(20 * i, 90, 200)))
    common = ["--data", tmp_path, "--images", 16, "--batch-size", 4]
    code, out, error = accelerate(2, "train", "autoencoder", *common, "--out", tmp_path / "ae")
    assert code == 0, error
    assert out.splitlines()[-1] == str(tmp_path / "ae" / "autoencoder")
    (checkpoint,) = (tmp_path / "ae").glob("checkpoint-*")
    progress = json.loads((checkpoint / "progress.json").read_text())["progress"]
    assert progress["seen"] == 16 and progress["step"] == 2, "both workers count"
