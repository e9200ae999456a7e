"""Who reads which stream: subscriptions, those that wait for one, and what they are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from swarm_stream.errors import LogError, NoSuchStreamError, OffsetOutOfRangeError
from swarm_stream.hub.hot_tail import HotTail
from swarm_stream.protocol import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.hub.socket import HubSocket
    from swarm_stream.logs.base import Moved, StreamLog
    from swarm_stream.protocol.frames import ProducerState

__all__ = ["COUNT_S", "Viewers"]

COUNT_S: Final = 0.1
"""Seconds in which the readers of a stream are told once how many they are. Who comes is told at
once; but telling all of each one who comes or goes would be quadratic when they do so together."""


class Viewers:
    """The subscriptions of all sockets. All calls on the hub's loop.

    Args:
        log: Where heads and tails are looked up.
        state: Tells a stream's producer state, from whether it is closed.

    Attributes:
        hot: The last events of each stream that somebody reads.

    """

    def __init__(self, log: StreamLog, state: Callable[[str, bool], ProducerState]) -> None:
        self.hot: dict[str, HotTail] = {}
        self._log = log
        self._state = state
        # By stream, in the order in which they came, so that the same happens again; with the
        # frame that each cursor came from.
        self._readers: dict[str, dict[HubSocket, frames.Subscribe]] = {}
        self._waiting: dict[str, dict[HubSocket, frames.Subscribe]] = {}
        self._notices: dict[str, str] = {}
        # Streams whose readers are to be told how many they are, when the timer is due.
        self._recounted: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    @property
    def total(self) -> int:
        """How many subscriptions there are."""
        return sum(map(len, self._readers.values()))

    @property
    def held_up(self) -> int:
        """How many streams have a notice: their events cannot get into the log."""
        return len(self._notices)

    def count(self, stream: str) -> int:
        """How many sockets read a stream."""
        return len(self._readers.get(stream, ()))

    async def subscribe(self, socket: HubSocket, frame: frames.Subscribe) -> None:
        """Answer a ``subscribe``; events follow from the socket's pump."""
        stream = frame.stream
        # Not if it was taken back, or the socket closed, before this had its turn.
        if frame.wait and socket.asked.get(stream) is frame:
            # Before the log is asked: a claim that comes in between must find us.
            self._waiting.setdefault(stream, {})[socket] = frame
        try:
            info = await self._log.info(stream)
        except (NoSuchStreamError, LogError) as error:
            self._not_there(socket, frame, error)
            return
        if frame.wait and not self._waits_no_more(socket, stream, only=frame):
            return  # the claim's own call of this has it
        if socket.hung_up is not None or socket.asked.get(stream) is not frame:
            return  # gone, taken back, or asked for again
        start = {"head": info.head, "tail": info.tail}.get(str(frame.start), frame.start)
        assert isinstance(start, int)  # noqa: S101  (decoded as an offset or one of two words)
        if not info.head <= start <= info.tail:
            gone = OffsetOutOfRangeError(stream, offset=start, head=info.head, tail=info.tail)
            self.broken(socket, stream, gone)
            return
        readers = self._readers.setdefault(stream, {})
        if socket not in readers:
            self._recount(stream)
        readers[socket] = frame
        hot = self.hot.setdefault(stream, HotTail())
        hot.closed = hot.closed or info.closed
        socket.send(
            frames.Subscribed(
                stream=stream,
                start=start,
                head=info.head,
                tail=info.tail,
                closed=info.closed,
                meta=msgspec.Raw(info.meta),
                producer=self._state(stream, hot.closed),
            )
        )
        socket.connection.pump.add(stream, start=start, tail=info.tail, closed=info.closed)
        socket.send(self._status(stream))
        # The tail may have moved between the log's answer and the cursor: look once more.
        try:
            now = await self._log.info(stream)
        except (NoSuchStreamError, LogError) as error:
            if socket.asked.get(stream) is frame:
                self.broken(socket, stream, error)
            return
        if socket.connection.pump.moved(stream, tail=now.tail, closed=now.closed):
            socket.wake()

    def take_waiting(self, stream: str) -> list[tuple[HubSocket, frames.Subscribe]]:
        """Give the subscriptions that waited for a stream, which is there now."""
        waiting = []
        for socket, frame in self._waiting.pop(stream, {}).items():
            found = msgspec.structs.replace(frame, wait=False)
            if socket.asked.get(stream) is frame:
                socket.asked[stream] = found
                waiting.append((socket, found))
        return waiting

    def unsubscribe(self, socket: HubSocket, stream: str) -> None:
        """End a subscription, if there is one."""
        socket.asked.pop(stream, None)
        self._waits_no_more(socket, stream)
        socket.connection.pump.remove(stream)
        self.left(socket, stream)

    def finished(self, socket: HubSocket, stream: str) -> None:
        """Note that a socket was sent a closed stream to its end."""
        # It may have asked for the stream anew meanwhile, for a second view of it.
        if socket.asked.get(stream) is self._readers.get(stream, {}).get(socket):
            socket.asked.pop(stream, None)
        self.left(socket, stream)

    def left(self, socket: HubSocket, stream: str) -> None:
        """Note that a socket reads a stream no more: its cursor is gone already."""
        readers = self._readers.get(stream)
        if readers is None or socket not in readers:
            return
        del readers[socket]
        if not readers:
            del self._readers[stream]
            self.hot.pop(stream, None)
        self._recount(stream)

    def broken(self, socket: HubSocket, stream: str, error: Exception) -> None:
        """End a subscription whose events could not be read, and say why."""
        self.unsubscribe(socket, stream)
        if isinstance(error, OffsetOutOfRangeError):
            socket.send(frames.Gone(stream=stream, head=error.head, tail=error.tail))
        else:
            socket.refuse(error, stream=stream, op="subscribe")

    def deleted(self, stream: str) -> None:
        """Tell everybody that a stream is gone."""
        for socket in tuple(self._readers.get(stream, ())):
            self.broken(socket, stream, NoSuchStreamError(stream))

    def moved(self, moved: Moved, *, now: float) -> None:
        """Wake those who read a stream whose tail moved."""
        hot = self.hot.get(moved.stream)
        if hot is not None:
            hot.add(moved, now=now)
        for socket in self._readers.get(moved.stream, ()):
            if socket.connection.pump.moved(moved.stream, tail=moved.tail, closed=moved.closed):
                socket.go_on()

    def notice(self, stream: str, text: str) -> None:
        """Say what keeps a stream's events from the log; empty when nothing does any more."""
        if self._notices.get(stream, "") == text:
            return
        self._notices[stream] = text
        if not text:
            del self._notices[stream]
        self.tell(stream)

    def tell(self, stream: str) -> None:
        """Send a stream's ``status`` to all who read it, now."""
        self._recounted.pop(stream, None)
        readers = self._readers.get(stream)
        if not readers:
            return
        status = self._status(stream)
        for socket in tuple(readers):
            socket.send(status)

    def stop(self) -> None:
        """Tell nobody any more of those who come and go. May be called twice."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _status(self, stream: str) -> frames.Status:
        return frames.Status(
            stream=stream,
            producer=self._state(stream, self.hot[stream].closed),
            viewers=self.count(stream),
            notice=self._notices.get(stream, ""),
        )

    def _recount(self, stream: str) -> None:
        """Have a stream's readers told how many they are: once for all who come and go meanwhile.

        Where there are none (before the first, who is told at once, and after the last) nobody is.
        """
        if not self._readers.get(stream):
            self._recounted.pop(stream, None)
            return
        self._recounted[stream] = None
        if self._timer is None and not self._stopped:  # one for all streams
            self._timer = asyncio.get_running_loop().call_later(COUNT_S, self._tell_counts)

    def _tell_counts(self) -> None:
        self._timer = None
        for stream in tuple(self._recounted):
            self.tell(stream)

    def _not_there(self, socket: HubSocket, frame: frames.Subscribe, error: Exception) -> None:
        """Wait for a stream that the log has not given, or say why not."""
        asked = socket.asked.get(frame.stream) is frame
        if asked and frame.wait and isinstance(error, NoSuchStreamError):
            return
        self._waits_no_more(socket, frame.stream, only=frame)
        if asked:
            self.broken(socket, frame.stream, error)

    def _waits_no_more(
        self, socket: HubSocket, stream: str, *, only: frames.Subscribe | None = None
    ) -> bool:
        """Have a socket wait no more for a stream; tells whether it did (with that frame)."""
        waiting = self._waiting.get(stream, {})
        frame = waiting.get(socket)
        if frame is None or (only is not None and frame is not only):
            return False
        del waiting[socket]
        if not waiting:
            del self._waiting[stream]
        return True
