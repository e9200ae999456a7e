"""Who writes which stream: the seats of producers, their claims and their appends."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from swarm_stream.errors import LogError, NoSuchStreamError, StreamClosedError
from swarm_stream.hub.bids import Bid, Bids
from swarm_stream.logs import admission
from swarm_stream.protocol import frames
from swarm_stream.protocol.server import ends_stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import msgspec

    from swarm_stream.hub.hub import StreamHub
    from swarm_stream.hub.socket import HubSocket
    from swarm_stream.logs.base import Claimed
    from swarm_stream.protocol.frames import ProducerState

__all__ = ["Producers", "Sender"]

_log = logging.getLogger("swarm_stream.hub")

EVENT_WEIGHT: Final = 100
"""What one more event costs while it is under way, as bytes; see ``HubSocket.begun``."""


class Sender(Protocol):
    """Takes frames for a producer: its socket, or the session itself in the same process."""

    def send(self, frame: frames.ServerFrame) -> None:
        """Take a frame; does not wait."""
        ...


@dataclass(slots=True)
class Seat:
    """The producer that holds a stream, while it is connected."""

    socket: Sender
    epoch: int
    producer: str
    others: Sequence[Sender] = ()
    """Sockets on which it claimed before this one, the last one last. What was sent on a socket
    that it has given up may arrive late, so one of these may be the one that it has."""


class Producers:
    """The producers of all streams of a hub. All calls on the hub's loop.

    Attributes:
        seats: Who holds which stream, while connected.

    """

    def __init__(self, hub: StreamHub) -> None:
        self.seats: dict[str, Seat] = {}
        self._hub = hub
        self._bids = Bids(hub.sockets)
        self._appends: set[asyncio.Future[admission.Verdict]] = set()
        self._watchers: list[Callable[[str, bool], None]] = []

    def watch(self, watcher: Callable[[str, bool], None]) -> None:
        """See ``StreamHub.watch_producers``."""
        self._watchers.append(watcher)

    def state(self, stream: str, closed: bool) -> ProducerState:  # noqa: FBT001
        """Tell whether a stream has a producer, had one, or needs none any more."""
        if closed:
            return "none"
        return "live" if stream in self.seats else "stalled"

    @property
    def sockets(self) -> int:
        """How many sockets hold streams."""
        return len({id(seat.socket) for seat in tuple(self.seats.values())})

    def sender(self, stream: str) -> Sender | None:
        """Give who takes frames for a stream's producer, if it is there."""
        seat = self.seats.get(stream)
        return seat.socket if seat is not None else None

    async def settle(self) -> None:
        """Wait until every append that has arrived is durable."""
        while self._appends:
            await asyncio.wait(self._appends)

    def seat(self, stream: str, *, epoch: int, producer: str, sender: Sender) -> None:
        """Note that a producer is there."""
        hub = self._hub
        before = self.seats.get(stream)
        others: list[Sender] = []
        if before is not None and before.epoch == epoch:
            others = [s for s in (*before.others, before.socket) if s is not sender]
        self.seats[stream] = Seat(sender, epoch, producer, others)
        hub.viewers.notice(stream, "")
        hub.controls.again(stream, sender)
        hub.found(stream)
        hub.viewers.tell(stream)
        self.tell_watchers(stream, stalled=False)

    def left(self, socket: HubSocket) -> None:
        """Note that a socket is gone: its streams have no producer, or it is on another one."""
        for stream, seat in tuple(self.seats.items()):
            if socket in seat.others:
                seat.others = [other for other in seat.others if other is not socket]
            elif seat.socket is socket and not seat.others:
                self._vacate(stream)
            elif seat.socket is socket:
                *seat.others, seat.socket = seat.others
                self.seat(stream, epoch=seat.epoch, producer=seat.producer, sender=seat.socket)

    def over(self, stream: str) -> None:
        """Note that a stream needs no producer any more: it has ended, or was deleted."""
        self.seats.pop(stream, None)
        self._hub.meter.over(stream)
        self._hub.controls.over(stream)
        self.tell_watchers(stream, stalled=False)

    def claim(self, socket: HubSocket, frame: frames.Claim) -> None:
        """Let a socket be a stream's producer, or refuse it."""
        if not frame.take_over and self._is_anothers(frame.stream, frame.producer):
            socket.connection.refuse(
                "stream_taken",
                f"stream {frame.stream!r} has a live producer; choose another name or take it over",
                stream=frame.stream,
                op="claim",
            )
            return
        problem = self._hub.quotas.refuse_claim(frame.stream)
        if problem:
            socket.connection.refuse("too_many_streams", problem, stream=frame.stream, op="claim")
            return
        # Called now, so that the log sees this socket's claim before its appends; awaited later.
        answer = self._hub.log.claim(
            frame.stream,
            producer=frame.producer,
            meta=bytes(memoryview(frame.meta)),
            epoch=frame.epoch,
        )
        bid = Bid(frame.stream, frame.producer, socket)
        self._bids.made(bid)
        self._hub.under_way(socket, self._claimed(bid, answer))

    def _is_anothers(self, stream: str, producer: str) -> bool:
        """Tell whether others have a stream, or have asked the log for it, and this one has not."""
        there = self._bids.producers(stream)
        seat = self.seats.get(stream)
        if seat is not None:
            there.add(seat.producer)
        return bool(there) and producer not in there

    async def _claimed(
        self, bid: Bid, answer: Awaitable[Claimed | admission.Closed | admission.Fenced]
    ) -> None:
        stream, socket = bid.stream, bid.socket
        try:
            claimed = await answer
        except LogError as error:
            socket.refuse(error, stream=stream, op="claim")
            return
        finally:
            self._bids.answered(bid)  # no turn of the loop's before its seat is taken
        if isinstance(claimed, admission.Closed):
            socket.refuse(StreamClosedError(stream), stream=stream, op="claim")
            return
        if isinstance(claimed, admission.Fenced):
            socket.send(frames.Fenced(stream=stream, epoch=claimed.epoch))
            return
        seat = self.seats.get(stream)
        if seat is not None and seat.epoch > claimed.epoch:
            socket.send(frames.Fenced(stream=stream, epoch=seat.epoch))
            return
        fenced = seat is not None and seat.epoch < claimed.epoch
        if seat is not None and fenced and seat.socket is not socket:
            seat.socket.send(frames.Fenced(stream=stream, epoch=claimed.epoch))
        if socket not in self._hub.sockets:
            if fenced:
                self._vacate(stream)
            self._hub.found(stream)
            return
        _log.info("stream %s claimed, epoch %d, next %d", stream, claimed.epoch, claimed.next)
        socket.send(
            frames.ClaimReply(
                stream=stream,
                epoch=claimed.epoch,
                next=claimed.next,
                server=self._hub.server_id,
                producer=bid.producer,
            )
        )
        self.seat(stream, epoch=claimed.epoch, producer=bid.producer, sender=socket)

    def append(self, socket: HubSocket, frame: frames.Append) -> None:
        """Hand a producer's events to the log; the answer goes to its socket."""
        size = _size(frame.events)
        problem = self._hub.quotas.refuse_append(frame.stream, size, ending=frame.ending)
        if problem:
            self._hub.under_way(socket, self._full(socket, frame.stream, problem))
            return
        answer = asyncio.ensure_future(
            self._hub.log.append(
                frame.stream,
                epoch=frame.epoch,
                offset=frame.offset,
                events=frame.events,
                closes=ends_stream(frame.events),
            )
        )
        socket.begun(_weight(frame, size))
        self._appends.add(answer)
        # One for all: each call back is a turn of the loop's.
        answer.add_done_callback(partial(self._appended, socket, frame, size, time.perf_counter()))

    def _appended(
        self,
        socket: HubSocket,
        frame: frames.Append,
        size: int,
        began: float,
        answer: asyncio.Future[admission.Verdict],
    ) -> None:
        self._appends.discard(answer)
        socket.ended(_weight(frame, size))
        if answer.cancelled():
            return
        stream = frame.stream
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
            case admission.Admitted(next=next_offset, skip=skip):
                self._measure(frame, size, skip, began)
                self._hub.viewers.notice(stream, "")
                self._hub.quotas.grown(stream, size)
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

    def _measure(self, frame: frames.Append, size: int, skip: int, began: float) -> None:
        now, new = time.perf_counter(), len(frame.events) - skip
        added = _size(frame.events[skip:]) if skip else size
        self._hub.meter.appended(new, added, now - began)
        if frame.stream in self.seats:  # else that was its end
            self._hub.meter.came(frame.stream, new, now)

    async def _full(self, socket: HubSocket, stream: str, problem: str) -> None:
        try:
            # Retention may have made room, and what was sent twice was counted twice.
            self._hub.quotas.measured(stream, (await self._hub.log.info(stream)).size_bytes)
        except LogError as error:
            socket.refuse(error, stream=stream, op="append")
            return
        self._hold_up(stream, problem)
        socket.connection.refuse("stream_full", problem, stream=stream, op="append")
        socket.wake()

    def _hold_up(self, stream: str, why: str) -> None:
        """Say what keeps events from the log, if their producer is there to end that."""
        if stream in self.seats:
            self._hub.viewers.notice(stream, why)

    def _vacate(self, stream: str) -> None:
        """Note that a stream's producer is there no more."""
        del self.seats[stream]
        self._hub.meter.over(stream)
        self._hub.viewers.notice(stream, "")
        self._hub.viewers.tell(stream)
        self.tell_watchers(stream, stalled=True)

    def tell_watchers(self, stream: str, *, stalled: bool) -> None:
        """Say that a stream's producer left, or that nobody misses it any more."""
        for watcher in self._watchers:
            watcher(stream, stalled)


def _weight(frame: frames.Append, size: int) -> int:
    # An event of two bytes takes more than that while it waits.
    return size + len(frame.events) * EVENT_WEIGHT


def _size(events: Sequence[msgspec.Raw]) -> int:
    return sum(len(memoryview(event)) for event in events)
