"""The whole chain: how much of its time the networks take, and whether memory grows with n.

Run: python -m benchmarks.chain [-n 10000] [--images 1000] [--threads 2]

One study, as `python -m gammaface demo` computes it: harvest, sweep, fit, map, exemplars,
plain and balanced images, labels of them and of the first harvested seeds, and the audit's
figures. Network time is what the denoiser, the decoder and the classifier take inside their
own calls; everything else is ours. The study runs twice, each in a process of its own, with a
quarter of n and with n: peak memory should hardly differ.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch

SHARE_GOAL, FLAT_GOAL = 0.8, 1.2  # of the wall time; of the peak memory at a quarter of n


class Clock:
    """Seconds inside the calls that it watches; calls inside calls count once."""

    def __init__(self, synchronise: Callable[[], None]) -> None:
        self.seconds, self._inside, self._synchronise = 0.0, False, synchronise

    def watch(self, owner: type, name: str) -> None:
        """Time every call of a class's method."""
        method = getattr(owner, name)

        def timed(*arguments, **options):
            if self._inside:
                return method(*arguments, **options)
            self._inside, started = True, time.perf_counter()
            try:
                return method(*arguments, **options)
            finally:
                self._synchronise()
                self._inside = False
                self.seconds += time.perf_counter() - started

        setattr(owner, name, timed)


def measure(n: int, images: int, model: str, threads: int) -> dict:
    """One study; wall and network seconds by stage, and the peak memory in bytes."""
    torch.set_num_threads(threads)
    from gammaface.classifiers.attribute_network import AttributeNetwork
    from gammaface.generators import load_generator
    from gammaface.solver_choice import recommended_sampler
    from gammaface.studies import study

    generator = load_generator(model)
    clock = Clock(torch.cuda.synchronize if generator.device.type == "cuda" else lambda: None)
    clock.watch(type(generator.unet), "forward")
    if generator.autoencoder is not None:
        clock.watch(type(generator.autoencoder), "decode")
    clock.watch(AttributeNetwork, "features")

    stages: dict[str, list[float]] = {}
    inner = study.timed

    @contextmanager
    def timed(run, stage: str):
        started, before = time.perf_counter(), clock.seconds
        with inner(run, stage):
            yield
        stages[stage] = [time.perf_counter() - started, clock.seconds - before]

    study.timed = timed
    options = study.StudyOptions(
        model=model, n=n, images=images, labelled=min(n, 384), **asdict(recommended_sampler(generator))
    )
    with tempfile.TemporaryDirectory() as scratch:
        started = time.perf_counter()
        study.run_study(generator, options, out=Path(scratch) / "study")
        wall = time.perf_counter() - started
    known = [sum(part) for part in zip(*stages.values(), strict=True)]
    stages["files and figures"] = [wall - known[0], clock.seconds - known[1]]
    return {"stages": stages, "wall": wall, "network": clock.seconds, "memory": peak_memory()}


def peak_memory() -> int:
    """The largest resident size of this process in bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))


def in_process(n: int, options: argparse.Namespace) -> dict:
    command = [sys.executable, "-m", "benchmarks.chain", "--alone", "-n", str(n)]
    command += ["--images", str(options.images), "--threads", str(options.threads), "--model", options.model]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def show(n: int, found: dict) -> None:
    share = found["network"] / found["wall"]
    print(f"\nn = {n:,}: {found['wall']:.0f} s, peak memory {found['memory'] / 2**20:,.0f} MiB")
    print(f"{'stage':20}{'seconds':>10}{'network':>10}{'other':>10}")
    for stage, (seconds, network) in found["stages"].items():
        print(f"{stage:20}{seconds:>10.1f}{network:>10.1f}{seconds - network:>10.1f}")
    verdict = "met" if share >= SHARE_GOAL else "missed"
    print(f"networks: {share:.1%} of the wall time, goal at least {SHARE_GOAL:.0%}: {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=10_000, help="harvested latents")
    parser.add_argument("--images", type=int, default=1000, help="plain, and balanced, images")
    parser.add_argument("--model", default="faces")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    if options.alone:
        print(json.dumps(measure(options.n, options.images, options.model, options.threads)))
        return
    quarter = max(options.n // 4, 50)
    found = {n: in_process(n, options) for n in (quarter, options.n)}
    for n, each in found.items():
        show(n, each)
    grown = found[options.n]["memory"] / found[quarter]["memory"]
    verdict = "met" if grown <= FLAT_GOAL else "missed"
    print(f"\npeak memory at n = {options.n:,} beside n = {quarter:,}: {grown:.2f},", end=" ")
    print(f"goal at most {FLAT_GOAL}: {verdict}")


if __name__ == "__main__":
    main()
