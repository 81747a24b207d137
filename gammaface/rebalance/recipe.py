"""Which rows a rebalancing has, how large everything in it is, and what that will cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field

import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.rebalance.bias_term import BiasTerm
from gammaface.strategies import get_strategy
from gammaface.strategies.request import Value

STRATEGIES = ("evolutionary", "quota", "stratified")
MAX_SETS, MAX_GENERATIONS = 20, 8
# torch's streams read the low 32 bits of a seed, so run seeds end at 42: the sets have the
# first ones, these follow.
SYNTHETIC_SEED, PATH_SEED, OWN_SEED, BASE_SEED = 30, 38, 39, 40
TUNE_SHARE = 0.1  # of the learning rate, as in the paper


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


@dataclass(frozen=True)
class Recipe:
    """Every size of a rebalancing, in one place.

    The defaults are those of the recorded run of the bundled generator: what two CPU cores
    can do in a night. With a GPU, raise the images of training.

    Attributes
    ----------
    model : str
        The generator, or the data's name where it is trained in the run.
    attributes : tuple of str
        Evened out, jointly.
    rows : tuple of str
        Names of `ROWS`; ``plain`` always takes part.
    generations : int
        How often the row ``tune`` is repeated on its own generator's draws.
    strategy, options, pilot
        What draws the balanced synthetic set: evolutionary, quota or stratified.
    synthetic, biased : int
        Images of the balanced set, and of plain draws where the original data are absent.
    mirror : bool
        Whether mirror images train, too.
    tune_images, anew_images : int
        Images seen in training; fine-tuning has a tenth of `learning_rate`.
    batch_size, learning_rate, ema_images
        Of the training; `ema_images` is the half-life of the averaged weights.
    weighing_images : int
        Shown to TIW's discriminator.
    bias : BiasTerm
    sets, n : int
        Sets measured, images a set.
    steps : int
        DDIM steps of every draw.
    path_pairs : int
        Pairs of the perceptual path length.
    shown : int
        Pictures kept of each row.
    resamples : int
        Of the bootstrap by group.
    seed : int
        Of the training.

    Raises
    ------
    GammaFaceError
        For unknown rows or strategies and numbers out of range.
    """

    model: str = "faces"
    attributes: tuple[str, ...] = ("race",)
    rows: tuple[str, ...] = tuple(ROWS)
    generations: int = 1
    strategy: str = "quota"
    options: Mapping[str, Value] = field(default_factory=dict)
    pilot: int = 1000
    synthetic: int = 2500
    biased: int = 2500
    mirror: bool = True
    tune_images: int = 30_000
    anew_images: int = 100_000
    batch_size: int = 64
    learning_rate: float = 3e-4
    ema_images: int = 3_000
    weighing_images: int = 50_000
    bias: BiasTerm = field(default_factory=BiasTerm)
    sets: int = 5
    n: int = 2000
    steps: int = 25
    path_pairs: int = 200
    shown: int = 24
    resamples: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [name for name in self.rows if name not in ROWS]
        if unknown or len(set(self.rows)) != len(self.rows):
            what = f"there is no row '{unknown[0]}'" if unknown else "a row comes twice"
            raise GammaFaceError(what, fix=f"Choose from {', '.join(ROWS)}, each once.")
        if self.strategy not in STRATEGIES:
            raise GammaFaceError(
                f"the strategy '{self.strategy}' draws no set to train on",
                fix=f"Choose from {', '.join(STRATEGIES)}.",
            )
        get_strategy(self.strategy).complete(self.options)
        sizes = (
            "synthetic",
            "biased",
            "tune_images",
            "anew_images",
            "batch_size",
            "n",
            "steps",
            "path_pairs",
        )
        wrong = [name for name in (*sizes, "ema_images", "weighing_images") if getattr(self, name) < 1]
        if wrong or self.learning_rate <= 0:
            name = wrong[0] if wrong else "learning_rate"
            raise GammaFaceError(f"{name}={getattr(self, name)}", fix="Give a number above 0.")
        if not 1 <= self.sets <= MAX_SETS or not 1 <= self.generations <= MAX_GENERATIONS:
            raise GammaFaceError(
                f"sets={self.sets}, generations={self.generations}",
                fix=f"Give 1 to {MAX_SETS} sets and 1 to {MAX_GENERATIONS} generations.",
            )

    def planned(self) -> list[Row]:
        """The rows asked for, in the order computed; generations need the first of them."""
        wanted = {PLAIN.name, *self.rows, *(later(g).name for g in range(2, self.generations + 1))}
        if self.generations > 1:
            wanted.add(TUNE.name)
        return [row for row in every_row() if row.name in wanted]

    def in_words(self, rows: Collection[str]) -> str:
        """How much was computed, and what of the full recipe is missing; `rows` are those of the run.

        Examples
        --------
        >>> Recipe(sets=2).in_words(tuple(ROWS)).split(". ")[1]
        'This is less than the full recipe: 5 sets of 2,000 a row, 30,000 images of fine-tuning, every row.'
        """
        full, sizes = Recipe(), ("sets", "n", "tune_images")
        words = f"{self.sets} sets of {self.n:,} a row, {self.tune_images:,} images of fine-tuning."
        if set(full.rows) <= set(rows) and all(getattr(self, x) >= getattr(full, x) for x in sizes):
            return words
        return (
            f"{words} This is less than the full recipe: {full.sets} sets of {full.n:,} a row,"
            f" {full.tune_images:,} images of fine-tuning, every row."
        )

    def config(self) -> dict:
        """What a run's rows share; rows may be added later."""
        return {k: v for k, v in asdict(self).items() if k not in ("rows", "generations")}


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


def estimate(recipe: Recipe) -> pd.DataFrame:
    """What each row costs, in evaluations of the network on one image.

    Returns
    -------
    DataFrame
        ``row, title, training, drawing, words``. A training step counts as three evaluations
        an image (its gradient twice the forward pass); the bias loss through steps adds as
        many for each step. The synthetic set counts in the first row that needs it, at one
        draw an image: rejection of rare groups multiplies that.
    """
    drawing = recipe.steps * (recipe.sets * recipe.n + 2 * recipe.path_pairs)
    rows, sets = [], set()
    for row in recipe.planned():
        seen = {"": 0, "base": recipe.tune_images, "anew": recipe.anew_images}[row.start]
        extra = recipe.bias.steps if row.bias and recipe.bias.through == "steps" else 0
        need = {(row.data, row.generation)} if row.data else set()
        if row.weighting in ("ratio", "time"):
            need.add(("synthetic", row.generation))
        fresh = sum({"synthetic": recipe.synthetic, "biased": recipe.biased}[name] for name, _ in need - sets)
        rows.append(
            {
                "row": row.name,
                "title": row.title,
                "training": 3 * seen * (1 + extra),
                "drawing": drawing + recipe.steps * fresh,
                "words": row.words(),
            }
        )
        sets |= need
    return pd.DataFrame(rows)
