"""Whose turn it is to send on the link: streams that have something, one batch each in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from swarm_stream.protocol import frames

if TYPE_CHECKING:
    from swarm_stream.protocol.producer import ProducerConnection

__all__ = ["LinkedStream", "Outgoing"]

TOGETHER_BYTES: Final = 256 * 1024
"""Bytes that leave together. This thread waits for the interpreter's lock after each call of the
system, up to 5 ms while a cell computes, so a call for each frame would hold up the others."""


UNDER_WAY: Final = 64
"""Streams with events on their way. A server that keeps up answers each within a millisecond or
two, so that this many are never reached."""


class LinkedStream(Protocol):
    """A session, as the link sees it."""

    connection: ProducerConnection

    def link_changed(self) -> None:
        """Something about the stream or the link changed: look. IO thread."""
        ...

    def link_turn(self) -> None:
        """The link is about to look for what is to be sent. IO thread."""
        ...

    def control_arrived(self, frame: frames.Control) -> None:
        """A button was pressed. IO thread; answered by ``ServerLink.answer``."""
        ...


class Outgoing:
    """Streams that may have something to send, in the order of their turns.

    No more than ``UNDER_WAY`` streams have events on their way that the server has not answered
    for. The others wait, and what gathers meanwhile leaves together: else a server that is behind
    would be sent ever more small frames, which lie in the system's buffers by the thousand and are
    the more work the smaller they are.
    """

    def __init__(self) -> None:
        self._stirred: dict[str, LinkedStream] = {}
        self._under_way: set[str] = set()
        self._waiting: dict[str, LinkedStream] = {}

    def __bool__(self) -> bool:
        """Whether it is anybody's turn."""
        return bool(self._stirred)

    def add(self, stream: LinkedStream) -> None:
        """Have a stream's turn come."""
        self._stirred[stream.connection.stream] = stream

    def gather(self) -> list[bytes]:
        """Give the frames of the streams whose turn it is, up to ``TOGETHER_BYTES`` and one.

        A stream with much to send has several turns, if the others have none left.
        """
        out: list[bytes] = []
        size = 0
        while self._stirred and size <= TOGETHER_BYTES:
            name = next(iter(self._stirred))
            stream = self._stirred.pop(name)
            connection = stream.connection
            may = name in self._under_way or len(self._under_way) < UNDER_WAY
            # The buffer calls again only after this, so nothing put since can be missed.
            stream.link_turn()
            for frame in connection.frames_to_send(events=may):
                out.append(frames.encode(frame))
                size += len(out[-1])
            if connection.awaits_ack:
                self._under_way.add(name)
            if connection.has_more and may:
                self.add(stream)
            elif connection.has_more:
                self._waiting[name] = stream
        return out

    def answered(self, stream: LinkedStream) -> None:
        """Look whether a stream, which the server has answered, still has events on their way."""
        if not stream.connection.awaits_ack:
            self.left(stream)

    def left(self, stream: LinkedStream) -> None:
        """Note that nothing of a stream is on its way: another one's turn may come."""
        self._under_way.discard(stream.connection.stream)
        if self._waiting and len(self._under_way) < UNDER_WAY:
            name = next(iter(self._waiting))
            self.add(self._waiting.pop(name))

    def lost(self) -> None:
        """Note that the connection is gone, and everything that was on its way with it."""
        self._under_way.clear()
        for stream in self._waiting.values():
            self.add(stream)
        self._waiting.clear()
