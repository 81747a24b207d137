"""What a model is called: a bundled name, a folder or a hub id, and what may stand behind it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from gammaface.errors import GammaFaceError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
CLASS = re.compile(r"[0-9]{1,9}")
GUIDED = re.compile(r"\+pag([0-9]{1,2}(?:\.[0-9]{1,3})?)?")
GUIDANCE = 2.0  # of +pag alone
LARGEST_GUIDANCE = 10.0
LONGEST_NAME = 1024  # characters


@dataclass(frozen=True)
class Named:
    """A model's name taken apart: ``NAME[@REVISION][#CLASS][+pag[SCALE]]``."""

    base: str
    revision: str | None = None
    label: int | None = None
    guidance: float | None = None

    @property
    def solver_file(self) -> str:
        """The file beside a model's weights that tells which sampler suits it."""
        return f"solver{guidance_suffix(self.guidance)}.json"

    @property
    def suffix(self) -> str:
        """Class and guidance, as they are written behind a name."""
        label = "" if self.label is None else f"#{self.label}"
        return label + guidance_suffix(self.guidance)


def guidance_suffix(scale: float | None) -> str:
    """How guidance is written behind a name; "" without."""
    return "" if scale is None else f"+pag{scale:g}"


def take_apart(name: str) -> Named:
    """Split a model's name; a path that exists is taken as it is.

    Raises
    ------
    GammaFaceError
        For a class that is no number, a scale out of range, and a name that is none.

    Examples
    --------
    >>> take_apart("owner/dit@v2#207")
    Named(base='owner/dit', revision='v2', label=207, guidance=None)
    >>> take_apart("faces+pag0.5")
    Named(base='faces', revision=None, label=None, guidance=0.5)
    """
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise GammaFaceError(
            f"{ascii(name[:60])} is no model's name", fix="Give a bundled name, a folder or a hub id."
        )
    if os.path.exists(name):  # a name too long for the system is no path
        return Named(name)
    rest, guidance = _guidance(name)
    rest, hash_sign, label = rest.partition("#")
    if hash_sign and not CLASS.fullmatch(label):
        raise GammaFaceError(
            f"'{label[:40]}' is no class number", fix="Write NAME#CLASS, like owner/model#3."
        )
    base, at, revision = rest.partition("@")
    if at and not (revision and HUB_ID.fullmatch(base)):
        base, revision = rest, ""  # an @ in a path
    return Named(base, revision or None, int(label) if hash_sign else None, guidance)


def _guidance(name: str) -> tuple[str, float | None]:
    """A name without its ``+pag[SCALE]``, and the scale."""
    rest, plus, scale = name.rpartition("+pag")
    if not plus:
        return name, None
    found = GUIDED.fullmatch(plus + scale)
    guidance = float(found[1] or GUIDANCE) if found else 0.0
    if not 0 < guidance <= LARGEST_GUIDANCE:
        raise GammaFaceError(
            f"'{scale[:40]}' is no scale of guidance",
            fix=f"Write NAME+pag, or NAME+pagSCALE with a scale above 0 and up to {LARGEST_GUIDANCE:g}.",
        )
    return rest, guidance
