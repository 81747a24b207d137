"""Commands under `accelerate launch`: which ones workers can share, and one voice for all."""

from __future__ import annotations

import os
import sys

from gammaface.parallel.workers import ALONE, Workers, join, leave, not_shared

SHARED = (
    *("harvest", "sweep", "fit", "sample", "label", "audit", "downstream", "record"),
    *("train autoencoder", "train diffusion", "train attributes"),
)


class Job:
    """This process's part in a command: alone, or as one of several workers."""

    def __init__(self) -> None:
        self.workers: Workers = ALONE

    def enter(self, arguments: list[str]) -> None:
        """Join the others, if there are any; only the main worker prints results.

        Raises
        ------
        GammaFaceError
            When there are others and the command is not one to share.
        """
        self.workers = join()
        if self.workers.count == 1:
            return
        if not self.workers.main:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - as long as the process
        command = " ".join(arguments[: 2 if arguments[:1] == ["train"] else 1])
        if command and not command.startswith("-") and command not in SHARED:
            raise not_shared(f"'{command}'", self.workers, SHARED)

    def complain(self, words: str) -> None:
        """One line on standard error, also where all workers have the same complaint."""
        self.workers.fail(words)
        if self.workers.first_to_say(words):
            print(f"gammaface: {words}", file=sys.stderr, flush=True)

    def leave(self) -> None:
        """End together with the others."""
        if self.workers.count > 1:
            leave()
