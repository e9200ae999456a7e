"""The kernel's own hub: every session's events, in memory, for the views of this process.

It serves the widget comm and ``session.events()`` with the same frames as the server, with or
without one. With no server it is also where events are acknowledged. IO thread only.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import uuid4
from weakref import WeakValueDictionary

import msgspec

from swarm_stream.errors import LogError, NoSuchStreamError, OffsetOutOfRangeError
from swarm_stream.hub.hub import StreamHub
from swarm_stream.logs.base import Claimed
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.protocol import frames
from swarm_stream.protocol.server import ends_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm_stream.hub.producers import Sender
    from swarm_stream.runtime.buffer import TokenBuffer

__all__ = ["LocalHub", "LocalStream"]

_MAX_EVENTS: Final = 1000
_MAX_BYTES: Final = 2**20
_raw_list: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


class LocalHub:
    """A hub over a log in memory. Make it on the IO thread.

    Args:
        history_bytes: Bytes of events kept; the oldest finished runs go first.

    """

    def __init__(self, *, history_bytes: int) -> None:
        self.log = MemoryLog(max_bytes=history_bytes)
        self.hub = StreamHub(self.log, server_id=f"kernel-{uuid4().hex[:12]}")
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        # As long as somebody holds the session.
        self._hosted: WeakValueDictionary[str, LocalStream] = WeakValueDictionary()

    def hosted(self, stream: str) -> LocalStream | None:
        """Give the last stream of that name that a session of this process has."""
        return self._hosted.get(stream)

    async def moved(self, stream: str) -> None:
        """Wait until something was added to a stream here. Cancelling is safe."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(stream, [])
        waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            # Off the list: the stream of a run that waits for a person may not move for days.
            if self._waiting.get(stream) is waiting:
                waiting.remove(future)
                if not waiting:
                    del self._waiting[stream]
            raise

    def tell_moved(self, stream: str) -> None:
        """Wake those who wait for more of a stream."""
        for future in self._waiting.pop(stream, ()):
            if not future.done():
                future.set_result(None)

    async def press(self, frame: frames.Control) -> frames.Controlled:
        """Press a button of a run of this process, and give what became of it.

        Cancelling leaves open whether it was done.
        """
        socket = self.hub.open_socket(may_produce=False, may_view=True, who="you")
        if socket is None:
            message = "too many views are open in this kernel"
            return frames.Controlled(stream=frame.stream, id=frame.id, ok=False, message=message)
        answered: asyncio.Future[frames.Controlled] = asyncio.get_running_loop().create_future()

        async def take(data: bytes) -> None:
            answer = frames.decode_server_frame(data)
            if isinstance(answer, frames.Error):
                answer = frames.Controlled(
                    stream=frame.stream, id=frame.id, ok=False, message=answer.message
                )
            if isinstance(answer, frames.Controlled) and not answered.done():
                answered.set_result(answer)

        serving = asyncio.ensure_future(socket.serve(take))
        try:
            self.hub.obey(socket, frame)
            return await answered
        finally:
            serving.cancel()
            self.hub.close_socket(socket)

    def host(
        self, stream: str, *, producer: str, meta: bytes, buffer: TokenBuffer[bytes], sender: Sender
    ) -> LocalStream:
        """Begin to keep a session's events.

        Those of an earlier session of that name are kept beside them for whoever holds it; views
        of it are told that the stream is gone.
        """
        earlier = self._hosted.pop(stream, None)
        if earlier is None:
            self.log.delete_now(stream)
        else:
            earlier.key = f"{stream} {earlier.epoch}"  # no stream's name has a space
            self.log.rename_now(stream, earlier.key)
        self.hub.viewers.deleted(stream)
        self.tell_moved(stream)
        claimed = self.log.claim_now(stream, producer=producer, meta=meta)
        assert isinstance(claimed, Claimed)  # noqa: S101  (nobody has it)
        self.hub.seat(stream, epoch=claimed.epoch, producer=producer, sender=sender)
        hosted = self._hosted[stream] = LocalStream(self, stream, claimed.epoch, buffer)
        return hosted


class LocalStream:
    """One session's events in the kernel's hub. IO thread only.

    Attributes:
        epoch: By which the hub's log knows it.
        key: Under which the hub's log has it: the name, until another session takes that.
        next: Offset of the first event that was not copied yet.

    """

    def __init__(
        self, local: LocalHub, stream: str, epoch: int, buffer: TokenBuffer[bytes]
    ) -> None:
        self._local = local
        self.key = stream
        self.epoch = epoch
        self._buffer = buffer
        self._shift = 0
        self.next = 0

    def rebase(self, offset: int) -> None:
        """Take over a stream that has ``offset`` events of an earlier producer, not held here."""
        self.next = self._shift = offset

    def copy(self) -> None:
        """Copy what is new in the buffer.

        Offsets here begin at 0 even where the server's begin at another producer's end.
        """
        while self.next < self._buffer.next:
            events = self._buffer.slice(self.next, max_events=_MAX_EVENTS, max_bytes=_MAX_BYTES)
            offset = self.next
            self.next += len(events)
            self._local.log.append_now(
                self.key,
                epoch=self.epoch,
                offset=offset - self._shift,
                events=events,
                closes=ends_stream(events),
            )
            self._local.tell_moved(self.key)

    def slice(self, offset: int, *, max_events: int, max_bytes: int) -> Sequence[bytes]:
        """Give acknowledged events again, for a server that lost them; none if not held."""
        try:
            part = self._local.log.read_now(
                self.key, offset - self._shift, max_events=max_events, max_bytes=max_bytes
            )
        except (OffsetOutOfRangeError, NoSuchStreamError, LogError):
            return ()
        return [bytes(event) for event in _raw_list.decode(b"[" + part.body + b"]")]
