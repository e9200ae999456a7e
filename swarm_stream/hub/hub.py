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
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from swarm_stream.errors import LogError, NoSuchStreamError, StreamClosedError
from swarm_stream.hub.controls import PendingControls
from swarm_stream.hub.interrupting import interrupt
from swarm_stream.hub.quotas import Quotas
from swarm_stream.hub.socket import HubSocket
from swarm_stream.hub.viewers import Viewers
from swarm_stream.logs import admission
from swarm_stream.protocol import frames
from swarm_stream.protocol.server import HangUp, Limits, ends_stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from swarm_stream.logs.base import Claimed, Moved, Slice, StreamLog
    from swarm_stream.protocol.frames import ProducerState
    from swarm_stream.protocol.server import Command

__all__ = ["Sender", "StreamHub"]

_log = logging.getLogger("swarm_stream.hub")

MAX_READ_BYTES = 256 * 1024
"""Bytes of events in one ``events`` frame, so that a slow socket holds no more than that."""

EVENT_WEIGHT = 100
REQUEST_WEIGHT = 32 * 1024
"""What one more event or request costs while it is under way, as bytes; see ``HubSocket.begun``."""


class Sender(Protocol):
    """Takes frames for a producer: its socket, or the session itself in the same process."""

    def send(self, frame: frames.ServerFrame) -> None:
        """Take a frame; does not wait."""
        ...


@dataclass(slots=True)
class _Seat:
    """The producer that holds a stream, while it is connected."""

    socket: Sender
    epoch: int
    producer: str


class StreamHub:
    """Serve the streams of one log to any number of sockets. All calls on one event loop.

    Args:
        log: Where events rest; opened and closed by the caller.
        server_id: Names this server in ``claimed`` and ``info``.
        limits: What one socket may do.
        max_sockets: Sockets that may be open at once.
        quotas: How many streams there may be, and how large each.

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
        self.sockets: set[HubSocket] = set()
        self.viewers = Viewers(log, self._state_of_known)
        self._seats: dict[str, _Seat] = {}
        self._controls = PendingControls()
        self._tasks: set[asyncio.Task[None]] = set()
        self._appends: set[asyncio.Future[admission.Verdict]] = set()
        self._all_closed: asyncio.Event | None = None
        self.settling = False
        self._watchers: list[Callable[[str, bool], None]] = []
        log.watch(self._moved)

    async def load(self) -> None:
        """Count the streams that the log holds. Once, before sockets are opened."""
        self.quotas.load(await self.log.list())

    def watch_producers(self, watcher: Callable[[str, bool], None]) -> None:
        """Call ``watcher(stream, stalled)`` when a stream's producer leaves, and when it is back.

        A stream that has ended is no longer stalled either.
        """
        self._watchers.append(watcher)

    def open_socket(self, *, may_produce: bool, may_view: bool, who: str = "") -> HubSocket | None:
        """Begin to serve a socket; None if there are too many (close it with 1013)."""
        if len(self.sockets) >= self.max_sockets:
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
        for stream in {*socket.asked, *socket.connection.pump.streams}:
            self.viewers.unsubscribe(socket, stream)
        for stream in [name for name, seat in self._seats.items() if seat.socket is socket]:
            self._vacate(stream)

    @property
    def live_streams(self) -> int:
        """How many streams have a producer that is connected."""
        return len(self._seats)

    def producer_state(self, stream: str, *, closed: bool, epoch: int) -> ProducerState:
        """Tell whether a stream has a producer, had one, or needs none any more."""
        return self._state_of_known(stream, closed or epoch == 0)

    async def settle(self) -> None:
        """Wait until every append that has arrived is durable and its ``ack`` is queued.

        From now on sockets are not listened to: what they send is sent again elsewhere.
        """
        self.settling = True
        while self._appends:
            await asyncio.wait(self._appends)

    async def closed(self) -> None:
        """Wait until no socket is open."""
        if self.sockets:
            self._all_closed = asyncio.Event()
            await self._all_closed.wait()

    async def aclose(self) -> None:
        """End what is under way, after every socket was closed."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def delete(self, stream: str) -> bool:
        """Forget a stream and tell its viewers; tells whether there was one.

        Raises:
            LogError: If the log cannot be written.

        """
        existed = await self.log.delete(stream)
        self.quotas.deleted(stream)
        self._seats.pop(stream, None)
        self._controls.over(stream)
        self.viewers.deleted(stream)
        self._tell_watchers(stream, stalled=False)
        return existed

    async def interrupt(self, stream: str, *, by: str, reason: str, now_ms: float) -> bool:
        """End a stream whose producer is dead; see ``hub.interrupting.interrupt``."""
        return await interrupt(self.log, stream, by=by, reason=reason, now_ms=now_ms)

    def seat(self, stream: str, *, epoch: int, producer: str, sender: Sender) -> None:
        """Note that a producer is there: a socket's, or one in this very process."""
        self._seats[stream] = _Seat(sender, epoch, producer)
        self.viewers.notice(stream, "")
        self._controls.again(stream, sender)
        self._found(stream)
        self.viewers.tell(stream)
        self._tell_watchers(stream, stalled=False)

    def answer(self, frame: frames.Controlled) -> None:
        """Pass a producer's answer to a control on."""
        self._controls.answered(frame)

    def obey(self, socket: HubSocket, command: Command) -> None:
        """Do what a socket's frame asks for; answers go to the socket's queue."""
        match command:
            case frames.Append():
                self._append(socket, command)
            case frames.Claim():
                self._claim(socket, command)
            case frames.Subscribe():
                self._subscribe(socket, command)
            case frames.Unsubscribe(stream=stream):
                self.viewers.unsubscribe(socket, stream)
            case frames.Control(stream=stream):
                seat = self._seats.get(stream)
                self._controls.ask(socket, command, seat.socket if seat is not None else None)
            case frames.Controlled(stream=stream):
                seat = self._seats.get(stream)
                if seat is not None and seat.socket is socket:  # nobody else pressed it
                    self.answer(command)
            case HangUp():
                socket.hang_up(command)

    async def events_frame(self, stream: str, offset: int) -> tuple[Slice, bytes]:
        """Give the events from ``offset`` on and their ``events`` frame.

        Raises:
            OffsetOutOfRangeError: If the log holds them no more.
            NoSuchStreamError: If the stream was deleted.
            LogError: If the log cannot be read.

        """
        hot = self.viewers.hot.get(stream)
        if hot is not None:
            ready = hot.frame(
                stream, offset, max_bytes=MAX_READ_BYTES, max_events=self.limits.events
            )
            if ready is not None:
                return ready
        part = await self.log.read(
            stream, offset, max_events=self.limits.events, max_bytes=MAX_READ_BYTES
        )
        frame = frames.encode_events(stream, part.offset, part.body)
        if hot is not None and part.count:
            hot.remember(part, frame)
        return part, frame

    def _subscribe(self, socket: HubSocket, frame: frames.Subscribe) -> None:
        limit = self.limits.subscriptions
        if frame.stream not in socket.asked and len(socket.asked) >= limit:
            message = f"one socket may read {limit} streams; unsubscribe from some"
            socket.connection.refuse(
                "too_many_subscriptions", message, stream=frame.stream, op="subscribe"
            )
            return
        socket.asked[frame.stream] = frame
        self._under_way(socket, self.viewers.subscribe(socket, frame))

    def _claim(self, socket: HubSocket, frame: frames.Claim) -> None:
        seat = self._seats.get(frame.stream)
        if not frame.take_over and seat is not None and seat.producer != frame.producer:
            socket.connection.refuse(
                "stream_taken",
                f"stream {frame.stream!r} has a live producer; choose another name or take it over",
                stream=frame.stream,
                op="claim",
            )
            return
        problem = self.quotas.refuse_claim(frame.stream)
        if problem:
            socket.connection.refuse("too_many_streams", problem, stream=frame.stream, op="claim")
            return
        # Called now, so that the log sees this socket's claim before its appends; awaited later.
        answer = self.log.claim(
            frame.stream,
            producer=frame.producer,
            meta=bytes(memoryview(frame.meta)),
            epoch=frame.epoch,
        )
        self._under_way(socket, self._claimed(socket, frame, answer))

    async def _claimed(
        self,
        socket: HubSocket,
        frame: frames.Claim,
        answer: Awaitable[Claimed | admission.Closed | admission.Fenced],
    ) -> None:
        stream = frame.stream
        try:
            claimed = await answer
        except LogError as error:
            socket.refuse(error, stream=stream, op="claim")
            return
        if isinstance(claimed, admission.Closed):
            socket.refuse(StreamClosedError(stream), stream=stream, op="claim")
            return
        if isinstance(claimed, admission.Fenced):
            socket.send(frames.Fenced(stream=stream, epoch=claimed.epoch))
            return
        seat = self._seats.get(stream)
        if seat is not None and seat.epoch > claimed.epoch:
            socket.send(frames.Fenced(stream=stream, epoch=seat.epoch))
            return
        fenced = seat is not None and seat.epoch < claimed.epoch
        if seat is not None and fenced and seat.socket is not socket:
            seat.socket.send(frames.Fenced(stream=stream, epoch=claimed.epoch))
        if socket not in self.sockets:
            if fenced:
                self._vacate(stream)
            self._found(stream)
            return
        _log.info("stream %s claimed, epoch %d, next %d", stream, claimed.epoch, claimed.next)
        socket.send(
            frames.ClaimReply(
                stream=stream, epoch=claimed.epoch, next=claimed.next, server=self.server_id
            )
        )
        self.seat(stream, epoch=claimed.epoch, producer=frame.producer, sender=socket)

    def _append(self, socket: HubSocket, frame: frames.Append) -> None:
        size = sum(len(memoryview(event)) for event in frame.events)
        problem = self.quotas.refuse_append(frame.stream, size, ending=frame.ending)
        if problem:
            self._under_way(socket, self._full(socket, frame.stream, problem))
            return
        answer = asyncio.ensure_future(
            self.log.append(
                frame.stream,
                epoch=frame.epoch,
                offset=frame.offset,
                events=frame.events,
                closes=ends_stream(frame.events),
            )
        )
        # An event of two bytes takes more than that while it waits.
        weight = size + len(frame.events) * EVENT_WEIGHT
        socket.begun(weight)
        self._appends.add(answer)
        answer.add_done_callback(self._appends.discard)
        answer.add_done_callback(lambda _: socket.ended(weight))
        answer.add_done_callback(partial(self._appended, socket, frame.stream, size))

    def _appended(
        self, socket: HubSocket, stream: str, size: int, answer: asyncio.Future[admission.Verdict]
    ) -> None:
        if answer.cancelled():
            return
        error = answer.exception()
        if error is not None:
            if isinstance(error, LogError):
                _log.warning("stream %s: %s", stream, error)
                self._hold_up(stream, str(error))
            elif not isinstance(error, NoSuchStreamError):
                _log.error("append to %s failed", stream, exc_info=error)
            socket.refuse(error, stream=stream, op="append")
            return
        match answer.result():
            case admission.Admitted(next=next_offset):
                self.viewers.notice(stream, "")
                self.quotas.grown(stream, size)
                socket.acked(stream, next_offset)
            case admission.Fenced(epoch=epoch):
                socket.send(frames.Fenced(stream=stream, epoch=epoch))
            case admission.Gap(next=next_offset):
                socket.send(frames.Gap(stream=stream, next=next_offset))
            case admission.BadEpoch(epoch=epoch):
                message = f"stream {stream!r} is at epoch {epoch}; claim it first"
                socket.connection.refuse("bad_epoch", message, stream=stream, op="append")
                socket.wake()
            case admission.Closed():
                socket.refuse(StreamClosedError(stream), stream=stream, op="append")

    async def _full(self, socket: HubSocket, stream: str, problem: str) -> None:
        try:
            # Retention may have made room, and what was sent twice was counted twice.
            self.quotas.measured(stream, (await self.log.info(stream)).size_bytes)
        except LogError as error:
            socket.refuse(error, stream=stream, op="append")
            return
        self._hold_up(stream, problem)
        socket.connection.refuse("stream_full", problem, stream=stream, op="append")
        socket.wake()

    def _moved(self, moved: Moved) -> None:
        self.viewers.moved(moved)
        if moved.closed:
            self._seats.pop(moved.stream, None)
            self._controls.over(moved.stream)
            self.quotas.closed(moved.stream)
            self._tell_watchers(moved.stream, stalled=False)
            self.viewers.tell(moved.stream, closed=True)

    def _found(self, stream: str) -> None:
        """Serve those who waited for a stream: it is there now."""
        for viewer, subscribe in self.viewers.take_waiting(stream):
            self._spawn(self.viewers.subscribe(viewer, subscribe))

    def _hold_up(self, stream: str, why: str) -> None:
        """Say what keeps events from the log, if their producer is there to end that."""
        if stream in self._seats:
            self.viewers.notice(stream, why)

    def _vacate(self, stream: str) -> None:
        """Note that a stream's producer is there no more."""
        del self._seats[stream]
        self.viewers.notice(stream, "")
        self.viewers.tell(stream)
        self._tell_watchers(stream, stalled=True)

    def _state_of_known(self, stream: str, closed: bool) -> ProducerState:  # noqa: FBT001
        if closed:
            return "none"
        return "live" if stream in self._seats else "stalled"

    def _tell_watchers(self, stream: str, *, stalled: bool) -> None:
        for watcher in self._watchers:
            watcher(stream, stalled)

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _under_way(self, socket: HubSocket, work: Coroutine[object, object, None]) -> None:
        """Do what a socket asked for; a socket that asks for too much meanwhile is not read."""
        socket.begun(REQUEST_WEIGHT)
        self._spawn(work).add_done_callback(lambda _: socket.ended(REQUEST_WEIGHT))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a request failed", exc_info=task.exception())
