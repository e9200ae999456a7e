"""After a reconnect the producer leaves out one of the events that it sends again."""

from __future__ import annotations

from typing import Any

import msgspec

from swarm_stream.protocol import frames
from swarm_stream.protocol.producer import ProducerConnection

__all__ = ["plant"]


def plant() -> None:
    """Plant it in this process."""
    connected, frames_to_send = ProducerConnection.connected, ProducerConnection.frames_to_send
    connections: dict[int, int] = {}

    def counting(self: ProducerConnection) -> None:
        connections[id(self)] = connections.get(id(self), 0) + 1
        connected(self)

    def forgetful(self: ProducerConnection, *, events: bool = True) -> list[Any]:
        resent = self.resent
        out = frames_to_send(self, events=events)
        for at, frame in enumerate(out):
            again = self.resent > resent and connections.get(id(self), 0) > 1
            if again and isinstance(frame, frames.Append) and len(frame.events) > 1:
                out[at] = msgspec.structs.replace(frame, events=frame.events[1:])
        return out

    ProducerConnection.connected = counting  # type: ignore[method-assign]
    ProducerConnection.frames_to_send = forgetful  # type: ignore[method-assign]
