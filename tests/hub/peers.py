"""A hub over a log in memory, and the sockets of a test: no transport, no threads, no clock."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from swarm_stream.errors import LogError
from swarm_stream.hub.hub import StreamHub
from swarm_stream.logs.memory import MemoryLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm_stream.logs.base import Slice, StreamInfo
    from swarm_stream.protocol.server import HangUp, Limits

END = {"type": "end", "t": 9, "outcome": "completed", "reason": ""}
FULL = LogError("the disk is full; make room, nothing is lost meanwhile")


def delta(number: int, *, size: int = 0) -> dict[str, Any]:
    return {"type": "delta", "t": 1, "seg": 0, "text": f"{number}{'x' * size}"}


class BadLog(MemoryLog):
    """A log whose disk can be slow or full.

    Attributes:
        reads: How often it was read.
        broken: What appending raises, if anything.
        refusing: What claiming raises, if anything.
        failing: What ``info`` raises, if anything.
        answering: Cleared to have ``info`` wait.
        reading: Cleared to have ``read`` wait.
        committing: Cleared to have appends and claims wait.

    """

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.broken: Exception | None = None
        self.refusing: Exception | None = None
        self.failing: Exception | None = None
        self.answering = asyncio.Event()
        self.answering.set()
        self.reading = asyncio.Event()
        self.reading.set()
        self.committing = asyncio.Event()
        self.committing.set()

    async def info(self, stream: str) -> StreamInfo:
        if (failing := self.failing) is not None:
            await self.answering.wait()
            raise failing
        try:
            return await super().info(stream)
        finally:  # the answer is of then, not of now
            await self.answering.wait()

    async def read(self, stream: str, offset: int, *, max_events: int, max_bytes: int) -> Slice:
        self.reads += 1
        try:
            return await super().read(stream, offset, max_events=max_events, max_bytes=max_bytes)
        finally:
            await self.reading.wait()

    def append(self, stream: str, **batch: Any) -> Any:
        async def later() -> object:
            await self.committing.wait()
            if self.broken is not None:
                raise self.broken
            return self.append_now(stream, **batch)

        return later()

    def claim(self, stream: str, **who: Any) -> Any:
        refusing = self.refusing
        answer = super().claim(stream, **who) if refusing is None else None

        async def later() -> object:
            await self.committing.wait()
            if answer is None:
                assert refusing is not None
                raise refusing
            return await answer

        return later()


class Peer:
    """One socket's other end.

    Attributes:
        got: The frames that arrived, in order.
        sizes: Their sizes in bytes.
        open: Cleared when the peer does not read.
        why: Why the hub closed the socket, once it has.

    """

    def __init__(
        self, hub: StreamHub, *, who: str = "Ann", view: bool = True, at_once: bool = False
    ) -> None:
        socket = hub.open_socket(may_produce=True, may_view=view, who=who)
        assert socket is not None
        self.socket = socket
        self.got: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.raw: list[bytes] = []
        self.open = asyncio.Event()
        self.open.set()
        self.why: HangUp | None = None
        self._at_once = at_once
        self.serving = asyncio.ensure_future(self._serve())

    async def _serve(self) -> None:
        self.why = await self.socket.serve(self._send, push=self._push)

    def _push(self, frames: Sequence[bytes]) -> bool:
        if not self._at_once or not self.open.is_set():
            return False
        for frame in frames:
            self._take(frame)
        return True

    async def _send(self, frame: bytes) -> None:
        await self.open.wait()
        self._take(frame)

    def _take(self, frame: bytes) -> None:
        self.got.append(json.loads(frame))
        self.raw.append(frame)
        self.sizes.append(len(frame))

    async def say(self, op: str, stream: str = "demo", **fields: Any) -> None:
        """Send a frame and let everything happen that follows from it."""
        await self.socket.feed(json.dumps({"op": op, "stream": stream, **fields}))
        await quiet()

    async def claim(self, producer: str = "p1", **fields: Any) -> None:
        await self.say("claim", producer=producer, **fields)

    async def append(
        self,
        offset: int,
        *events: dict[str, Any],
        epoch: int = 1,
        stream: str = "demo",
        **fields: Any,
    ) -> None:
        await self.say("append", stream, epoch=epoch, offset=offset, events=list(events), **fields)

    async def subscribe(self, start: int | str = 0, **fields: Any) -> None:
        await self.say("subscribe", **{"from": start}, **fields)

    def take(self, *ops: str) -> list[dict[str, Any]]:
        """Give the frames of these ops (all without any) that came since, and forget all."""
        frames = [frame for frame in self.got if not ops or frame["op"] in ops]
        self.got.clear()
        return frames

    def events(self, start: int) -> list[dict[str, Any]]:
        """Give the events that came since; checks that their offsets are dense from ``start``."""
        events: list[dict[str, Any]] = []
        for frame in self.take("events"):
            assert frame["offset"] == start + len(events)
            events += frame["events"]
        return events

    async def leave(self) -> None:
        """Go at once, as a transport does: what was said last has had no turn yet."""
        self.serving.cancel()
        self.socket.close()
        await asyncio.gather(self.serving, return_exceptions=True)
        await quiet()


class Place:
    """A hub, and who is connected to it; with ``at_once`` by transports that can push."""

    def __init__(
        self, limits: Limits | None = None, *, max_sockets: int = 100, at_once: bool = False
    ) -> None:
        self.at_once = at_once
        self.log = BadLog()
        self.hub = StreamHub(self.log, server_id="srv-test", limits=limits, max_sockets=max_sockets)
        self.peers: list[Peer] = []

    def join(self, **options: Any) -> Peer:
        peer = Peer(self.hub, at_once=self.at_once, **options)
        self.peers.append(peer)
        return peer

    async def fill(self, *events: dict[str, Any], stream: str = "demo") -> None:
        """Write events as a producer who has gone since."""
        if stream not in {info.stream for info in await self.log.list()}:
            self.log.claim_now(stream, producer="earlier", meta=b'{"title":"T"}')
        await self.add(events, stream)

    async def add(self, events: Sequence[dict[str, Any]], stream: str) -> None:
        info = self.log._find(stream).info()
        self.log.append_now(
            stream,
            epoch=info.epoch,
            offset=info.tail,
            events=[json.dumps(event).encode() for event in events],
            closes=bool(events) and events[-1] == END,
        )
        await quiet()

    async def close(self) -> None:
        for peer in self.peers:
            await peer.leave()
        await self.hub.aclose()


async def quiet() -> None:
    """Let every task go as far as it can: nothing here waits for a clock or a thread."""
    for _ in range(60):
        await asyncio.sleep(0)
