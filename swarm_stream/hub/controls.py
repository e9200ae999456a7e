"""Buttons that wait for a producer's answer: delivered at least once, answered once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from swarm_stream.protocol import frames

if TYPE_CHECKING:
    from swarm_stream.hub.producers import Sender
    from swarm_stream.hub.socket import HubSocket

__all__ = ["AWAY", "OVER", "PendingControls"]

MAX_PENDING: Final = 100
MAX_PENDING_BYTES: Final = 2**20
"""Controls of one stream that may wait for its producer's answer, and the bytes of their data.

All of them are handed on at once when the producer comes back, so they have to fit its queue.
"""
OVER: Final = "the run is over"
AWAY: Final = "the run's kernel is not connected; try when it is back"


class PendingControls:
    """Controls by stream and id, from the viewer's frame to the producer's answer."""

    def __init__(self) -> None:
        self._pending: dict[str, dict[str, tuple[HubSocket, frames.Control]]] = {}

    def ask(self, viewer: HubSocket, frame: frames.Control, producer: Sender) -> None:
        """Hand a viewer's control to the producer."""
        pending = self._pending.get(frame.stream, {})
        known = pending.get(frame.id)
        if known is not None:
            # The producer has it, or will when it is back: only who is to be told has changed.
            pending[frame.id] = (viewer, known[1])
            return
        size = sum(len(control.data) for _, control in pending.values()) + len(frame.data)
        if len(pending) >= MAX_PENDING or (pending and size > MAX_PENDING_BYTES):
            self.deny(viewer, frame, "too many buttons wait for the kernel; wait for those")
            return
        # Copied: else it would keep all of the frame that it came in.
        data = frame.data.copy()
        control = msgspec.structs.replace(frame, by=viewer.connection.who, data=data)
        self._pending.setdefault(frame.stream, {})[frame.id] = (viewer, control)
        producer.send(control)

    def again(self, stream: str, producer: Sender) -> None:
        """Hand what waits to a producer that came back; it knows by the ids what it has done."""
        for _, control in self._pending.get(stream, {}).values():
            producer.send(control)

    def answered(self, frame: frames.Controlled) -> None:
        """Pass the producer's answer on to the viewer that asked."""
        pending = self._pending.get(frame.stream, {})
        asked = pending.pop(frame.id, None)
        if not pending:
            self._pending.pop(frame.stream, None)
        if asked is not None:
            asked[0].send(frame)

    def over(self, stream: str) -> None:
        """Answer what still waits: the run has ended."""
        for viewer, frame in self._pending.pop(stream, {}).values():
            self.deny(viewer, frame, OVER)

    @staticmethod
    def deny(viewer: HubSocket, frame: frames.Control, message: str) -> None:
        """Answer that a control cannot be taken."""
        viewer.send(frames.Controlled(stream=frame.stream, id=frame.id, ok=False, message=message))
