"""Tell reasoning from text in a stream that marks it with ``<think>`` and ``</think>``.

AutoGen streams both in one channel of chunks. The markers may be cut anywhere by the chunks and
may come many times.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from swarm_stream.events.model import Channel

__all__ = ["ThinkSplitter"]

_BEGIN: Final = "<think>"
_END: Final = "</think>"


class ThinkSplitter:
    """Cut chunks into stretches of text and of reasoning.

    Joined, the stretches are what was fed, without the markers. A chunk without a marker in it
    stays one stretch, also where it had to wait for the next one. An end marker outside of
    reasoning, or a second begin inside, marks nothing and stays where it is.
    """

    def __init__(self) -> None:
        self._held: list[str] = []
        self.channel: Channel = "text"

    def plain(self, chunk: str) -> bool:
        """Tell whether ``feed`` would give ``chunk`` as it is: nearly all chunks are like that."""
        return not self._held and "<" not in chunk

    def feed(self, chunk: str) -> list[tuple[Channel, str]]:
        """Take the next chunk, and give what is certain by now.

        A chunk that ends with what may become a marker is held back until the next one decides.
        """
        if self.plain(chunk):
            return [(self.channel, chunk)] if chunk else []
        chunks = [*self._held, chunk]
        self._held = []
        rest = "".join(chunks)
        seams = list(accumulate(map(len, chunks)))
        said: list[tuple[Channel, str]] = []
        at = 0
        while at < len(rest):
            marker = _BEGIN if self.channel == "text" else _END
            found = rest.find(marker, at)
            end = found if found >= 0 else len(rest) - _overlap(rest[at:], marker)
            if found < 0 and end < len(rest):
                # From the seam before it on, so that no chunk is broken for nothing.
                end = max([at, *(seam for seam in seams if seam <= end)])
                self._held = _cut(rest, end, len(rest), seams)
            said.extend((self.channel, piece) for piece in _cut(rest, at, end, seams))
            if found < 0:
                break
            self.channel = "reasoning" if self.channel == "text" else "text"
            at = found + len(marker)
        return said

    def release(self) -> list[tuple[Channel, str]]:
        """Give what was held back, because no more chunks come for now."""
        held, self._held = self._held, []
        return [(self.channel, piece) for piece in held]

    def restart(self) -> None:
        """Begin again outside of reasoning. Release what is held before."""
        self.channel = "text"


def _cut(text: str, start: int, end: int, seams: list[int]) -> list[str]:
    """Give ``text[start:end]``, cut at the seams inside of it."""
    places = [start, *(seam for seam in seams if start < seam < end), end]
    return [text[a:b] for a, b in pairwise(places) if a < b]


def _overlap(text: str, marker: str) -> int:
    """Give how many characters at the end of ``text`` begin ``marker``."""
    for size in range(min(len(text), len(marker) - 1), 0, -1):
        if marker.startswith(text[-size:]):
            return size
    return 0
