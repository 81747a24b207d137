"""Words as pages say them; text of a run, which may come from anywhere, as it stands."""

from __future__ import annotations

import re

# What Markdown would take for a mark: underscores only at the edge of a word, some only in front.
_MARKS = re.compile(r"[\\`*\[\]<$~|&]|(?<![^\W_])_|_(?![^\W_])|^\s*[#>+=-]|(?<=\d)[.)](?=\s)")
# What a browser is given as a link even where its marks are escaped.
_LINKS = re.compile(r"https?:(?=//)|www(?=\.)|(?<=\S)(?=@)", re.IGNORECASE)
_JOINER = "\u2060"  # of no width, and no part of an address


def plain(text: object) -> str:
    r"""Text of a run for Markdown: one line, and no mark, link or picture in it is followed.

    Examples
    --------
    >>> print(plain("![x](y) *a* in x_t"))
    !\[x\](y) \*a\* in x_t
    """
    line = re.sub(r"\s+", " ", str(text))
    return _LINKS.sub(rf"\g<0>{_JOINER}", _MARKS.sub(lambda mark: _escaped(mark.group()), line))


def _escaped(mark: str) -> str:
    return mark[:-1] + "\\" + mark[-1]


def advice(text: str) -> str:
    """As :func:`plain`, but commands in backticks stay commands."""
    parts = text.split("`")
    return "`".join(part if i % 2 else plain(part) for i, part in enumerate(parts))


def upper(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def blame(what: str, fix: str) -> str:
    """What went wrong, in bold, and what to do about it."""
    return f"**{upper(plain(what))}.** {advice(fix)}"


def listed(sentences: list[str]) -> str:
    """Sentences of a run as a list, a line each."""
    return "\n".join(f"- {plain(sentence)}" for sentence in sentences)
