"""The one exception that users are meant to see."""

from __future__ import annotations


class GammaFaceError(Exception):
    """Bad input or a refused operation, in one sentence a user can act on.

    Parameters
    ----------
    what : str
        What is wrong, naming the value that was refused.
    fix : str
        What to do about it.
    where : object, optional
        The file, argument or run concerned.
    """

    def __init__(self, what: str, *, fix: str, where: object | None = None) -> None:
        self.what, self.fix, self.where = what, fix, where
        place = f" ({where})" if where is not None else ""
        super().__init__(f"{what}{place}. {fix}")
