"""Tell reasoning from text in a stream that marks it with ``<think>`` and ``</think>``.

AutoGen streams both in one channel of chunks. The markers may be cut anywhere by the chunks and
may come many times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from swarm_stream.events.model import Channel

__all__ = ["ThinkSplitter"]

_BEGIN: Final = "<think>"
_END: Final = "</think>"


class ThinkSplitter:
    """Cut chunks into stretches of text and of reasoning.

    Joined, the stretches are what was fed, without the markers. An end marker outside of
    reasoning, or a second begin inside, marks nothing and stays where it is.
    """

    def __init__(self) -> None:
        self._held = ""
        self.channel: Channel = "text"

    def feed(self, chunk: str) -> list[tuple[Channel, str]]:
        """Take the next chunk, and give what is certain by now.

        The start of what may become a marker is held back until the next chunk decides.
        """
        if not self._held and "<" not in chunk:
            return [(self.channel, chunk)] if chunk else []
        said: list[tuple[Channel, str]] = []
        rest = self._held + chunk
        self._held = ""
        while rest:
            marker = _BEGIN if self.channel == "text" else _END
            before, found, after = rest.partition(marker)
            if not found:
                kept = _overlap(rest, marker)
                before, self._held = (rest[:-kept], rest[-kept:]) if kept else (rest, "")
            if before:
                said.append((self.channel, before))
            if found:
                self.channel = "reasoning" if self.channel == "text" else "text"
            rest = after
        return said

    def release(self) -> list[tuple[Channel, str]]:
        """Give what was held back, because no more chunks come for now."""
        held, self._held = self._held, ""
        return [(self.channel, held)] if held else []

    def restart(self) -> None:
        """Begin again outside of reasoning. Release what is held before."""
        self.channel = "text"


def _overlap(text: str, marker: str) -> int:
    """Give how many characters at the end of ``text`` begin ``marker``."""
    for size in range(min(len(text), len(marker) - 1), 0, -1):
        if marker.startswith(text[-size:]):
            return size
    return 0
