"""The rules of the buffer between an agent and the log: one window, two watermarks.

The window holds a stream's events from the first that the log has not acknowledged. It is the
retransmission store and the backpressure in one place: nothing leaves it before it is durable,
and when it fills up the agents are paused. ``runtime.buffer.TokenBuffer`` makes it safe for
threads and lets callers wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from swarm_stream.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence, Sized

__all__ = ["Window"]

T = TypeVar("T", bound="Sized")


class Window(Generic[T]):
    """Events that the log has not acknowledged, by offset. Not thread safe.

    Args:
        size: Events that may be held before the agents must stop; at least 1.
        max_bytes: The same in bytes of JSON.
        pause_at: Fraction of either limit at which ``paused`` becomes true.
        resume_at: Fraction at which it becomes false again; below ``pause_at``.

    Attributes:
        base: Offset of the first event held: everything below was acknowledged.
        next: Offset that the next event will get.
        bytes_held: Bytes of the events held.
        paused: Whether the source should pause (with hysteresis).
        peak: The most events ever held at once.
        pauses: How often ``paused`` became true.

    """

    def __init__(self, *, size: int, max_bytes: int, pause_at: float, resume_at: float) -> None:
        self.size = size
        self.max_bytes = max_bytes
        self._pause_events = max(1.0, size * pause_at)
        self._resume_events = size * resume_at
        self._pause_bytes = max_bytes * pause_at
        self._resume_bytes = max_bytes * resume_at
        self._events: list[T] = []
        self.base = 0
        self.next = 0
        self.bytes_held = 0
        self.paused = False
        self.peak = 0
        self.pauses = 0

    def __len__(self) -> int:
        """How many events are held."""
        return len(self._events)

    @property
    def full(self) -> bool:
        """Whether a well-behaved producer must wait. An empty window is never full."""
        held = len(self._events)
        return held >= self.size or (held > 0 and self.bytes_held >= self.max_bytes)

    def put(self, event: T) -> int:
        """Hold an event, and give its offset. Never refuses: ``full`` is the caller's to heed."""
        offset = self.next
        self._events.append(event)
        self.next = offset + 1
        self.bytes_held += len(event)
        held = len(self._events)
        if held > self.peak:  # noqa: PLR1730  (``max`` is a call for every chunk)
            self.peak = held
        if not self.paused and (held >= self._pause_events or self.bytes_held >= self._pause_bytes):
            self.paused = True
            self.pauses += 1
        return offset

    def rebase(self, offset: int) -> None:
        """Begin at ``offset`` instead of 0: the stream has events of an earlier producer.

        Raises:
            LocalProtocolError: If something was put already.

        """
        if self.next != 0:
            raise LocalProtocolError("a window that holds events cannot begin elsewhere")
        self.base = self.next = offset

    def slice(self, offset: int, *, max_events: int, max_bytes: int) -> Sequence[T]:
        """Give events from ``offset`` on, within the limits, but at least one if there is one.

        Raises:
            LocalProtocolError: If ``offset`` is below ``base``: those events are let go.

        """
        if offset < self.base:
            raise LocalProtocolError(
                f"offset {offset} was acknowledged and let go; held from {self.base}"
            )
        first = offset - self.base
        events = self._events[first : first + max_events]
        total = 0
        for index, event in enumerate(events):
            total += len(event) + 1
            if total > max_bytes and index > 0:
                return events[:index]
        return events

    def ack(self, next_offset: int) -> int:
        """Let go of everything below ``next_offset``, and tell how many events that was.

        An older acknowledgement does nothing.

        Raises:
            LocalProtocolError: If it acknowledges what was never put.

        """
        if next_offset > self.next:
            raise LocalProtocolError(
                f"acknowledged up to {next_offset}, but only {self.next} events exist"
            )
        freed = next_offset - self.base
        if freed <= 0:
            return 0
        self.bytes_held -= sum(map(len, self._events[:freed]))
        del self._events[:freed]
        self.base = next_offset
        if (
            self.paused
            and len(self._events) <= self._resume_events
            and self.bytes_held <= self._resume_bytes
        ):
            self.paused = False
        return freed
