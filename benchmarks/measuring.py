"""Seconds and peak memory of a piece of work, each in a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any


def resident(what: str) -> int:
    """VmRSS (now) or VmHWM (peak) of this process in bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{what}:\s+(\d+) kB", status).group(1))


def measured(
    prepare: Callable[[], Callable[[], Any]], *, repeats: int = 1, warm: bool = True
) -> dict[str, Any]:
    """Run ``prepare()()`` in a fork: its median seconds, wall and processor, and peak bytes.

    What `prepare` makes (data, a model) is in no figure, and a first call, if `warm`, not in
    the seconds. ``memory`` is the peak resident size during the first call less what was
    resident before it: later ones find memory that the first has left. ``result`` is the
    last call's, which must be JSON.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(prepare, repeats, warm, theirs))
    process.start()
    theirs.close()
    try:
        found = json.loads(ours.recv())
    except EOFError:
        process.join()
        raise SystemExit(f"the measured process ended with exit status {process.exitcode}") from None
    process.join()
    return found


def _measure(prepare, repeats: int, warm: bool, answer) -> None:
    work = prepare()
    memory, seconds, processor, result = 0, [], [], None
    for call in range(repeats + warm):
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
        before, began, busy = resident("VmRSS"), time.perf_counter(), time.process_time()
        result = work()
        if call >= warm:
            seconds.append(time.perf_counter() - began)
            processor.append(time.process_time() - busy)
        if call == 0:
            memory = max(0, resident("VmHWM") - before)
    found = {"seconds": median(seconds), "processor": median(processor), "memory": memory}
    answer.send(json.dumps(found | {"result": result}))


def machine() -> dict[str, Any]:
    """What a figure depends on."""
    import torch

    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {
        "processor": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "torch": torch.__version__,
    }
