"""How large everything in a rebalancing is, and what that will cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace

import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.rebalance.bias_term import BiasTerm
from gammaface.rebalance.rows import MAX_GENERATIONS, PLAIN, ROWS, TUNE, Row, every_row, later
from gammaface.sampling import get_sampler
from gammaface.solver_choice import sampler_for
from gammaface.strategies import get_strategy
from gammaface.strategies.request import Value

STRATEGIES = ("evolutionary", "quota", "stratified")
MAX_SETS = 20
# torch's streams read the low 32 bits of a seed, so run seeds end at 42: the sets have the
# first ones, these follow.
SYNTHETIC_SEED, PATH_SEED, OWN_SEED, BASE_SEED = 30, 38, 39, 40
TUNE_SHARE = 0.1  # of the learning rate, as in the paper
SIZES = {
    "sets": "sets",
    "n": "images a set",
    "synthetic": "synthetic images",
    "biased": "biased images",
    "pilot": "images of a pilot",
    "tune_images": "images of fine-tuning",
    "anew_images": "images of training anew",
    "weighing_images": "images of weighing",
    "path_pairs": "pairs of the path length",
    "resamples": "resamples",
}
"""Fields of a recipe that make it smaller, in words."""
ABOVE_0 = (
    "synthetic",
    "biased",
    "tune_images",
    "anew_images",
    "weighing_images",
    "batch_size",
    "ema_images",
    "n",
    "steps",
    "path_pairs",
)


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
    sampler, steps : str, int, optional
        Path of every draw; by default the one recorded for the model, see `on`.
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
        For unknown rows, strategies or samplers, a sampler that adds noise on the way, and
        numbers out of range.
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
    sampler: str | None = None
    steps: int | None = None
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
        get_sampler(self.sampler or "ddim")
        if self.sampler == "ddpm":
            raise GammaFaceError(
                "the path length needs a deterministic sampler, 'ddpm' adds noise on the way",
                fix="Use ddim, dpm-solver or unipc.",
            )
        sizes = {name: getattr(self, name) for name in ABOVE_0}
        wrong = [name for name, size in sizes.items() if size is not None and size < 1]
        if wrong or self.learning_rate <= 0:
            name = wrong[0] if wrong else "learning_rate"
            raise GammaFaceError(f"{name}={getattr(self, name)}", fix="Give a number above 0.")
        if not 1 <= self.sets <= MAX_SETS or not 1 <= self.generations <= MAX_GENERATIONS:
            raise GammaFaceError(
                f"sets={self.sets}, generations={self.generations}",
                fix=f"Give 1 to {MAX_SETS} sets and 1 to {MAX_GENERATIONS} generations.",
            )

    def on(self, generator: Generator) -> Recipe:
        """The same, with the path that a model needs."""
        chosen = sampler_for(generator, self.sampler, self.steps)
        return replace(self, sampler=chosen.sampler, steps=chosen.steps)

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
        >>> print(Recipe(sets=2, pilot=500).in_words([row for row in ROWS if row != "tiw"]))
        2 sets of 2,000 a row, 30,000 images of fine-tuning, 100,000 of training anew. Not run: \
time-dependent weights (TIW). This is less than the full recipe: 2 of 5 sets, 500 of 1,000 images of a pilot.
        """
        full = Recipe()
        ran = {
            "anew_images": any(row.start == "anew" for name, row in ROWS.items() if name in rows),
            "weighing_images": "tiw" in rows,
        }
        words = f"{self.sets} sets of {self.n:,} a row, {self.tune_images:,} images of fine-tuning"
        if ran["anew_images"]:
            words += f", {self.anew_images:,} of training anew"
        if missing := [row.title for name, row in ROWS.items() if name not in rows]:
            words += f". Not run: {'; '.join(missing)}"
        pairs = {name: (getattr(self, name), getattr(full, name)) for name in SIZES if ran.get(name, True)}
        less = [f"{own:,} of {most:,} {SIZES[name]}" for name, (own, most) in pairs.items() if own < most]
        return words + (f". This is less than the full recipe: {', '.join(less)}." if less else ".")

    def config(self) -> dict:
        """What a run's rows share; rows may be added later."""
        return {k: v for k, v in asdict(self).items() if k not in ("rows", "generations")}


def estimate(recipe: Recipe) -> pd.DataFrame:
    """What each row of a recipe whose path is known costs, in evaluations of the network on one image.

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
