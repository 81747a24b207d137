"""A number that can say in words what it is worth."""

from __future__ import annotations


class Measure(float):
    """A metric's value with a note in words.

    It is a plain float everywhere. Its ``note`` says why the value is NaN, or what was
    skipped to get it; an empty note means that every cell took part.

    Examples
    --------
    >>> value = Measure(float("nan"), "only one group")
    >>> value, value.note
    (nan, 'only one group')
    """

    __slots__ = ("note",)

    def __new__(cls, value: float, note: str = "") -> Measure:
        measure = super().__new__(cls, value)
        measure.note = note
        return measure


def join_notes(*notes: str) -> str:
    """The notes that say something, in one line."""
    return "; ".join(note for note in notes if note)
