"""``HubSocket``: one socket of the hub, between its transport and its ``ServerConnection``.

The transport (Tornado's handler, a widget's comm, a pair in memory) calls ``feed`` for each
message and runs ``serve`` with a way to send; both end when the socket does.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from swarm_stream.errors import (
    LogError,
    NoSuchStreamError,
    OffsetOutOfRangeError,
    StreamClosedError,
)
from swarm_stream.protocol.frames import CloseCode
from swarm_stream.protocol.server import HangUp, ServerConnection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from swarm_stream.hub.hub import StreamHub
    from swarm_stream.protocol import frames
    from swarm_stream.protocol.pump import Read

__all__ = ["HubSocket"]

GRACE_S: Final = 2.0
"""Seconds that a socket which must close has to take what is queued for it."""

MAX_INFLIGHT_BYTES: Final = 8 * 2**20
"""Bytes of requests under way for one socket; above it, the socket is not read."""


class HubSocket:
    """One socket's state in the hub. All calls on the hub's loop.

    Attributes:
        connection: The protocol's state.
        hung_up: Why the socket must close, once it must.
        asked: The last ``subscribe`` for each stream that was not taken back.

    """

    def __init__(self, hub: StreamHub, *, may_produce: bool, may_view: bool, who: str) -> None:
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self.connection = ServerConnection(
            now=time.monotonic(),
            limits=hub.limits,
            may_produce=may_produce,
            may_view=may_view,
            who=who,
            refused=hub.meter.refused,
        )
        self.hung_up: HangUp | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._woken = False
        self._timer: asyncio.TimerHandle | None = None
        self._inflight = 0
        self._room: asyncio.Future[None] | None = None
        self._serving: asyncio.Task[object] | None = None
        self._cut = False
        self._push: Callable[[Sequence[bytes]], bool] = lambda _: False
        self.asked: dict[str, frames.Subscribe] = {}

    async def feed(self, data: str | bytes) -> None:
        """Take in one message. Waits while too much is under way for it (so does the peer)."""
        if not self.take(data):
            await self.room()

    def take(self, data: str | bytes) -> bool:
        """Take in one message; tells whether there is room for the next (else await ``room``)."""
        if self.hung_up is not None or self._hub.settling:
            return True
        command = self.connection.receive(data, now=time.monotonic())
        if command is not None:
            self._hub.obey(self, command)
        # Not for an append, which is answered later: nothing is to be sent yet.
        if self.connection.answers_wait or self.hung_up is not None:
            self.wake()
        return self._inflight <= MAX_INFLIGHT_BYTES

    async def room(self) -> None:
        """Wait while too much is under way for this socket."""
        while self._inflight > MAX_INFLIGHT_BYTES and self.hung_up is None:
            self._room = self._loop.create_future()
            await self._room

    async def serve(
        self,
        send: Callable[[bytes], Awaitable[object]],
        *,
        push: Callable[[Sequence[bytes]], bool] = lambda _: False,
    ) -> HangUp:
        """Send frames until the socket must close; gives why.

        ``send`` waits until the transport has drained; while it waits nothing else is read from
        the log for this socket. Whatever it raises ends the serving. Cancelling is safe.

        ``push`` sends frames at once where nothing is on its way, and tells whether it did. With
        it an event goes to a viewer who is up to date without a switch of tasks, and several
        answers go with one call of the system. It never raises: ``send`` does, soon after.
        """
        connection = self.connection
        self._push = push
        self._serving = asyncio.current_task()
        self._arm()
        try:
            while True:
                self._woken = False
                why = self.hung_up  # now: what is queued while these are sent goes out too
                for stream in connection.finish_streams():
                    self._hub.viewers.finished(self, stream)
                # Now: what is subscribed while frames are sent is read after its ``subscribed``.
                read = connection.pump.next_read()
                await self._send_all(connection.frames_to_send(), send)
                if why is not None:
                    return why
                if read is not None:
                    await self._send_events(read, send)
                elif not self._woken:
                    self._waiter = self._loop.create_future()
                    await self._waiter
        except asyncio.CancelledError:
            if self._cut and self.hung_up is not None:
                return self.hung_up
            raise
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def _send_all(
        self, out: Sequence[bytes], send: Callable[[bytes], Awaitable[object]]
    ) -> None:
        if out and self._push(out):
            self.connection.sent(now=time.monotonic())
            return
        for frame in out:
            await send(frame)
            self.connection.sent(now=time.monotonic())

    async def _send_events(self, read: Read, send: Callable[[bytes], Awaitable[object]]) -> None:
        pump = self.connection.pump
        if not pump.holds(read):
            return
        try:
            part, frame = await self._hub.events_frame(read.stream, read.offset)
        except (OffsetOutOfRangeError, NoSuchStreamError, LogError) as error:
            if pump.holds(read):
                self._hub.viewers.broken(self, read.stream, error)
            return
        if not pump.holds(read):
            return
        pump.advanced(read.stream, offset=part.offset, count=part.count)
        if part.count == 0:
            # The tail is ahead of what can be read: give the log a turn before asking again.
            await asyncio.sleep(0)
            return
        since = self._committed(read)
        await self._send_all((frame,), send)
        self._count(part.count, frame, since)

    def go_on(self) -> None:
        """Send what a tail's move brought: at once where nothing is in the way, or by ``serve``."""
        pump = self.connection.pump
        read = pump.next_read()
        # While ``serve`` waits here, nothing is queued that would have to go first.
        if self._waiter is not None and read is not None:
            ready = self._hub.ready_frame(read.stream, read.offset)
            if ready is not None and self._push((ready[1],)):
                count = ready[0].count
                self.connection.sent(now=time.monotonic())
                self._count(count, ready[1], self._committed(read))
                pump.advanced(read.stream, offset=read.offset, count=count)
                if not pump.busy:
                    return
        self.wake()

    def _committed(self, read: Read) -> float | None:
        """Give when the first event of a read was committed, if the viewer was there."""
        hot = self._hub.viewers.hot.get(read.stream) if read.live else None
        return hot.committed(read.offset) if hot is not None else None

    def _count(self, events: int, frame: bytes, since: float | None) -> None:
        meter = self._hub.meter
        meter.sent(events, len(frame))
        if since is not None:
            meter.delivery.add(time.perf_counter() - since)

    def send(self, frame: frames.ServerFrame) -> None:
        """Queue a frame."""
        self.connection.send(frame)
        self.wake()

    def acked(self, stream: str, next_offset: int) -> None:
        """Queue an ``ack``."""
        self.connection.acked(stream, next_offset)
        self.wake()

    def refuse(self, error: BaseException, *, stream: str, op: str) -> None:
        """Queue the ``error`` that fits an exception."""
        self.connection.refuse(_code(error), _sentence(error), stream=stream, op=op)
        self.wake()

    def hang_up(self, why: HangUp) -> None:
        """Have the socket closed once what is queued was sent, or ``GRACE_S`` later."""
        if self.hung_up is None:
            self.hung_up = why
            self._hub.meter.hung_up(why.code)
            self._loop.call_later(GRACE_S, self._cut_off)
        self._make_room()
        self.wake()

    def _cut_off(self) -> None:
        if self._serving is not None and not self._serving.done():
            self._cut = True
            self._serving.cancel()

    def close(self) -> None:
        """Have the hub forget the socket: its transport is gone. May be called twice."""
        self._hub.close_socket(self)

    def wake(self) -> None:
        """Have ``serve`` look again: something was queued, or a tail has moved."""
        if self.connection.clogged and self.hung_up is None:
            self.hang_up(HangUp(CloseCode.TRY_LATER, "answers are not being read; connect again"))
        self._woken = True
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
            self._waiter = None

    def begun(self, size: int) -> None:
        """Count a request under way."""
        self._inflight += size

    def ended(self, size: int) -> None:
        """Count it off."""
        self._inflight -= size
        if self._inflight <= MAX_INFLIGHT_BYTES:
            self._make_room()

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _arm(self) -> None:
        # One timer that looks when the next deadline may have come, instead of one a frame.
        delay = max(0.0, self.connection.deadline - time.monotonic())
        self._timer = self._loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        why = self.connection.tick(now=time.monotonic(), clock_ms=time.time() * 1000)
        if why is not None:
            self.hang_up(why)
            self._cut_off()  # nobody is there to take what is queued
            return
        self.wake()
        self._arm()


def _code(error: BaseException) -> str:
    match error:
        case NoSuchStreamError():
            return "no_such_stream"
        case StreamClosedError():
            return "stream_closed"
        case LogError():
            return "log_failed"
        case _:
            return "internal"


def _sentence(error: BaseException) -> str:
    if _code(error) == "internal":
        # No details: they may be security-sensitive. The server's log has them.
        return "the server failed; its log says why"
    return str(error)
