"""The last events of a stream that somebody watches, encoded once for all who are up to date."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final

from swarm_stream.logs.base import Slice
from swarm_stream.protocol.frames import encode_events

if TYPE_CHECKING:
    from swarm_stream.logs.base import Moved

__all__ = ["HotTail"]

MAX_HELD_BYTES: Final = 64 * 1024
MAX_FRAMES: Final = 8
MAX_TIMES: Final = 64
"""Commits whose time is known. Beyond, every other one of the older half is forgotten."""


class HotTail:
    """What was committed last, and the frames made of it. Bounded; a miss is read from the log.

    Attributes:
        tail: The stream's tail, once it has moved.
        closed: Whether the stream has ended, as far as is known.

    """

    def __init__(self) -> None:
        self.tail: int | None = None
        self.closed = False
        self._slices: deque[Slice] = deque()
        self._bytes = 0
        self._frames: OrderedDict[int, tuple[Slice, bytes]] = OrderedDict()
        # The tails and when they were reached.
        self._times: list[tuple[int, float]] = []

    def add(self, moved: Moved, *, now: float) -> None:
        """Take in what was just committed."""
        self.tail = moved.tail
        if len(self._times) == MAX_TIMES:
            half = MAX_TIMES // 2
            self._times[:half] = self._times[:half:2]
        self._times.append((moved.tail, now))
        self.closed = self.closed or moved.closed
        self._frames.clear()
        for part in moved.slices:
            if self._slices and self._slices[-1].offset + self._slices[-1].count != part.offset:
                self._slices.clear()
                self._bytes = 0
            self._slices.append(part)
            self._bytes += len(part.body)
        while self._bytes > MAX_HELD_BYTES and len(self._slices) > 1:
            self._bytes -= len(self._slices.popleft().body)

    def committed(self, offset: int) -> float | None:
        """Give when the event at ``offset`` was committed; too late, if that is long ago."""
        found = None
        for tail, when in reversed(self._times):
            if tail <= offset:
                break
            found = when
        return found

    def frame(
        self, stream: str, offset: int, *, max_bytes: int, max_events: int
    ) -> tuple[Slice, bytes] | None:
        """Give the frame of all that is held from ``offset`` on, if a slice begins there."""
        ready = self._frames.get(offset)
        if ready is not None:
            return ready
        bodies: list[bytes] = []
        count = size = 0
        for part in self._slices:
            if part.offset < offset:
                continue
            if part.offset != offset + count:
                break
            size += len(part.body)
            if bodies and (size > max_bytes or count + part.count > max_events):
                break
            bodies.append(part.body)
            count += part.count
        if not bodies or count > max_events:
            return None
        whole = Slice(offset, count, b",".join(bodies) if len(bodies) > 1 else bodies[0])
        ready = (whole, encode_events(stream, offset, whole.body))
        self.remember(*ready)
        return ready

    def remember(self, part: Slice, frame: bytes) -> None:
        """Keep a frame for the other viewers at the same place."""
        self._frames[part.offset] = (part, frame)
        while len(self._frames) > MAX_FRAMES:
            self._frames.popitem(last=False)
