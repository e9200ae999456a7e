"""After a reconnect the producer leaves out one of the tokens that it sends again."""

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
            if again and isinstance(frame, frames.Append):
                out[at] = msgspec.structs.replace(frame, events=_short(frame.events))
        return out

    ProducerConnection.connected = counting  # type: ignore[method-assign]
    ProducerConnection.frames_to_send = forgetful  # type: ignore[method-assign]


def _short(events: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """Leave out the first token; not an event of ours, which nobody would miss by its text."""
    token = next((at for at, event in enumerate(events) if b'"delta"' in bytes(event)), None)
    if token is None or len(events) == 1:
        return events
    return events[:token] + events[token + 1 :]
