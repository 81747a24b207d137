"""Which rows a rebalancing's table has: every generator, and how it comes about."""

from __future__ import annotations

from dataclasses import dataclass

MAX_GENERATIONS = 8


@dataclass(frozen=True)
class Row:
    """One generator of the table.

    Attributes
    ----------
    name : str
        Of its folder.
    title : str
        As the paper's table calls it, or an analogue's own name.
    start : str
        "" not trained, "base" fine-tuned from the plain generator (later generations: from
        the one before), "anew" from random weights.
    data : str
        "biased" (the original data, or plain draws in their absence) or "synthetic".
    weighting : str
        "", "class" (eq. 5), "ratio" (density ratio) or "time" (TIW).
    bias : bool
        With the bias-mitigation loss.
    frozen : bool
        With the first layers fixed.
    generation : int
        Synthetic data of later ones come from the row of the generation before.
    """

    name: str
    title: str
    start: str = ""
    data: str = ""
    weighting: str = ""
    bias: bool = False
    frozen: bool = False
    generation: int = 1

    def words(self) -> str:
        """What is done, in one line."""
        if not self.start:
            return "the generator as it is"
        parts = [f"{'fine-tuned' if self.start == 'base' else 'trained anew'} on {self.data} data"]
        if self.weighting:
            weights = {"class": "importance weights", "ratio": "density-ratio weights"}
            parts.append(f"with {weights.get(self.weighting, 'time-dependent weights')}")
        if self.bias:
            parts.append("with the bias loss")
        if self.frozen:
            parts.append("first layers frozen (an analogue of freezeD)")
        return ", ".join(parts)


PLAIN = Row("plain", "plain")
TUNE = Row("tune", "+ synthetic data", "base", "synthetic", bias=True)
ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        Row("reweighing", "reweighing", "base", "biased", "class"),
        Row("density-ratio", "reweighing, density ratio", "base", "biased", "ratio"),
        Row("tiw", "time-dependent weights (TIW)", "base", "biased", "time"),
        PLAIN,
        Row("plain-bias", "plain + bias loss", "base", "biased", bias=True),
        TUNE,
        Row("tune-frozen", "+ frozen first layers", "base", "synthetic", bias=True, frozen=True),
        Row("anew", "synthetic data", "anew", "synthetic"),
        Row("anew-bias", "synthetic data + bias loss", "anew", "synthetic", bias=True),
    )
}


def every_row() -> list[Row]:
    """All rows there can be, in the order computed: plain first, later generations last."""
    others = [row for row in ROWS.values() if row != PLAIN]
    return [PLAIN, *others, *(later(g) for g in range(2, MAX_GENERATIONS + 1))]


def later(generation: int) -> Row:
    """The row `TUNE` again, on draws of the generation before."""
    return Row(
        f"{TUNE.name}-{generation}",
        f"{TUNE.title}, generation {generation}",
        TUNE.start,
        TUNE.data,
        bias=TUNE.bias,
        generation=generation,
    )


def before(row: Row) -> Row:
    """The row whose generator a row is fine-tuned from, and draws its synthetic data."""
    if row.generation == 1:
        return PLAIN
    return TUNE if row.generation == 2 else later(row.generation - 1)
