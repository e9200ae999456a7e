"""The gate before each chunk: closed by a person, or by a buffer that the log cannot empty."""

from __future__ import annotations

import asyncio
import threading
from time import perf_counter
from typing import TYPE_CHECKING

from swarm_stream.runtime.states import SessionSignal
from swarm_stream.runtime.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.runtime.buffer import TokenBuffer
    from swarm_stream.runtime.meter import Meter, Reason

__all__ = ["Gate"]


class Gate:
    """Hold a source. ``close`` and ``open`` from any thread; waits on the source's loop.

    Args:
        buffer: Closes the gate at its pause mark.
        meter: Where the time of waiting is counted.
        why_full: Tells why the buffer is full.
        chunks_per_s: Pace of all chunks, or 0 for none.
        move: Moves the session's state; PAUSE and RESUME where they fit.

    Attributes:
        closed: Whether a person closed it.
        held_by: Who closed it, ``buffer`` while the log cannot keep up, or empty.

    """

    def __init__(
        self,
        buffer: TokenBuffer[bytes],
        meter: Meter,
        *,
        why_full: Callable[[], Reason],
        chunks_per_s: float,
        move: Callable[[SessionSignal], None],
    ) -> None:
        self.closed = False
        self.held_by = ""
        self._buffer = buffer
        self._meter = meter
        self._why_full = why_full
        self._interval_s = 1 / chunks_per_s if chunks_per_s > 0 else 0.0
        self._due = 0.0
        self._move = move
        self._holding = 0
        self._at_buffer = 0
        self._lock = threading.Lock()
        self._changes = Waiters()

    def close(self, by: str) -> None:
        """Let nothing through."""
        with self._lock:
            self.closed, self.held_by = True, by
            self._move(SessionSignal.PAUSE)

    def begin(self) -> None:
        """Say that the run is held, if somebody closed the gate before it began."""
        with self._lock:
            if self.closed:
                self._move(SessionSignal.PAUSE)

    def open(self) -> None:
        """Let it through again, unless the buffer holds it, too."""
        with self._lock:
            self.closed = False
            self._show()
        self._changes.wake()

    async def __call__(self) -> None:
        """Wait while the gate is closed; at once, without a switch of tasks, while it is open."""
        arrived = perf_counter()
        if self.closed or self._buffer.paused:
            await self.hold()
        if self._interval_s:
            loop = asyncio.get_running_loop()
            self._due = max(self._due + self._interval_s, loop.time())
            await asyncio.sleep(max(0.0, self._due - loop.time()))
        # For the chunk that is written next, before anything else can run.
        self._meter.arrived = arrived

    async def hold(self) -> None:
        """Wait while the gate is closed, without pacing. Cancelling is safe.

        Any number may wait at once: texts that are spoken, and every agent of a team.
        """
        self._holding += 1
        try:
            while self.closed or self._buffer.paused:
                reason: Reason = "person" if self.closed else self._why_full()
                self._meter.pause_began(reason, perf_counter())
                if self.closed:
                    await self._changes.wait(lambda: not self.closed)
                else:
                    await self._wait_for_buffer()
        finally:
            self._holding -= 1
            # The first that goes on ends the pause, as all can. Who is cancelled goes on with
            # nothing, and ends it only where nobody is left who waits.
            if not self._holding or not (self.closed or self._buffer.paused):
                self._meter.pause_ended(perf_counter())

    async def _wait_for_buffer(self) -> None:
        with self._lock:
            self._at_buffer += 1
            self._show()
        try:
            await self._buffer.wait_open()
        finally:
            with self._lock:
                self._at_buffer -= 1
                self._show()

    def _show(self) -> None:
        """Say whether the run is held, and by what. With the lock."""
        if self.closed:
            return  # by whom was said when they closed it
        self.held_by = "buffer" if self._at_buffer else ""
        self._move(SessionSignal.PAUSE if self._at_buffer else SessionSignal.RESUME)
