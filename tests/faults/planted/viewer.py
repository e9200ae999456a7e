"""The viewer asks for one event too far when it comes back, and shows no hole."""

from __future__ import annotations

from swarm_stream.protocol.subscriber import SubscriberConnection

__all__ = ["plant"]


def plant() -> None:
    """Plant it in this process."""
    connected = SubscriberConnection.connected

    def careless(self: SubscriberConnection) -> None:
        if self.received:
            self.next += 1
        connected(self)

    SubscriberConnection.connected = careless  # type: ignore[method-assign]
