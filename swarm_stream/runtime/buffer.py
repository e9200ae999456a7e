"""``TokenBuffer``: the window of ``protocol.buffer``, safe for threads, with waiting."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import BackpressureError
from swarm_stream.protocol.buffer import Window
from swarm_stream.runtime.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Sized

__all__ = ["BufferMetrics", "TokenBuffer"]

T = TypeVar("T", bound="Sized")


class BufferMetrics(NamedTuple):
    """A buffer at one moment."""

    size: int
    """Events that it may hold."""
    held: int
    """Events that it holds."""
    bytes_held: int
    """Bytes of these."""
    peak: int
    """The most events it ever held."""
    put: int
    """Events ever put."""
    acked: int
    """Events acknowledged and let go."""
    paused: bool
    """Whether the source is asked to pause."""
    pauses: int
    """How often it was."""


class TokenBuffer(Generic[T]):
    """Hold a stream's events until the log has them, and slow the agent when it cannot keep up.

    Events are read in batches by ``take`` or ``slice`` and forgotten by ``ack``; until then a
    reconnect can take them again. Above ``pause_at`` of its size the buffer asks the
    source to pause, below ``resume_at`` to go on, so that an agent at the limit does
    not flap. Nothing is ever dropped or reordered.

    Safe from any thread and any event loop. Cancelling a waiting ``put`` is safe: the event is
    either in the buffer or was never there.

    Args:
        config: ``buffer_size``, ``buffer_bytes``, ``pause_at`` and ``resume_at`` are used.
        on_put: Called after a put, from the thread that put, once until ``rearm`` is called:
            how a reader on another thread learns that there is something to take.

    """

    def __init__(
        self, config: StreamingConfig | None = None, *, on_put: Callable[[], None] | None = None
    ) -> None:
        config = config or StreamingConfig()
        self._window: Window[T] = Window(
            size=config.buffer_size,
            max_bytes=config.buffer_bytes,
            pause_at=config.pause_at,
            resume_at=config.resume_at,
        )
        self._lock = threading.Lock()
        self._on_put = on_put
        self._armed = True
        self._taken = 0
        self._room = Waiters()
        self._items = Waiters()

    def __len__(self) -> int:
        """How many events are held."""
        return len(self._window)

    @property
    def base(self) -> int:
        """Offset of the first event held."""
        return self._window.base

    @property
    def next(self) -> int:
        """Offset that the next event will get."""
        return self._window.next

    @property
    def paused(self) -> bool:
        """Whether the source is asked to pause."""
        return self._window.paused

    @property
    def full(self) -> bool:
        """Whether ``put`` would wait."""
        return self._window.full

    @property
    def metrics(self) -> BufferMetrics:
        """The buffer at this moment."""
        with self._lock:
            window = self._window
            return BufferMetrics(
                size=window.size,
                held=len(window),
                bytes_held=window.bytes_held,
                peak=window.peak,
                put=window.next,
                acked=window.base,
                paused=window.paused,
                pauses=window.pauses,
            )

    def put_now(self, event: T) -> int:
        """Hold an event whether or not there is room, and give its offset.

        For what must not wait: the end of a run, a tool's result. ``paused`` bounds how many
        there can be.
        """
        with self._lock:
            offset = self._window.put(event)
            signal, self._armed = self._armed, False
        if signal and self._on_put is not None:
            self._on_put()
        self._items.wake()
        return offset

    def put_nowait(self, event: T) -> int:
        """Hold an event, and give its offset.

        Raises:
            BackpressureError: If there is no room.

        """
        with self._lock:
            if self._window.full:
                raise BackpressureError(len(self._window))
        return self.put_now(event)

    async def put(self, event: T) -> int:
        """Wait for room, hold an event, and give its offset."""
        while True:
            try:
                return self.put_nowait(event)
            except BackpressureError:
                await self._room.wait(lambda: not self._window.full)

    async def get(self) -> T:
        """Wait for the next event that was not taken yet, and take it."""
        return (await self.take(max_events=1))[0]

    async def take(self, *, max_events: int = 1000, max_bytes: int = 2**20) -> Sequence[T]:
        """Wait for events that were not taken yet, and take all that are there, within limits.

        They stay held until ``ack``. Cancelling is safe: nothing is taken then.
        """
        while True:
            events = self.take_nowait(max_events=max_events, max_bytes=max_bytes)
            if events:
                return events
            await self._items.wait(lambda: self._window.next > self._taken)

    def take_nowait(self, *, max_events: int = 1000, max_bytes: int = 2**20) -> Sequence[T]:
        """Take what is there, which may be nothing."""
        with self._lock:
            self._taken = max(self._taken, self._window.base)
            events = self._window.slice(self._taken, max_events=max_events, max_bytes=max_bytes)
            self._taken += len(events)
            return events

    def rewind(self, offset: int | None = None) -> None:
        """Have ``take`` begin again at ``offset`` (at the first event held, if None)."""
        with self._lock:
            first = self._window.base
            self._taken = first if offset is None else max(first, offset)
        self._items.wake()

    def rebase(self, offset: int) -> None:
        """Begin at ``offset`` instead of 0; only while nothing was put.

        Raises:
            LocalProtocolError: If something was.

        """
        with self._lock:
            self._window.rebase(offset)
            self._taken = offset

    def slice(self, offset: int, *, max_events: int, max_bytes: int) -> Sequence[T]:
        """Give events from ``offset`` on, within the limits, but at least one if there is one.

        Raises:
            LocalProtocolError: If ``offset`` was acknowledged.

        """
        with self._lock:
            return self._window.slice(offset, max_events=max_events, max_bytes=max_bytes)

    def ack(self, next_offset: int) -> int:
        """Let go of everything below ``next_offset``, and tell how many events that was.

        Raises:
            LocalProtocolError: If it acknowledges what was never put.

        """
        with self._lock:
            freed = self._window.ack(next_offset)
        if freed:
            self._room.wake()
        return freed

    def rearm(self) -> None:
        """Have the next put call ``on_put`` again. Call it before looking for events."""
        with self._lock:
            self._armed = True

    async def wait_open(self) -> None:
        """Wait until the source need not pause."""
        await self._room.wait(lambda: not self._window.paused)

    async def wait_acked(self, next_offset: int) -> None:
        """Wait until everything below ``next_offset`` was acknowledged."""
        await self._room.wait(lambda: self._window.base >= next_offset)
