"""Images per second of one process and of several, at equal threads a process.

Run: python -m benchmarks.scaling [--processes 1 2] [-n 256] [--steps 50] [--repeats 3]

Every figure is a harvest of the bundled model into a new run, started as a user would start
it: by accelerate launch where there is more than one process. Its seconds are those that the
run's manifest names: starting Python and loading the model is not in them, merging is. The
codes must be the same bytes at every number of processes. Repeats take turns. As many
processes as cores leave nothing for other work: measure on a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import machine
from gammaface.workspace import Run

LAUNCH = ("--multi_gpu", "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no")


def harvest(processes: int, out: Path, options: argparse.Namespace) -> tuple[float, bytes]:
    """Seconds of a harvest, and its codes."""
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "accelerate.commands.launch", *LAUNCH, "--num_processes", str(processes)]
        command += ["--main_process_port", "0"]
    command += ["-m", "gammaface", "harvest", "--model", options.model, "-n", str(options.n)]
    command += ["--t", "0", "--steps", str(options.steps), "--batch-size", str(options.batch_size)]
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    subprocess.run([*command, "--out", str(out)], env=environment, check=True, stdout=subprocess.DEVNULL)
    run = Run.open(out)
    return run.manifest.timings["harvest"], (out / "arrays" / "latents.npy").read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", default="faces")
    parser.add_argument("-n", type=int, default=256, help="images")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    seconds: dict[int, list[float]] = {count: [] for count in options.processes}
    codes = set()
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(options.repeats):
            for count in options.processes:
                taken, found = harvest(count, Path(folder) / f"run-{count}-{repeat}", options)
                seconds[count].append(taken)
                codes.add(found)
    print(machine())
    first = statistics.median(seconds[options.processes[0]])
    for count, taken in seconds.items():
        median = statistics.median(taken)
        rates = f"{options.n / max(taken):.2f} to {options.n / min(taken):.2f}"
        print(
            f"{count} process{'es' if count > 1 else ''} of {options.threads} thread:"
            f" {options.n / median:.2f} images/s ({rates}), {first / median:.2f}x"
        )
    print("the codes are the same bytes" if len(codes) == 1 else "THE CODES DIFFER")


if __name__ == "__main__":
    main()
