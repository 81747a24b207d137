"""Batches that a device's memory does not hold: halved, and said so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from gammaface.errors import GammaFaceError
from gammaface.models.hub import Tell, tell_stderr

NO_MEMORY = ("out of memory", "can't allocate memory")  # as CUDA's and the CPU's allocators say it


class TooLarge(GammaFaceError):
    """A batch that does not fit and cannot be cut."""


class Room:
    """How many rows the device takes at once; learned where a larger batch failed.

    A row's result does not depend on its neighbours beyond rounding, so that a batch in
    parts gives the same images within 1e-3.
    """

    def __init__(self, tell: Tell = tell_stderr) -> None:
        self.largest: dict[str, int] = {}
        self.tell = tell

    def in_parts(
        self,
        what: str,
        compute: Callable[[torch.Tensor], torch.Tensor],
        x: torch.Tensor,
        *,
        whole: bool = False,
    ) -> torch.Tensor:
        """``compute(x)`` over rows, in parts that fit.

        Parameters
        ----------
        what : str
            In words; each kind of work has a limit of its own.
        compute : callable
            Of rows (b, ...), returning as many.
        whole : bool
            Refuse to cut: somebody looks at, or changes, what happens inside.

        Raises
        ------
        GammaFaceError
            When not even one row fits, or `whole` does not.
        """
        while True:
            size = len(x) if whole else max(1, min(len(x), self.largest.get(what, len(x))))
            try:
                parts = [compute(part) for part in x.split(size)] if size < len(x) else [compute(x)]
                return parts[0] if len(parts) == 1 else torch.cat(parts)
            except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            except TooLarge:
                pass
            # Out here the failed attempt's tensors are free again.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            if whole or size == 1:
                raise TooLarge(
                    f"the device's memory does not hold {what} of {size} at once",
                    fix="Free its memory, ask for a smaller batch, or choose another device.",
                )
            self.largest[what] = (size + 1) // 2
            self.tell(
                f"the device's memory does not hold {what} of {size} at once: halved to {(size + 1) // 2}"
            )


@contextmanager
def told_when_full(what: str, *, fix: str) -> Iterator[None]:
    """Work whose batch cannot be cut without changing it, a training step: said where it does not fit.

    Raises
    ------
    TooLarge
        When memory ran out inside.
    """
    try:
        yield
    except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise TooLarge(f"the device's memory does not hold {what}", fix=fix) from None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or the CPU."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(words in str(error) for words in NO_MEMORY)
