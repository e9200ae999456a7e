"""Which cursor of a viewer's socket to read next: one read at a time, no queue.

A subscription is a cursor on a log. When a tail moves, only the number changes here; the events
stay in the log until the socket has drained and it is this cursor's turn. So a slow viewer costs
the server one read and one unfinished write, and gets fewer and larger frames.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Read", "SubscriberPump"]


class Read(NamedTuple):
    """The one read to make now."""

    stream: str
    offset: int
    cursor: int
    """Which one, of those that there were on this socket."""
    live: bool
    """Whether what is there was added since the cursor is: else it is caught up with."""


@dataclass(slots=True)
class _Cursor:
    number: int
    next: int
    tail: int
    closed: bool
    live_from: int


class SubscriberPump:
    """The cursors of one socket. Fair: streams take turns, one read each."""

    def __init__(self) -> None:
        self._cursors: dict[str, _Cursor] = {}
        self._made = 0
        # Streams with something to read, in the order of their turns.
        self._ready: OrderedDict[str, None] = OrderedDict()
        # Closed streams that were read to the end. Apart, so that nobody has to look for them:
        # one socket may read thousands of streams.
        self._finished: dict[str, None] = {}

    def __contains__(self, stream: object) -> bool:
        """Whether there is a cursor on the stream."""
        return stream in self._cursors

    @property
    def streams(self) -> tuple[str, ...]:
        """Streams with a cursor."""
        return tuple(self._cursors)

    def add(self, stream: str, *, start: int, tail: int, closed: bool) -> None:
        """Begin to read ``stream`` from ``start``; replaces an earlier cursor on it."""
        self.remove(stream)
        self._made += 1
        self._cursors[stream] = cursor = _Cursor(self._made, start, tail, closed, tail)
        self._line_up(stream, cursor)

    def remove(self, stream: str) -> bool:
        """Read ``stream`` no more; tells whether there was a cursor."""
        self._ready.pop(stream, None)
        self._finished.pop(stream, None)
        return self._cursors.pop(stream, None) is not None

    def moved(self, stream: str, *, tail: int, closed: bool) -> bool:
        """Note that a tail moved; tells whether there is something to do now."""
        cursor = self._cursors.get(stream)
        if cursor is None:
            return False
        cursor.tail = max(cursor.tail, tail)
        cursor.closed = cursor.closed or closed
        return self._line_up(stream, cursor)

    @property
    def busy(self) -> bool:
        """Whether there is something to read, or a closed stream that was read to the end."""
        return bool(self._ready or self._finished)

    def next_read(self) -> Read | None:
        """Give the read whose turn it is, if any cursor is behind its tail."""
        for stream in self._ready:
            cursor = self._cursors[stream]
            return Read(stream, cursor.next, cursor.number, cursor.next >= cursor.live_from)
        return None

    def holds(self, read: Read) -> bool:
        """Tell whether a read is still wanted: its cursor was neither removed nor replaced."""
        cursor = self._cursors.get(read.stream)
        return cursor is not None and cursor.number == read.cursor

    def advanced(self, stream: str, *, offset: int, count: int) -> None:
        """Note that ``count`` events from ``offset`` on are being sent. Ends the stream's turn."""
        cursor = self._cursors[stream]
        cursor.next = offset + count
        self._ready.pop(stream, None)
        self._line_up(stream, cursor)

    def take_finished(self) -> list[tuple[str, int]]:
        """Give the closed streams whose events were all sent, with their tails, and drop them."""
        finished = [(stream, self._cursors[stream].tail) for stream in self._finished]
        for stream, _ in finished:
            self.remove(stream)
        return finished

    def _line_up(self, stream: str, cursor: _Cursor) -> bool:
        """Have a cursor's turn come if there is something to do; tells whether there is."""
        if cursor.next < cursor.tail:
            self._ready[stream] = None
            self._finished.pop(stream, None)
        elif cursor.closed:
            self._finished[stream] = None
        else:
            return False
        return True

    def lag(self) -> int:
        """How many events the socket is behind, over all streams."""
        return sum(max(0, cursor.tail - cursor.next) for cursor in self._cursors.values())
