"""Where events rest: the contract of every log.

A log never looks into an event. Events come as JSON texts and are kept as they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from swarm_stream.logs.admission import Closed, Fenced, Verdict

__all__ = ["Claimed", "Moved", "Slice", "StreamInfo", "StreamLog"]


class Claimed(NamedTuple):
    """A producer holds a stream."""

    epoch: int
    next: int


class Slice(NamedTuple):
    """Consecutive events of a stream, as JSON texts joined by commas (no brackets)."""

    offset: int
    """Of the first event."""
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody misses
    """How many; 0 at the tail."""
    body: bytes


class Moved(NamedTuple):
    """A stream's tail moved, durably."""

    stream: str
    slices: tuple[Slice, ...]
    """What was added, where the log has it at hand (then it need not be read again)."""
    tail: int
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo:
    """What a log knows of a stream."""

    stream: str
    head: int
    tail: int
    closed: bool
    epoch: int
    producer: str
    meta: bytes
    """The producer's description, a JSON object."""
    created_ms: float
    updated_ms: float
    size_bytes: int
    """Of the events held."""


class StreamLog(Protocol):
    """An append-only log of events for each stream.

    Offsets are dense: the first event of a stream has offset 0 and each one after it the next
    integer. ``claim``, ``append``, ``trim`` and ``delete`` take effect in the order in which they
    are called, whether or not their results are awaited in between. All calls come from one
    event loop, and none blocks it. Cancelling is safe: a call has either all of its effect or
    none. Implementations pass ``tests/logs/test_conformance.py``; nothing else is asked of them.
    """

    async def open(self) -> None:
        """Make ready.

        Raises:
            LogVersionError: If the file was made by a newer version.
            LogLockedError: If another server has it.
            LogError: If it cannot be opened or written.

        """
        ...

    async def aclose(self) -> None:
        """Finish what was handed in, then close. May be called twice."""
        ...

    def watch(self, watcher: Callable[[Moved], None]) -> None:
        """Call ``watcher`` on the loop each time a tail has moved, after it is durable, in order.

        There is one watcher: the hub.
        """
        ...

    def claim(
        self, stream: str, *, producer: str, meta: bytes | None, epoch: int | None = None
    ) -> Awaitable[Claimed | Closed | Fenced]:
        """Make ``producer`` the stream's holder; makes the stream where there is none.

        The present holder gets its epoch again; anybody else the next one, durably, unless it
        comes back with an ``epoch`` that it held: then another has the stream. So who brings the
        epoch after the one that it has seen takes the stream only if nobody has since. ``meta``
        of None leaves what is there.
        """
        ...

    def append(
        self, stream: str, *, epoch: int, offset: int, events: Sequence[bytes], closes: bool
    ) -> Awaitable[Verdict]:
        """Add events once, if ``admit`` lets them in.

        When this returns ``Admitted``, the events survive a crash of this process. The check and
        the write are one transaction. ``closes`` ends the stream with the last of them.

        Raises:
            NoSuchStreamError: If the stream was never claimed, or was deleted.
            LogError: If it cannot be written (a full disk). Nothing was; a retry may succeed.

        """
        ...

    async def read(self, stream: str, offset: int, *, max_events: int, max_bytes: int) -> Slice:
        """Give consecutive events from ``offset`` on: at least one where there is one.

        Raises:
            NoSuchStreamError: If there is no such stream.
            OffsetOutOfRangeError: If ``offset`` is below the head or above the tail, or what was
                there is damaged; reading can go on at the error's ``head``.

        """
        ...

    async def info(self, stream: str) -> StreamInfo:
        """Give what is known of a stream.

        Raises:
            NoSuchStreamError: If there is no such stream.

        """
        ...

    async def list(self) -> list[StreamInfo]:
        """Give all streams, the last changed first."""
        ...

    def trim(self, stream: str, *, before: int) -> Awaitable[int]:
        """Let go of events below ``before``, or of as many as is cheap; gives the new head."""
        ...

    def delete(self, stream: str) -> Awaitable[bool]:
        """Forget a stream and all its events; tells whether there was one."""
        ...
