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
    """Streams that may have something to send, in the order of their turns."""

    def __init__(self) -> None:
        self._stirred: dict[str, LinkedStream] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
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
            # The buffer calls again only after this, so nothing put since can be missed.
            stream.link_turn()
            for frame in stream.connection.frames_to_send():
                out.append(frames.encode(frame))
                size += len(out[-1])
            if stream.connection.has_more:
                self.add(stream)
        return out
