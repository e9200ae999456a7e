"""``StreamHub``: a log, the sockets that read and write it, and the wake-ups between them.

No queue of events exists here. A subscription is a cursor (``protocol.pump``); when the log says
that a tail moved, the sockets with a cursor on it are woken and read for themselves. What the log
has just written is kept for a moment (``HotTail``), so that viewers who are up to date are served
without a read, all of them with one encoding.

Runs on one event loop: over a ``SQLiteLog`` in the Jupyter server, a ``MemoryLog`` in a kernel.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from swarm_stream.errors import LogError, NoSuchStreamError
from swarm_stream.hub.controls import AWAY, OVER, PendingControls
from swarm_stream.hub.interrupting import interrupt
from swarm_stream.hub.meter import HubMeter
from swarm_stream.hub.producers import Producers
from swarm_stream.hub.quotas import Quotas
from swarm_stream.hub.socket import HubSocket
from swarm_stream.hub.viewers import Viewers
from swarm_stream.protocol import frames
from swarm_stream.protocol.server import HangUp, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from swarm_stream.hub.producers import Sender
    from swarm_stream.logs.base import Moved, Slice, StreamInfo, StreamLog
    from swarm_stream.protocol.frames import ProducerState
    from swarm_stream.protocol.server import Command

__all__ = ["StreamHub"]

_log = logging.getLogger("swarm_stream.hub")

MAX_READ_BYTES: Final = 256 * 1024
"""Bytes of events in one ``events`` frame, so that a slow socket holds no more than that."""

REQUEST_WEIGHT: Final = 32 * 1024
"""What one more request costs while it is under way, as bytes; see ``HubSocket.begun``."""


class StreamHub:
    """Serve the streams of one log to any number of sockets. All calls on one event loop.

    Args:
        log: Where events rest; opened and closed by the caller.
        server_id: Names this server in ``claimed`` and ``info``.
        limits: What one socket may do.
        max_sockets: Sockets that may be open at once.
        quotas: How many streams there may be, and how large each.

    Attributes:
        meter: What was counted.

    """

    def __init__(
        self,
        log: StreamLog,
        *,
        server_id: str,
        limits: Limits | None = None,
        max_sockets: int = 10_000,
        quotas: Quotas | None = None,
    ) -> None:
        self.log = log
        self.server_id = server_id
        self.limits = limits or Limits()
        self.max_sockets = max_sockets
        self.quotas = quotas or Quotas()
        self.meter = HubMeter()
        self.sockets: set[HubSocket] = set()
        self.controls = PendingControls()
        self.producers = Producers(self)
        self.viewers = Viewers(log, self.producers.state)
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_closed: asyncio.Event | None = None
        self.settling = False
        log.watch(self._moved)

    async def load(self) -> None:
        """Count the streams that the log holds. Once, before sockets are opened."""
        streams = await self.log.list()
        self.quotas.load(streams)
        self.measured(streams)

    def measured(self, streams: Iterable[StreamInfo]) -> None:
        """Take the bytes that the log holds from the log itself."""
        self.meter.log_bytes = sum(info.size_bytes for info in streams)

    def watch_producers(self, watcher: Callable[[str, bool], None]) -> None:
        """Call ``watcher(stream, stalled)`` when a stream's producer leaves, and when it is back.

        A stream that has ended is no longer stalled either.
        """
        self.producers.watch(watcher)

    def open_socket(self, *, may_produce: bool, may_view: bool, who: str = "") -> HubSocket | None:
        """Begin to serve a socket; None if there are too many (close it with 1013)."""
        if len(self.sockets) >= self.max_sockets:
            self.meter.turned_away += 1
            return None
        socket = HubSocket(self, may_produce=may_produce, may_view=may_view, who=who)
        self.sockets.add(socket)
        return socket

    def close_socket(self, socket: HubSocket) -> None:
        """Forget a socket: its cursors go, its streams become ``stalled``. May be called twice."""
        self.sockets.discard(socket)
        if self._all_closed is not None and not self.sockets:
            self._all_closed.set()
        socket.hang_up(HangUp(frames.CloseCode.NORMAL, ""))
        for stream in dict.fromkeys((*socket.asked, *socket.connection.pump.streams)):
            self.viewers.unsubscribe(socket, stream)
        self.producers.left(socket)

    @property
    def live_streams(self) -> int:
        """How many streams have a producer that is connected."""
        return len(self.producers.seats)

    def producer_state(self, stream: str, *, closed: bool, epoch: int) -> ProducerState:
        """Tell whether a stream has a producer, had one, or needs none any more."""
        return self.producers.state(stream, closed or epoch == 0)

    async def settle(self) -> None:
        """Wait until every append that has arrived is durable and its ``ack`` is queued.

        From now on sockets are not listened to: what they send is sent again elsewhere.
        """
        self.settling = True
        await self.producers.settle()

    async def closed(self) -> None:
        """Wait until no socket is open."""
        if self.sockets:
            self._all_closed = asyncio.Event()
            await self._all_closed.wait()

    async def aclose(self) -> None:
        """End what is under way, after every socket was closed."""
        self.viewers.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def delete(self, stream: str, *, size_bytes: int = 0) -> bool:
        """Forget a stream and tell its viewers; tells whether there was one.

        Args:
            stream: Its name.
            size_bytes: What it holds, to be counted off.

        Raises:
            LogError: If the log cannot be written.

        """
        existed = await self.log.delete(stream)
        self.meter.log_bytes -= size_bytes
        self.quotas.deleted(stream)
        self.producers.over(stream)
        self.viewers.deleted(stream)
        return existed

    async def interrupt(
        self, stream: str, *, epoch: int, by: str, reason: str, now_ms: float
    ) -> bool:
        """End a stream whose producer is dead; see ``hub.interrupting.interrupt``."""
        return await interrupt(self.log, stream, epoch=epoch, by=by, reason=reason, now_ms=now_ms)

    def seat(self, stream: str, *, epoch: int, producer: str, sender: Sender) -> None:
        """Note that a producer is there: a socket's, or one in this very process."""
        self.producers.seat(stream, epoch=epoch, producer=producer, sender=sender)

    def answer(self, frame: frames.Controlled) -> None:
        """Pass a producer's answer to a control on."""
        self.controls.answered(frame)

    def obey(self, socket: HubSocket, command: Command) -> None:
        """Do what a socket's frame asks for; answers go to the socket's queue."""
        match command:
            case frames.Append():
                self.producers.append(socket, command)
            case frames.Claim():
                self.producers.claim(socket, command)
            case frames.Subscribe():
                self._subscribe(socket, command)
            case frames.Unsubscribe(stream=stream):
                self.viewers.unsubscribe(socket, stream)
            case frames.Control(stream=stream):
                producer = self.producers.sender(stream)
                if producer is None:
                    self.under_way(socket, self._deny(socket, command))
                else:
                    self.controls.ask(socket, command, producer)
            case frames.Controlled(stream=stream):
                if self.producers.sender(stream) is socket:  # nobody else pressed it
                    self.answer(command)
            case HangUp():
                socket.hang_up(command)

    def found(self, stream: str) -> None:
        """Serve those who waited for a stream: it is there now."""
        for viewer, subscribe in self.viewers.take_waiting(stream):
            self._spawn(self.viewers.subscribe(viewer, subscribe))

    def under_way(self, socket: HubSocket, work: Coroutine[object, object, None]) -> None:
        """Do what a socket asked for; a socket that asks for too much meanwhile is not read."""
        socket.begun(REQUEST_WEIGHT)
        self._spawn(work).add_done_callback(lambda _: socket.ended(REQUEST_WEIGHT))

    async def events_frame(self, stream: str, offset: int) -> tuple[Slice, bytes]:
        """Give the events from ``offset`` on and their ``events`` frame.

        Raises:
            OffsetOutOfRangeError: If the log holds them no more.
            NoSuchStreamError: If the stream was deleted.
            LogError: If the log cannot be read.

        """
        ready = self.ready_frame(stream, offset)
        if ready is not None:
            return ready
        part = await self.log.read(
            stream, offset, max_events=self.limits.events, max_bytes=MAX_READ_BYTES
        )
        frame = frames.encode_events(stream, part.offset, part.body)
        hot = self.viewers.hot.get(stream)
        if hot is not None and part.count:
            hot.remember(part, frame)
        return part, frame

    def ready_frame(self, stream: str, offset: int) -> tuple[Slice, bytes] | None:
        """Give the same where it can be had without a read: for viewers who are up to date."""
        hot = self.viewers.hot.get(stream)
        if hot is None:
            return None
        return hot.frame(stream, offset, max_bytes=MAX_READ_BYTES, max_events=self.limits.events)

    def _subscribe(self, socket: HubSocket, frame: frames.Subscribe) -> None:
        limit = self.limits.subscriptions
        if frame.stream not in socket.asked and len(socket.asked) >= limit:
            message = f"one socket may read {limit} streams; unsubscribe from some"
            socket.connection.refuse(
                "too_many_subscriptions", message, stream=frame.stream, op="subscribe"
            )
            return
        socket.asked[frame.stream] = frame
        self.under_way(socket, self.viewers.subscribe(socket, frame))

    async def _deny(self, socket: HubSocket, frame: frames.Control) -> None:
        """Answer a control of a run that nobody is there to control; says why."""
        try:
            closed = (await self.log.info(frame.stream)).closed
        except (NoSuchStreamError, LogError) as error:
            socket.refuse(error, stream=frame.stream, op="control")
            return
        self.controls.deny(socket, frame, OVER if closed else AWAY)

    def _moved(self, moved: Moved) -> None:
        self.viewers.moved(moved, now=time.perf_counter())
        if moved.closed:
            self.producers.over(moved.stream)
            self.quotas.closed(moved.stream)
            self.viewers.tell(moved.stream)

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a request failed", exc_info=task.exception())
