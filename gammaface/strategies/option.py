"""Option: a number or word that changes how a strategy works."""

from __future__ import annotations

from dataclasses import dataclass

from gammaface.errors import GammaFaceError

Value = float | int | str


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
