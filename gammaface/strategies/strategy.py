"""Strategy: a registry entry, with what it needs and which options it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gammaface.errors import GammaFaceError
from gammaface.strategies.labelling import check_target
from gammaface.strategies.request import Drawn, Learned, Request, Value


@dataclass(frozen=True)
class Option:
    """A number or word that changes how a strategy works.

    The default's type is the option's; ``low`` and ``high`` bound numbers, ``choices`` words.
    """

    default: Value
    about: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def check(self, name: str, value: Value) -> Value:
        """The value in the default's type, or a refusal."""
        kind = type(self.default)
        fits = isinstance(value, str) if kind is str else _is_number(value, whole=kind is int)
        if fits and kind is not str:
            value = kind(value)
            fits = (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        if not fits or (self.choices and value not in self.choices):
            raise GammaFaceError(f"the option {name}={value!r} cannot be used", fix=f"Give {self.allowed}.")
        return value

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        words = {int: "a whole number", float: "a number", str: "a word"}[type(self.default)]
        low = f" of {self.low:g} or more" if self.low is not None else ""
        high = f"{' and' if low else ' of'} {self.high:g} or less" if self.high is not None else ""
        return words + low + high


def _is_number(value, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return False
    return not whole or float(value).is_integer()


@dataclass(frozen=True)
class Strategy:
    """A way to draw a batch.

    Attributes
    ----------
    name : str
    draw : callable
        ``draw(request) -> Drawn``.
    summary : str
        One sentence for people who choose.
    needs : tuple of str
        Keys of :data:`NEEDS`.
    options : mapping of str to Option
    learn : callable, optional
        ``learn(request) -> Learned``, once a run; ``draw`` finds it in ``request.learned``.
    """

    name: str
    draw: Callable[[Request], Drawn]
    summary: str
    needs: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict)
    learn: Callable[[Request], Learned] | None = None

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

    def check(self, request: Request) -> None:
        """Refuse a request that lacks something, in words."""
        for need in self.needs:
            given, what, fix = NEEDS[need]
            if not given(request):
                what = what.format(name=request.generator.name, sampler=request.sampler)
                raise GammaFaceError(f"{self.name} needs {what}", fix=fix)
        if request.target is not None and request.labeller is not None:
            check_target(request.target, request.labeller)


Given = Callable[[Request], bool]
NEEDS: dict[str, tuple[Given, str, str]] = {
    "mixture": (
        lambda r: r.mixture is not None,
        "a fitted mixture",
        "Fit a LatentMixture on a harvest first.",
    ),
    "harvest": (
        lambda r: r.mixture is not None and r.mixture.latents_ is not None,
        "a mixture that knows the harvest it was fitted on",
        "Fit the mixture on the harvest itself: LatentMixture(K).fit(z), not z.array.",
    ),
    "target": (
        lambda r: r.target is not None,
        "a target: which groups, in what shares",
        "Give target=Target.even(('gender',), labeller.classes), or shares of your own.",
    ),
    "labeller": (
        lambda r: r.labeller is not None,
        "a labeller that names the groups",
        "Give labeller=load_attributes(), or a classifier of your own.",
    ),
    "pilot": (
        lambda r: r.pilot > 0 or r.learned is not None,
        "a pilot: labelled images to learn from",
        "Give pilot=1000.",
    ),
    "mid-block": (
        lambda r: getattr(r.generator.unet, "mid_block", None) is not None,
        "a U-Net with a mid block, which the model '{name}' does not have",
        "Choose another strategy, or another model.",
    ),
    "deterministic": (
        lambda r: r.sampler != "ddpm",
        "a deterministic sampler, so that the noise alone decides the image; '{sampler}' adds more",
        "Use sampler='ddim' or 'dpm-solver'.",
    ),
}
"""What a strategy may need: whether it is given, what it is, and what to do."""
