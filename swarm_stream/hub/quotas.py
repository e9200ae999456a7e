"""How many streams a server keeps, and how large each may grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swarm_stream.logs.base import StreamInfo

__all__ = ["Quotas"]

ENDING_BYTES: Final = 32 * 2**20
"""Bytes beyond the limit for a run that ends: what waited in its buffer, and its last words."""


class Quotas:
    """Count streams and their bytes. 0 stands for no limit.

    Args:
        max_streams: Streams that may be there at once.
        max_stream_bytes: Bytes of events that one stream may hold.

    """

    def __init__(self, *, max_streams: int = 0, max_stream_bytes: int = 0) -> None:
        self.max_streams = max_streams
        self.max_stream_bytes = max_stream_bytes
        self._names: set[str] = set()
        self._open: set[str] = set()
        self._bytes: dict[str, int] = {}

    @property
    def streams(self) -> int:
        """How many streams there are."""
        return len(self._names)

    @property
    def open_streams(self) -> int:
        """How many of them have not ended."""
        return len(self._open)

    def load(self, streams: Iterable[StreamInfo]) -> None:
        """Take in what the log holds already."""
        for info in streams:
            self._names.add(info.stream)
            if not info.closed:
                self._open.add(info.stream)
                self._bytes[info.stream] = info.size_bytes

    def refuse_claim(self, stream: str) -> str:
        """Give why there may be no such stream, or an empty string and count it."""
        if stream not in self._names and 0 < self.max_streams <= len(self._names):
            return (
                f"this server keeps {self.max_streams} streams already; delete old ones or raise "
                "SwarmStreamApp.max_streams"
            )
        if stream not in self._names:
            self._names.add(stream)
            self._open.add(stream)
        return ""

    def refuse_append(self, stream: str, size: int, *, ending: bool) -> str:
        """Give why a stream may not grow by ``size`` bytes, or an empty string."""
        if not self.max_stream_bytes:
            return ""
        limit = self.max_stream_bytes + (ENDING_BYTES if ending else 0)
        if self._bytes.get(stream, 0) + size <= limit:
            return ""
        return (
            f"stream {stream!r} has reached {self.max_stream_bytes} bytes; raise "
            "SwarmStreamApp.max_stream_bytes or cancel the run. Nothing is lost meanwhile"
        )

    def grown(self, stream: str, size: int) -> None:
        """Count what was added."""
        if self.max_stream_bytes:
            self._bytes[stream] = self._bytes.get(stream, 0) + size

    def measured(self, stream: str, size: int) -> None:
        """Correct the count by the log's own."""
        self._bytes[stream] = size

    def closed(self, stream: str) -> None:
        """Count a stream's bytes no more: nothing is added to it."""
        self._open.discard(stream)
        self._bytes.pop(stream, None)

    def deleted(self, stream: str) -> None:
        """Forget a stream."""
        self._names.discard(stream)
        self._open.discard(stream)
        self._bytes.pop(stream, None)
