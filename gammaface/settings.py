"""A recipe's fields as ``name=value`` texts: what the command line can make smaller or larger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from gammaface.audit.parsing import parse_options, parse_value
from gammaface.errors import GammaFaceError

Recipe = TypeVar("Recipe")
SIMPLE = (int, float, str, tuple)
WORDS = {int: "a whole number", float: "a number"}


def with_settings(
    defaults: Recipe, texts: Sequence[str], *, readers: Mapping[str, Callable[[str], Any]] | None = None
) -> Recipe:
    """The same recipe with some fields set; several words are joined by commas.

    Parameters
    ----------
    defaults : dataclass instance
        Fields of numbers, words and tuples of either can be set, optional ones, too.
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
    >>> small = with_settings(Plan(), ["seeds=1", "min_ps=0,.9", "tasks=celeba:smile"])
    >>> small.seeds, small.min_ps, small.tasks
    (1, (0.0, 0.9), ('celeba:smile',))
    """
    readers = readers or {}
    kinds = {name: _kind(hint) for name, hint in get_type_hints(type(defaults)).items()}
    known = [name for name, kind in kinds.items() if name in readers or (get_origin(kind) or kind) in SIMPLE]
    given = {}
    for name, value in parse_options(list(texts)).items():
        if name not in known:
            raise GammaFaceError(f"'{name}' is not in the recipe", fix=f"Set {', '.join(known)}.")
        given[name] = readers[name](str(value)) if name in readers else _as(kinds[name], name, value)
    return replace(defaults, **given)


def _kind(hint: Any) -> Any:
    """What a field holds where it is not None: int of ``int | None``."""
    if isinstance(hint, UnionType):
        return next(each for each in get_args(hint) if each is not NoneType)
    return hint


def _as(kind: Any, name: str, value: int | float | str) -> object:
    if get_origin(kind) is tuple:
        each, words = get_args(kind)[0], [word.strip() for word in str(value).split(",")]
        return tuple(word if each is str else _as(each, name, parse_value(word)) for word in words)
    if kind is str or isinstance(value, kind) or (kind is float and isinstance(value, int)):
        return kind(value)
    raise GammaFaceError(f"'{name}={value}' cannot be used", fix=f"'{name}' is {WORDS[kind]}.")
