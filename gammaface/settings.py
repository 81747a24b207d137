"""A recipe's fields as ``name=value`` texts: what the command line can make smaller or larger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from gammaface.audit.parsing import parse_options
from gammaface.errors import GammaFaceError

Recipe = TypeVar("Recipe")
SIMPLE = (int, float, str, tuple, type(None))


def with_settings(
    defaults: Recipe, texts: Sequence[str], *, readers: Mapping[str, Callable[[str], Any]] | None = None
) -> Recipe:
    """The same recipe with some fields set; several words are joined by commas.

    Parameters
    ----------
    defaults : dataclass instance
        Numbers, words, tuples of words and None can be set; each keeps its type.
    texts : sequence of str
    readers : mapping of str to callable, optional
        What reads the text of a field that holds anything else.

    Raises
    ------
    GammaFaceError
        For fields that the recipe does not have, and values of another type.

    Examples
    --------
    >>> from gammaface.downstream.recorded import Plan
    >>> small = with_settings(Plan(), ["seeds=1", "learning_rate=1", "tasks=celeba:smile"])
    >>> small.seeds, small.learning_rate, small.tasks
    (1, 1.0, ('celeba:smile',))
    """
    readers = readers or {}
    known = {
        f.name: getattr(defaults, f.name)
        for f in fields(defaults)
        if f.name in readers or isinstance(getattr(defaults, f.name), SIMPLE)
    }
    given = {}
    for name, value in parse_options(list(texts)).items():
        if name not in known:
            raise GammaFaceError(f"'{name}' is not in the recipe", fix=f"Set {', '.join(known)}.")
        given[name] = readers[name](str(value)) if name in readers else _like(known[name], name, value)
    return replace(defaults, **given)


def _like(default: object, name: str, value: int | float | str) -> object:
    if isinstance(default, tuple):
        return tuple(word.strip() for word in str(value).split(","))
    if isinstance(default, str):
        return str(value)
    wanted = type(default)
    if default is None or isinstance(value, wanted) or (wanted is float and isinstance(value, int)):
        return value if default is None else wanted(value)
    raise GammaFaceError(f"'{name}={value}' cannot be used", fix=f"Give {name} as {default!r} is.")
