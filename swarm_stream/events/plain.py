"""Text of strangers as a reader may see it.

What no reader sees but what obeys it (controls), or what moves other letters about (the controls
of direction), is shown as U+FFFD, so that a text reads as what it is and no terminal does what it
says. Letters of right-to-left scripts and their marks stay.

Twin of ``frontend/src/plain.ts``.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category

__all__ = ["MAX_NAME", "one_line", "printable", "shorten"]

MAX_NAME: Final = 120
"""A name, or whatever else stands in a line of ours, is cut here."""

# C0 and C1 controls but for tab and line feed, what turns the direction of text around, and half
# pairs of surrogates, which cannot be written as UTF-8.
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Marks on one letter, which cost a browser the square of their number; writing needs few.
_MAX_MARKS: Final = 16
_MAYBE_HEAP: Final = re.compile(r"[^\x00-\u02ff]{17,}")
# Of no width, and of no use in a name; those who join are, but not after a plain letter.
_HIDDEN: Final = re.compile(
    r"[\u00ad\u180e\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]|(?<=[!-~])[\u200c\u200d]"
)


def printable(text: str) -> str:
    """Give text without what would be obeyed instead of shown, and without heaps of marks.

    A return ends a line: a terminal would write over it, and Markdown ends it there.
    """
    shown = _UNPRINTABLE.sub("\ufffd", re.sub(r"\r\n?", "\n", text))
    return _MAYBE_HEAP.sub(_without_heaps, shown)


def _without_heaps(run: re.Match[str]) -> str:
    kept, marks = [], 0
    for char in run[0]:
        marks = marks + 1 if category(char)[0] == "M" else 0
        if marks <= _MAX_MARKS:
            kept.append(char)
    return "".join(kept)


def one_line(text: str) -> str:
    """Give text in one line. ASCII white space only, so that both twins mean the same."""
    line = re.sub(r"^ | $", "", re.sub(r"[ \t\r\n\f\v]+", " ", text))
    return _HIDDEN.sub("\ufffd", printable(line))


def shorten(text: str, limit: int = MAX_NAME) -> str:
    """Give one line of at most ``limit`` characters."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
