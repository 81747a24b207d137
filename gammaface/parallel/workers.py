"""Several processes at one job: who does what, and what they tell each other.

``accelerate launch --multi_gpu --num_processes N -m gammaface ...`` starts N of them, on one
host or many. :func:`join` makes each a :class:`Workers`; functions that can share their work
take one. Work is cut by position, never by worker, so that its result does not depend on
their number. Each writes files of its own; the main one decides what is missing, merges and
keeps the manifest.

What passes between workers is numbers and JSON. A worker that fails tells the others why;
one that dies is noticed by its closed connection, or by the launcher, which stops the rest.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from gammaface.errors import GammaFaceError

if TYPE_CHECKING:  # torch takes seconds that listing runs should not wait for
    import torch

T = TypeVar("T")
CONNECT = timedelta(minutes=15)  # for every host to come up
PATIENCE = timedelta(days=2)  # a worker may wait this long for a merge, or for the slowest
NAP = 0.0005  # seconds between two looks at an unfinished message
LISTEN = 1.0  # seconds between two looks whether another worker has failed
CONTINUE = "What was done is kept: the same command continues, with any number of workers."
FAILED, SAID = "failed", "said/"


@dataclass(frozen=True)
class Workers:
    """The processes of one job, as seen by one of them.

    Attributes
    ----------
    rank : int
        This worker's number; 0 is the main one.
    count : int
        How many there are.
    """

    rank: int = 0
    count: int = 1
    store: Any = None  # torch.distributed.Store that outlives a failed worker

    @property
    def main(self) -> bool:
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This worker's consecutive part of a sequence that all of them know.

        Examples
        --------
        >>> [Workers(rank, 3).share(range(8)) for rank in range(3)]
        [range(0, 2), range(2, 5), range(5, 8)]
        """
        n = len(items)
        return items[self.rank * n // self.count : (self.rank + 1) * n // self.count]

    def on_main(self, work: Callable[[], T]) -> T:
        """Do something on the main worker; all get its result, which must be JSON, or its error."""
        if self.count == 1:
            return work()
        said, raised = {}, None
        if self.main:
            try:
                said = {"result": work()}
            except GammaFaceError as error:
                raised = error
                said = {"error": {"what": error.what, "fix": error.fix, "where": _text(error.where)}}
        said = json.loads(self._broadcast(json.dumps(said).encode()))
        if "error" in said:
            raise raised or GammaFaceError(**said["error"])
        return said["result"]

    def wait(self) -> None:
        """Go on when every worker has come here."""
        if self.count > 1:
            import torch

            self.sum(torch.zeros(1))

    def sum(self, *tensors: torch.Tensor) -> None:
        """Replace tensors of one dtype by their sums over all workers, the same bits everywhere."""
        if self.count == 1:
            return
        import torch
        import torch.distributed as dist

        # In one message, and through the CPU: gloo is there on every machine.
        together = torch.cat([tensor.reshape(-1).cpu() for tensor in tensors])
        self._finish(lambda: dist.all_reduce(together, async_op=True))
        parts = together.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def gather(self, data: bytes) -> list[bytes]:
        """Every worker's bytes, by rank."""
        if self.count == 1:
            return [data]
        import torch
        import torch.distributed as dist

        sizes = torch.zeros(self.count, dtype=torch.int64)
        sizes[self.rank] = len(data)
        self.sum(sizes)
        own = torch.zeros(int(sizes.max()), dtype=torch.uint8)
        own[: len(data)] = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else own[:0]
        parts = [torch.empty_like(own) for _ in range(self.count)]
        self._finish(lambda: dist.all_gather(parts, own, async_op=True))
        return [part[:size].numpy().tobytes() for part, size in zip(parts, sizes.tolist(), strict=True)]

    def fail(self, reason: str) -> None:
        """Tell the others that this worker gives up; the first reason is kept."""
        if self.store is not None:
            self._quietly(lambda: self.store.compare_set(FAILED, "", f"worker {self.rank}: {reason}"))

    def first_to_say(self, words: str) -> bool:
        """Whether no other worker has said the same: of N equal complaints one is shown."""
        if self.store is None:
            return True
        return self._quietly(lambda: self.store.add(SAID + words, 1)) in (1, None)

    def failure(self) -> str:
        """What another worker failed of, or nothing."""
        there = self.store is not None and self._quietly(lambda: self.store.check([FAILED]))
        return (self._quietly(lambda: self.store.get(FAILED)) or b"").decode() if there else ""

    def _broadcast(self, data: bytes) -> bytes:
        import torch
        import torch.distributed as dist

        size = torch.tensor([len(data)])
        self._finish(lambda: dist.broadcast(size, 0, async_op=True))
        payload = torch.zeros(int(size), dtype=torch.uint8)
        if self.main:
            payload = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        self._finish(lambda: dist.broadcast(payload, 0, async_op=True))
        return payload.numpy().tobytes()

    def _finish(self, begin: Callable[[], Any]) -> None:
        """Wait for a message as Python, so that a signal or another worker's failure is heard."""
        try:
            message, listened = begin(), time.monotonic()
            while not message.is_completed():
                time.sleep(NAP)
                if time.monotonic() - listened > LISTEN:
                    listened = time.monotonic()
                    if reason := self.failure():
                        raise GammaFaceError(f"another worker of this job failed: {reason}", fix=CONTINUE)
            message.wait()
        except RuntimeError:
            reason = self.failure()
            what = f"failed: {reason}" if reason else "ended"
            raise GammaFaceError(f"another worker of this job {what}", fix=CONTINUE) from None

    @staticmethod
    def _quietly(ask: Callable[[], T]) -> T | None:
        """Ask the store, whose host may be gone."""
        try:
            return ask()
        except RuntimeError:
            return None


ALONE = Workers()


def not_shared(what: str, workers: Workers, shared: Sequence[str]) -> GammaFaceError:
    """What to raise where several workers were started for the work of one; `shared` they may have."""
    return GammaFaceError(
        f"{what} is the work of one process, not of {workers.count}",
        fix=f"Start it without accelerate launch; workers share {', '.join(shared)}.",
    )


def _text(where: object | None) -> str | None:
    return None if where is None else str(where)


@cache
def join() -> Workers:
    """The workers that ``accelerate launch`` or ``torchrun`` has started; :data:`ALONE` without them.

    Raises
    ------
    GammaFaceError
        When the launcher was asked for several processes and started one, or the others
        cannot be reached.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count < 2:
        _refuse_lonely_launch()
        return ALONE
    import torch
    import torch.distributed as dist
    from accelerate import PartialState

    try:
        shared, rank, count = next(dist.rendezvous("env://", timeout=CONNECT))
        # Without a name, torch takes gloo for the CPU and, where there is one, NCCL for the GPU.
        dist.init_process_group(
            store=dist.PrefixStore("job", shared), rank=rank, world_size=count, timeout=PATIENCE
        )
    except (RuntimeError, ValueError) as error:
        raise GammaFaceError(
            f"the other workers cannot be reached: {str(error).splitlines()[0]}",
            fix="Check --main_process_ip, --main_process_port and that every host runs the command.",
        ) from None
    # accelerate sees several processes without a GPU only when told.
    bare = not torch.cuda.is_available()
    if bare:
        os.environ["ACCELERATE_USE_CPU"] = "true"
    PartialState(cpu=bare)  # also makes this worker's GPU the current one
    workers = Workers(rank, count, dist.PrefixStore("gammaface", shared))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: _stopped(workers))
    return workers


def _refuse_lonely_launch() -> None:
    if os.environ.get("ACCELERATE_USE_CPU") == "True" and "MASTER_ADDR" in os.environ:
        raise GammaFaceError(
            "accelerate launch --cpu has started one process of those asked for",
            fix="Give --multi_gpu instead of --cpu: it starts all of them, also without a GPU.",
        )


def _stopped(workers: Workers) -> None:
    words = workers.failure() or "another worker ended, or the job was cancelled"
    if workers.first_to_say("stopped"):
        print(f"gammaface: stopped by the launcher: {words}. {CONTINUE}", file=sys.stderr, flush=True)
    raise KeyboardInterrupt


def leave() -> None:
    """End the job together, so that no worker finds another gone."""
    workers = join()
    if workers.count > 1:
        import torch.distributed as dist

        workers.wait()
        dist.destroy_process_group()
