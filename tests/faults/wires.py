"""Sockets without a network: frames go one at a time, when the machine says so, or never.

A ``Wire`` joins a ``Client`` (one socket of a kernel or of a page, with any number of streams) to
a hub's ``HubSocket``. What is on its way is lost when the wire is cut, at any frame; one end may
know of the cut before the other does.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from swarm_stream.protocol import frames
from swarm_stream.protocol.heartbeat import HeartbeatTimer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from swarm_stream.hub.hub import StreamHub
    from swarm_stream.hub.socket import HubSocket
    from swarm_stream.protocol.server import HangUp
    from tests.faults.loop import StepLoop

__all__ = ["ROOM", "Client", "End", "Wire"]

ROOM = 3
"""Frames on their way to a client; with more, the hub's socket cannot push, nor drain."""

HEARTBEAT_S = 10.0
SILENCE_S = 25.0


class End(Protocol):
    """One stream of a client."""

    stream: str

    def connected(self) -> None: ...

    def lost(self) -> None: ...

    def receive(self, frame: frames.ServerFrame, *, now: float) -> None: ...

    def tick(self, *, now: float) -> None: ...

    def frames_to_send(self) -> Sequence[frames.ClientFrame]: ...


class Wire:
    """One connection.

    Attributes:
        up: Frames on their way to the hub.
        down: Frames on their way to the client; None stands for the socket's end.
        client: Who hears of what comes down; None when it has given the socket up.

    """

    def __init__(self, hub: StreamHub, loop: StepLoop, client: Client) -> None:
        self.up: deque[bytes] = deque()
        self.down: deque[bytes | None] = deque()
        self.client: Client | None = client
        socket = hub.open_socket(may_produce=True, may_view=True, who=client.name)
        assert socket is not None
        self.socket: HubSocket = socket
        self.open = True
        self._loop = loop
        self._room: asyncio.Future[None] | None = None
        self._feeding: asyncio.Task[None] | None = None
        self._serving = loop.create_task(self._serve())

    def deliver_up(self) -> None:
        """Have the first frame arrive at the hub; a hub that has gone hears nothing."""
        data = self.up.popleft()
        if self.open:
            assert self._feeding is None or self._feeding.done(), "the hub does not read"
            self._feeding = self._loop.create_task(self.socket.feed(data))

    def deliver_down(self) -> None:
        """Have the first frame arrive at the client, if it is still there."""
        data = self.down.popleft()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        if self.client is None:
            return
        if data is None:
            self.client.lose()
        else:
            self.client.receive(data)

    def close_at_hub(self) -> None:
        """Have the hub learn that the socket is gone."""
        self.open = False
        self.up.clear()
        self._loop.within(self.socket.close)
        self._serving.cancel()

    def raise_problems(self) -> None:
        """Raise what went wrong in the hub on behalf of this wire."""
        for task in (self._serving, self._feeding):
            if task is not None and task.done() and not task.cancelled():
                error = task.exception()
                if error is not None:
                    raise error

    async def _serve(self) -> HangUp:
        why = await self.socket.serve(self._send, push=self._push)
        self.open = False
        self.socket.close()
        self.down.append(None)
        return why

    def _push(self, frames: Sequence[bytes]) -> bool:
        if len(self.down) + len(frames) > ROOM:
            return False
        self.down.extend(frames)
        return True

    async def _send(self, frame: bytes) -> None:
        while len(self.down) >= ROOM:
            self._room = self._loop.create_future()
            await self._room
        self.down.append(frame)


class Client:
    """One socket's other end: reconnects when it is told to, and never gives up.

    Attributes:
        name: Who it is.
        ends: Its streams.
        wire: Its socket, while it believes that it has one.
        frozen: Whether nothing is delivered to it or from it for now.
        left: Streams that it gave up on this wire: frames of them may still come.

    """

    def __init__(self, name: str, loop: StepLoop) -> None:
        self.name = name
        self.ends: dict[str, End] = {}
        self.wire: Wire | None = None
        self.frozen = False
        self.left: set[str] = set()
        self._loop = loop
        self._timer: HeartbeatTimer | None = None

    def attach(self, end: End) -> None:
        self.ends[end.stream] = end
        if self.wire is not None:
            end.connected()

    def connect(self, hub: StreamHub) -> Wire:
        self.wire = Wire(hub, self._loop, self)
        self.left.clear()
        self._timer = HeartbeatTimer(
            now=self._loop.time(), interval_s=HEARTBEAT_S, silence_limit_s=SILENCE_S
        )
        for end in self.ends.values():
            end.connected()
        return self.wire

    def lose(self) -> Wire | None:
        """Give the socket up; gives the wire, on whose other end nobody may know of it yet."""
        wire, self.wire = self.wire, None
        if wire is not None:
            wire.client = None
            wire.down.clear()
            for end in self.ends.values():
                end.lost()
        return wire

    def receive(self, data: bytes) -> None:
        assert self._timer is not None
        self._timer.heard(now=self._loop.time())
        frame = frames.decode_server_frame(data)
        end = self.ends.get(getattr(frame, "stream", None) or "")
        if end is not None:
            end.receive(frame, now=self._loop.time())

    def send(self, frame: frames.ClientFrame) -> None:
        assert self.wire is not None
        assert self._timer is not None
        self.wire.up.append(frames.encode(frame))
        self._timer.sent(now=self._loop.time())

    def send_all(self) -> None:
        """Give each stream one turn."""
        for end in self.ends.values():
            for frame in end.frames_to_send():
                self.send(frame)

    def tick(self) -> None:
        """Look at the time."""
        now = self._loop.time()
        for end in self.ends.values():
            end.tick(now=now)
        if self.wire is None or self._timer is None:
            return
        if self._timer.gone(now=now):
            self.lose()
        elif self._timer.due(now=now):
            self.send(frames.Heartbeat(t=now * 1000))
