"""Which cells a study has: tasks x methods x mixing ratios x seeds, and the arms beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gammaface.baselines import METHODS, get_method
from gammaface.downstream.cells import Cell
from gammaface.downstream.tasks import Task
from gammaface.errors import GammaFaceError

MAIN_SHARE = 0.5
MOST_SEEDS = 1000
# The mix's other settings are varied for the method and its control, one at a time.
VARIED = ("gamma-face", "plain-augment")


@dataclass(frozen=True)
class Grid:
    """What to compute. Of designs, labellers and confidences the first is the main one.

    ``gamma-face`` and its control run at every share, other methods at the main one.
    """

    tasks: list[Task]
    methods: list[str]
    shares: tuple[float, ...] = (MAIN_SHARE,)
    seeds: tuple[int, ...] = (0,)
    designs: tuple[str, ...] = ("fixed",)
    labellers: tuple[str, ...] = ("full",)
    min_ps: tuple[float, ...] = (0.0,)

    def cells(self) -> list[Cell]:
        """Every cell once, task by task and seed by seed."""
        found = [
            cell
            for task in self.tasks
            for seed in self.seeds
            for text in self.methods
            for cell in self._of(text, Cell(task.data, task.target, "baseline", seed))
        ]
        return list(dict.fromkeys(found))

    def _of(self, text: str, blank: Cell) -> list[Cell]:
        name, source, share = parse_method(text)
        if source is None:
            return [replace(blank, method=name)]
        main = MAIN_SHARE if MAIN_SHARE in self.shares else self.shares[0]
        shares = self.shares if METHODS[name].all_shares and share is None else (share or main,)
        mixed = replace(
            blank,
            method=name,
            source=source,
            design=self.designs[0],
            labeller=self.labellers[0],
            min_p=self.min_ps[0],
        )
        cells = [replace(mixed, share=s) for s in shares]
        if text in VARIED:
            at_main = replace(mixed, share=main)
            cells += [replace(at_main, design=d) for d in self.designs[1:]]
            cells += [replace(at_main, labeller=x) for x in self.labellers[1:]]
            cells += [replace(at_main, min_p=p) for p in self.min_ps[1:]]
        return cells


def parse_method(text: str) -> tuple[str, str | None, float | None]:
    """``METHOD[@SET][:PERCENT]``: the method, its set of generated faces, its share.

    Examples
    --------
    >>> parse_method("gamma-face@stratified:70"), parse_method("pass")
    (('gamma-face', 'stratified', 0.7), ('pass', None, None))
    """
    rest, _, percent = text.partition(":")
    name, at, source = rest.partition("@")
    method = get_method(name)
    if method.source is None and (at or percent):
        raise GammaFaceError(f"{name} takes no generated faces", fix=f"Write {name}.")
    return name, source or method.source, parse_percent(percent) if percent else None


def parse_percent(text: str) -> float:
    """A share in percent, 0 to 100, as a fraction.

    Examples
    --------
    >>> parse_percent("30")
    0.3
    """
    try:
        share = float(text) / 100
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise GammaFaceError(f"'{text}' is no generated share", fix="Give percent above 0 and up to 100.")
    return share


def parse_seeds(text: str) -> tuple[int, ...]:
    """``0..2`` or ``0,3,7``.

    Examples
    --------
    >>> parse_seeds("0..2"), parse_seeds("4")
    ((0, 1, 2), (4,))
    """
    first, dots, last = text.partition("..")
    try:
        seeds = range(int(first), int(last) + 1) if dots else tuple(map(int, text.split(",")))
    except ValueError:
        seeds = ()
    # In this order: an endless range is told by its ends, and never written out.
    if not seeds or seeds[-1] - seeds[0] > MOST_SEEDS or min(seeds) < 0:
        raise GammaFaceError(f"'{text[:40]}' are no seeds", fix="Write 0..2 or 0,1,2.")
    return tuple(seeds)
