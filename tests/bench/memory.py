"""E1: what the server's memory grows by: for a stream, for a viewer, for events that it holds."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import msgspec

from swarm_stream.events.model import Delta, encode_event
from swarm_stream.protocol.frames import SUBPROTOCOL, Append, Claim, Subscribe, encode
from tests.bench.figures import Found, limit
from tests.bench.place import Place, Server
from tests.bench.wire import Wire, dial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["bench"]

EVENTS = 1000
"""Events in a frame, and those that the target counts."""


class Client:
    """A socket that waits for the answers to what it asks."""

    wire: Wire

    def __init__(self) -> None:
        self._answers = 0
        self._wanted = 0
        self._came = asyncio.Event()

    async def dial(self, server: Server) -> Client:
        headers = {**server.headers, "Sec-WebSocket-Protocol": SUBPROTOCOL}
        self.wire = await dial(f"{server.base}/swarm-stream/ws", self._heard, headers)
        return self

    def _heard(self, message: bytes) -> None:
        op = json.loads(message)["op"]
        assert op != "error", message
        if op in {"claimed", "ack", "subscribed"}:
            self._answers += 1
            self._came.set()

    async def ask(self, frames: Iterable[bytes]) -> None:
        """Send frames, one after the other, waiting for the answer to each."""
        for frame in frames:
            self._wanted += 1
            self.wire.send(frame)
            while self._answers < self._wanted:
                self._came.clear()
                await self._came.wait()


def kib(server: Server) -> float:
    return server.process.memory_info().rss / 1024


def claim(stream: str) -> bytes:
    return encode(Claim(stream=stream, producer="bench"))


def append(stream: str, offset: int) -> bytes:
    one = msgspec.Raw(encode_event(Delta(t=1764000000000.125, seg=0, text=" tok")))
    events = [one] * EVENTS
    return encode(Append(stream=stream, epoch=1, offset=offset, events=events))


async def grown(
    server: Server, name: str, *, streams: int, viewers: int, thousands: int
) -> dict[str, float]:
    """Give KiB for each idle stream, for each idle viewer, for each 1,000 events held."""
    producer = await Client().dial(server)
    settle = 0.5
    before = kib(server)
    await producer.ask(claim(f"{name}-{number}") for number in range(streams))
    await asyncio.sleep(settle)
    with_streams = kib(server)
    await producer.ask(append(f"{name}-0", number * EVENTS) for number in range(thousands))
    await asyncio.sleep(settle)
    with_events = kib(server)
    crowd = []
    for number in range(viewers):
        viewer = await Client().dial(server)
        await viewer.ask([encode(Subscribe(stream=f"{name}-{number % streams}", start="tail"))])
        crowd.append(viewer)
    await asyncio.sleep(settle)
    with_viewers = kib(server)
    for client in (producer, *crowd):
        client.wire.close()
    await asyncio.sleep(settle)
    return {
        "stream": (with_streams - before) / streams,
        "events": (with_events - with_streams) / thousands,
        "viewer": (with_viewers - with_events) / viewers,
    }


def bench(*, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure in rounds, each on a server of its own: memory that was freed is used again."""
    found = Found()
    rounds, size = (1, 300) if quick else (5, 1500)
    seen: list[dict[str, float]] = []
    for number in range(rounds):
        with Place() as place:
            server = place.server("ours")
            # Once around, so that what is loaded and cached once for all is not counted.
            asyncio.run(grown(server, "warm", streams=100, viewers=100, thousands=50))
            time.sleep(1)
            thousands = 100 if quick else 1000
            seen.append(
                asyncio.run(grown(server, "bench", streams=size, viewers=size, thousands=thousands))
            )
            say(
                f"  E1 {number + 1}/{rounds} KiB for a stream {seen[-1]['stream']:.2f}, "
                f"a viewer {seen[-1]['viewer']:.1f}, 1,000 events {seen[-1]['events']:.3f}"
            )
    for what, text, kib_at_most in (
        ("stream", "server memory for an idle stream", 2.0),
        ("viewer", "server memory for an idle viewer", 30.0),
        ("events", "server memory for 1,000 events held", 0.05),
    ):
        found.figure(
            text, "KiB", [one[what] for one in seen], target="E1",
            limits=limit(kib_at_most, rounds),
        )  # fmt: skip
    found.notes.append(
        "E1: the target for events held is 0; what rounds to it (0.05 KiB for 1,000 events, which "
        "have 60 KiB) counts as such"
    )
    return found
