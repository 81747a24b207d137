"""How methods, targets and options are written on the command line."""

from __future__ import annotations

from gammaface.audit.options import PILOT, PLAIN, Aim, Method
from gammaface.errors import GammaFaceError
from gammaface.strategies import ABOUT
from gammaface.strategies.option import Value

OWN = {"n": int, "pilot": int, "injection": str}  # of the method, not of its strategy


def parse_value(text: str) -> Value:
    """A whole number, a number or a word.

    Examples
    --------
    >>> parse_value("3"), parse_value(".5"), parse_value("h")
    (3, 0.5, 'h')
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parse_options(texts: list[str]) -> dict[str, Value]:
    """``name=value`` each.

    Raises
    ------
    GammaFaceError
        For a text without name or sign, or a name that comes twice.

    Examples
    --------
    >>> parse_options(["pool=3", "space=h"])
    {'pool': 3, 'space': 'h'}
    """
    found: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not (name and equals) or name in found:
            raise GammaFaceError(f"'{text}' sets no option", fix="Write option=value, each option once.")
        found[name] = parse_value(value.strip())
    return found


def parse_attributes(text: str) -> tuple[str, ...]:
    """``gender`` or ``gender,race``, which are evened out together; ``+`` does as well.

    Examples
    --------
    >>> parse_attributes("gender, race"), parse_attributes("gender+race")
    (('gender', 'race'), ('gender', 'race'))
    """
    names = tuple(name.strip() for name in text.replace("+", ",").split(","))
    if not all(names):
        raise GammaFaceError(f"'{text}' names no attributes", fix="Write gender, or gender,race.")
    return names


def parse_shares(text: str) -> tuple[tuple[str, float], ...]:
    """``female=.5,male=.5``; a joint cell is written ``female, young=.25``.

    Raises
    ------
    GammaFaceError
        For what is no share.

    Examples
    --------
    >>> parse_shares("female, young=.75, male, old=.25")
    (('female, young', 0.75), ('male, old', 0.25))
    """
    shares, words = [], []
    for part in text.split(","):
        name, equals, number = part.partition("=")
        words.append(name.strip())
        if not equals:
            continue
        value = parse_value(number.strip())
        if isinstance(value, str) or not all(words):
            raise GammaFaceError(f"'{part.strip()}' is no share", fix="Write female=.5,male=.5.")
        shares.append((", ".join(words), float(value)))
        words = []
    if words or not shares:
        raise GammaFaceError(f"'{text}' does not end with a share", fix="Write female=.5,male=.5.")
    return tuple(shares)


def parse_aims(targets: str, shares: list[str]) -> tuple[Aim, ...]:
    """``gender,race3,gender+race``, and ``gender:female=.7,male=.3`` for other shares.

    Examples
    --------
    >>> [aim.name for aim in parse_aims("race3,gender+race", ["gender: female=.7, male=.3"])]
    ['race3', 'gender+race', 'gender@female0.7-male0.3']
    """
    aims = [Aim(parse_attributes(name)) for name in targets.split(",")] if targets.strip() else []
    for text in shares:
        attributes, colon, rest = text.partition(":")
        if not colon:
            raise GammaFaceError(f"'{text}' gives no shares", fix="Write gender:female=.7,male=.3.")
        aims.append(Aim(parse_attributes(attributes), parse_shares(rest)))
    return tuple(aims)


def parse_methods(text: str, sets: list[str], *, n: int, pilot: int = PILOT) -> tuple[Method, ...]:
    """``plain,strong=distribution-guidance`` with ``strong.scale=10`` beside it.

    A strategy may come several times under names of its own. Besides a strategy's options,
    ``n``, ``pilot`` and ``injection`` can be set.

    Raises
    ------
    GammaFaceError
        For unknown strategies and options, and settings of no method.

    Examples
    --------
    >>> two = parse_methods("plain,strict=quota", ["strict.limit=9", "plain.n=50"], n=20)
    >>> [(m.name, m.strategy, m.n, dict(m.options)) for m in two]
    [('plain', 'plain', 50, {}), ('strict', 'quota', 20, {'limit': 9})]
    """
    wanted = list(ABOUT) if text.strip() == "all" else [name.strip() for name in text.split(",")]
    strategies = {}
    for word in wanted:
        label, equals, strategy = word.partition("=")
        if label in strategies:
            raise GammaFaceError(f"the method '{label}' comes twice", fix="Write NAME=strategy for a second.")
        strategies[label] = strategy if equals else label
    strategies.setdefault(PLAIN, PLAIN)
    chosen: dict[str, dict[str, Value]] = {label: {} for label in strategies}
    for name, value in parse_options(sets).items():
        label, dot, option = name.partition(".")
        if not dot or label not in chosen:
            raise GammaFaceError(
                f"'{name}' is an option of no method here",
                fix=f"Write METHOD.option=value; the methods are {', '.join(chosen)}.",
            )
        chosen[label][option] = value
    return tuple(
        _method(label, strategy, chosen[label], {"n": n, "pilot": pilot})
        for label, strategy in strategies.items()
    )


def _method(label: str, strategy: str, options: dict[str, Value], common: dict[str, int]) -> Method:
    own = common | {name: options.pop(name) for name in OWN if name in options}
    for name, value in own.items():
        if not isinstance(value, OWN[name]):
            raise GammaFaceError(
                f"{label}.{name}={value!r} cannot be used", fix=f"Give {name} as its default is."
            )
    return Method(label, strategy, options, **own)
