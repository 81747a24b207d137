"""Every strategy in words: what it does, needs, and can be set to.

Nothing here needs torch, so that a screen can offer the strategies at once; the registry
joins each description to the function that draws.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gammaface.errors import GammaFaceError
from gammaface.strategies.option import Option, Value

INJECTIONS = ("mean-noise", "resume", "responsibility")
POOL_LIMIT = 50  # draws per delivered image before a component counts as out of reach


@dataclass(frozen=True)
class Need:
    """Something a strategy cannot do without.

    ``short`` completes "Needs ..."; ``what`` completes a refusal, with places for the
    model's name and the sampler; ``fix`` says what to do.
    """

    short: str
    what: str
    fix: str


NEEDS: dict[str, Need] = {
    "mixture": Need(
        "a mixture fitted on the model's latents",
        "a fitted mixture",
        "Fit a LatentMixture on a harvest first.",
    ),
    "harvest": Need(
        "the harvest that the mixture was fitted on",
        "a mixture that knows the harvest it was fitted on",
        "Fit the mixture on the harvest itself: LatentMixture(K).fit(z), not z.array.",
    ),
    "target": Need(
        "a target",
        "a target: which groups, in what shares",
        "Give target=Target.even(('gender',), labeller.classes), or shares of your own.",
    ),
    "labeller": Need(
        "a classifier that names the groups",
        "a labeller that names the groups",
        "Give labeller=load_attributes(), or a classifier of your own.",
    ),
    "pilot": Need(
        "a labelled pilot to learn from",
        "a pilot: labelled images to learn from",
        "Give pilot=1000.",
    ),
    "mid-block": Need(
        "a U-Net with a mid block",
        "a U-Net with a mid block, which the model '{name}' does not have",
        "Choose another strategy, or another model.",
    ),
    "deterministic": Need(
        "a deterministic sampler",
        "a deterministic sampler, so that the noise alone decides the image; '{sampler}' adds more",
        "Use sampler='ddim', 'dpm-solver' or 'unipc'.",
    ),
}
"""What a strategy may need."""


@dataclass(frozen=True)
class About:
    """One strategy in words.

    Attributes
    ----------
    name : str
    title : str
        For people who choose, and to begin sentences with.
    summary : str
        One sentence: what it does.
    needs : tuple of str
        Keys of :data:`NEEDS`.
    options : mapping of str to Option
    own : bool
        Whether its images are what the model makes of their seeds, or of where a component
        starts them; others are steered on the way.
    """

    name: str
    title: str
    summary: str
    needs: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict)
    own: bool = True

    def __post_init__(self) -> None:
        unknown = set(self.needs) - set(NEEDS)
        assert not unknown, f"{self.name}: no such need: {unknown}"

    def complete(self, options: Mapping[str, Value]) -> dict[str, Value]:
        """All options of the strategy: those given, checked, and the defaults of the rest.

        Raises
        ------
        GammaFaceError
            For options it does not know and values that do not fit.
        """
        for name in options:
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise GammaFaceError(
                    f"the strategy {self.name} has no option '{name}'", fix=f"It knows: {known}."
                )
        return {
            name: option.check(name, options.get(name, option.default))
            for name, option in self.options.items()
        }

    def refuse(self, given: Collection[str], *, model: str, sampler: str) -> None:
        """Raise for the first need that is not among those given.

        Raises
        ------
        GammaFaceError
            What is lacking, and what to do about it.

        Examples
        --------
        >>> ABOUT["quota"].refuse({"target"}, model="faces", sampler="ddim")
        Traceback (most recent call last):
            ...
        gammaface.errors.GammaFaceError: quota needs a labeller that names the groups. Give \
labeller=load_attributes(), or a classifier of your own.
        """
        for need in self.needs:
            if need not in given:
                what = NEEDS[need].what.format(name=model, sampler=sampler)
                raise GammaFaceError(f"{self.name} needs {what}", fix=NEEDS[need].fix)

    @property
    def needs_in_words(self) -> str:
        """What it needs, in one sentence.

        Examples
        --------
        >>> ABOUT["quota"].needs_in_words
        'Needs a target and a classifier that names the groups.'
        """
        if not self.needs:
            return "Needs nothing but the model."
        words = [NEEDS[need].short for need in self.needs]
        joined = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
        return f"Needs {joined}."


BATCH_OPTIONS = {
    "push": Option(3000.0, "strength in h-space; to be tuned to each model", low=0, high=1e9),
    "temperature": Option(8.0, "of the heads' softmax in h-space", low=0.01, high=1000),
    "batch": Option(64, "images steered together; decides which images they become", low=2, high=1024),
}

_ALL = (
    About("plain", "Plain sampling", "What the model draws on its own."),
    About(
        "quota",
        "Quota",
        "Draw until every group is full, throw the rest away; exact shares, most draws.",
        needs=("target", "labeller"),
        options={"limit": Option(100, "draws per image asked for before giving up", low=1, high=10_000)},
    ),
    About(
        "component-uniform",
        "Sampling evenly over components",
        "Equal numbers from every component of the mixture (GAMMA-FACE).",
        needs=("mixture",),
    ),
    About(
        "component-balanced",
        "Components in learned shares",
        "Components in the shares that a labelled pilot says bring the groups nearest to the target.",
        needs=("mixture", "harvest", "target", "labeller", "pilot"),
        options={
            "pull": Option(1e-3, "nearness to the natural weights, for fewer draws", low=0.0),
            "limit": Option(POOL_LIMIT, "draws per image asked for before giving up", low=1, high=10_000),
        },
    ),
    About(
        "stratified",
        "Stratified sampling",
        "Run a pool part of the way, read the groups from the latents, finish a balanced part of it.",
        needs=("target", "labeller", "pilot"),
        options={
            "pool": Option(2.0, "draws begun per image delivered", low=1.0, high=1000.0),
            "sqrt_abar": Option(0.8, "how clean the latents are where they are read", low=0.0, high=1.0),
            "space": Option("h", "what is read", choices=("x_t", "x0", "h", "h_pooled")),
        },
    ),
    About(
        "latent-directions",
        "Latent directions",
        "Noise pushed along linear directions of the attributes, by group (Tan et al. 2020).",
        needs=("target", "labeller", "pilot", "deterministic"),
        options={
            "space": Option(
                "x_t", "noisy latents, or principal components of h at every step", choices=("x_t", "h")
            ),
            "distance": Option(3.0, "how far beyond the boundary codes are pushed", low=0.0),
            "components": Option(4, "Gaussians per group", low=1, high=100),
            "sqrt_abar": Option(0.0, "how clean the pushed x_t are; 0: the noise itself", low=0.0, high=1.0),
        },
        own=False,
    ),
    About(
        "evolutionary",
        "Evolutionary search",
        "Search around the noise of each group's first images for more of it (GAN rebalancing, Alg. 2).",
        needs=("target", "labeller", "deterministic"),
        options={
            "iterations": Option(3, "xi: successes a search adds to its start", low=0, high=1000),
            "children": Option(2, "mutations of each success", low=1, high=100),
            "step": Option(0.5, "share of fresh noise in a mutation", low=0.01, high=1.0),
            "limit": Option(100, "plain draws per image asked for before giving up", low=1, high=10_000),
        },
        own=False,
    ),
    About(
        "distribution-guidance",
        "Distribution guidance",
        "Steer each image to its group with a small classifier of noisy latents.",
        needs=("target", "labeller"),
        options={
            "form": Option(
                "sample", "each image to its group, or each batch to the shares", choices=("sample", "batch")
            ),
            "scale": Option(4.0, "strength of the classifier's gradient; 1 is Bayes' rule", low=0, high=1000),
            "pool": Option(1, "draws of a place, while the labeller sees another group", low=1, high=100),
            "heads": Option("", "a folder that NoisyHeads.save wrote; empty: train on the pilot"),
            "presentations": Option(100_000, "noisy latents shown in training", low=256, high=100_000_000),
            "divergence": Option("chi-square", "batch form: from the target", choices=("chi-square", "kl")),
            **BATCH_OPTIONS,
        },
        own=False,
    ),
    About(
        "h-directions",
        "Directions in h-space",
        "Move each image to its group by adding a direction to the U-Net's mid block.",
        needs=("target", "labeller", "pilot", "mid-block"),
        options={
            "scale": Option(1.0, "how often the difference of the classes is added", low=0, high=1000),
            "directions": Option(
                "class-mean",
                "between class means, or along the principal component that tells a class best",
                choices=("class-mean", "pca"),
            ),
            "form": Option(
                "both", "edit x_0 and noise, or x_0 alone at twice the cost", choices=("both", "asyrp")
            ),
            "hold": Option("", "further attributes to leave as they are, with commas between"),
        },
        own=False,
    ),
    About(
        "self-debias",
        "Self-debiasing",
        "Even out clusters of the U-Net's mid block, without any labels.",
        needs=("pilot", "mid-block"),
        options={
            "clusters": Option(4, "number of clusters", low=2, high=100),
            "sqrt_abar": Option(0.8, "where h is clustered: share of the clean amplitude", low=0, high=1),
            **BATCH_OPTIONS,
        },
        own=False,
    ),
)
ABOUT: dict[str, About] = {about.name: about for about in _ALL}
"""Every strategy by name, in the order they are offered."""
