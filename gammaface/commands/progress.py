"""Progress bars on standard error; of several workers the main one shows its own share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tqdm.auto import tqdm

from gammaface.parallel.workers import join

if TYPE_CHECKING:  # they load torch, which listing runs should not wait for
    from gammaface.latents import Progress
    from gammaface.studies.study import Report


@contextmanager
def progress_bar(label: str, unit: str = "img") -> Iterator[Progress]:
    """A ``progress(done, total)`` that draws one bar."""
    with tqdm(desc=label, unit=unit, dynamic_ncols=True, disable=not join().main) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


@contextmanager
def stage_bars() -> Iterator[Report]:
    """A ``report(stage, done, total)`` that draws one bar after the other."""
    bars: dict[str, tqdm] = {}

    def report(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            for bar in bars.values():
                bar.close()
            shown = {"dynamic_ncols": True, "disable": not join().main}
            bars[stage] = tqdm(desc=f"{stage:>10}", total=total, **shown)
        bars[stage].update(done - bars[stage].n)

    try:
        yield report
    finally:
        for bar in bars.values():
            bar.close()
