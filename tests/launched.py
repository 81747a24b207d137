"""Several gloo workers as forks of the test's process: they need not import torch again."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import traceback
from collections.abc import Callable
from queue import Empty

import torch
from accelerate.state import AcceleratorState, PartialState

from gammaface.errors import GammaFaceError
from gammaface.parallel import workers
from gammaface.parallel.workers import Workers

WAIT = 240  # seconds; on a busy machine


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def launch(count: int, work: Callable[[Workers], object]) -> list[object]:
    """What ``work(workers)`` returns on each of `count` workers, or the GammaFaceError it raised.

    None stands for a worker that ended without a word.
    """
    context = multiprocessing.get_context("fork")
    answers, port = context.Queue(), free_port()
    processes = [context.Process(target=_be, args=(r, count, port, work, answers)) for r in range(count)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a fork cannot use its parent's thread pool
    for process in processes:
        process.start()
    torch.set_num_threads(threads)
    found: list[object] = [None] * count
    waiting = set(range(count))
    for _ in range(WAIT * 10):
        try:
            rank, answer, refusal = answers.get(timeout=0.1)
            found[rank] = GammaFaceError(refusal[0], fix=refusal[1]) if refusal else answer
            waiting.discard(rank)
        except Empty:
            waiting = {rank for rank in waiting if processes[rank].is_alive()}
        if not waiting and answers.empty():
            break
    for process in processes:
        process.join(5)
        process.kill()
    return found


def _be(rank: int, count: int, port: int, work, answers) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    torch.set_num_threads(1)
    for state in (AcceleratorState, PartialState):
        state._reset_state()
    workers.join.cache_clear()
    answer, refusal = None, None
    try:
        answer = work(workers.join())
        workers.leave()
    except GammaFaceError as error:
        refusal = (error.what, error.fix)
        workers.join().fail(error.what)
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        os._exit(1)
    answers.put((rank, answer, refusal))
    answers.close()
    answers.join_thread()
    os._exit(0)
