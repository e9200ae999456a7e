"""Viewers of the soak: pages that watch many streams over one socket, and come back after a break.

A thin driver around ``SubscriberConnection``, as in PROTOCOL.md; what each page was shown is
kept for the checker.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from swarm_stream.protocol import frames
from swarm_stream.protocol.backoff import Backoff
from swarm_stream.protocol.subscriber import Missing, Phase, SubscriberConnection
from tests.faults.histories import Closed, Gone, Role, Seen, Viewer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Page", "Watched"]

HEARTBEAT_S: Final = 0.5
SILENCE_S: Final = 1.5
CONNECT_S: Final = 2.0
FIRST_S: Final = 0.02
LIMIT_S: Final = 0.3


class _Event(msgspec.Struct):
    type: str = ""
    text: str = ""
    outcome: str = ""


_event = msgspec.json.Decoder(_Event)


@dataclass(slots=True)
class Watched:
    """One stream, as one page sees it."""

    subscriber: SubscriberConnection
    start: int = 0
    shown: list[Seen | Gone | Closed] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether the page knows the stream's end, or will not get any further."""
        return self.subscriber.phase in {Phase.CLOSED, Phase.FAILED}

    def take(self) -> None:
        """Keep what is to be shown."""
        now = time.monotonic()
        for item in self.subscriber.take():
            if isinstance(item, Missing):
                self.shown.append(Gone(now, item.first, item.last))
                continue
            for offset, event in enumerate(item.events, item.offset):
                self.shown.append(_seen(now, offset, event))
        if self.subscriber.phase is Phase.CLOSED and not self.told:
            self.shown.append(Closed(now, self.subscriber.tail or 0))

    @property
    def told(self) -> bool:
        """Whether the end was noted."""
        return bool(self.shown) and isinstance(self.shown[-1], Closed)

    def history(self, name: str, *, stayed: bool) -> Viewer:
        """Give what the checker wants to know."""
        return Viewer(name, self.shown, start=self.start, stayed=stayed)


def _seen(now: float, offset: int, raw: msgspec.Raw) -> Seen:
    event = _event.decode(raw)
    match event.type:
        case "delta":
            return Seen(now, offset, event.text)
        case "end":
            return Seen(now, offset, event.outcome, Role.END)
        case _:
            return Seen(now, offset, bytes(raw).decode(), Role.OWN)


class Page:
    """A page: one socket, many streams.

    Args:
        name: For reports.
        url: Where it connects.
        headers: What it sends along.
        seed: Decides its delays.
        backoff_s: Upper bounds of its first delay and of all later ones.

    Attributes:
        watched: The streams, by name.
        connections: How often it connected.
        connected_at: When it last did.

    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        seed: int | str = 0,
        backoff_s: tuple[float, float] = (FIRST_S, LIMIT_S),
    ) -> None:
        self.name = name
        self.watched: dict[str, Watched] = {}
        self.connections = 0
        self.connected_at = 0.0
        self._backoff_s = backoff_s
        self._nudged = asyncio.Event()
        self._url = url
        self._headers = dict(headers or {})
        self._draw = random.Random(str(seed))  # noqa: S311  (no secret)
        self._reading = asyncio.Event()
        self._reading.set()
        self._online = asyncio.Event()
        self._online.set()
        self._socket: ClientConnection | None = None

    def watch(self, streams: Sequence[str], *, start: int = 0) -> None:
        """Watch these streams too, from the next connection on."""
        for stream in streams:
            subscriber = SubscriberConnection(stream, start=start, wait=True)
            self.watched[stream] = Watched(subscriber, start)

    @property
    def over(self) -> bool:
        """Whether all its streams are."""
        return all(watched.over for watched in self.watched.values())

    async def run(self) -> None:
        """Connect, and connect again, until all streams are over."""
        backoff = Backoff(first_s=self._backoff_s[0], limit_s=self._backoff_s[1])
        while not self.over:
            await self._online.wait()
            with contextlib.suppress(OSError, WebSocketException, InvalidHandshake, TimeoutError):
                await self._once(backoff)
            for watched in self.watched.values():
                watched.subscriber.lost()
            if not self.over:
                self._nudged.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(backoff.next_delay_s(draw=self._draw.random())):
                        await self._nudged.wait()

    def nudge(self) -> None:
        """Connect again at once, as a page does when its browser says that it is online."""
        self._nudged.set()

    async def stall(self, seconds: float) -> None:
        """Stop reading for a while, with the socket open, and go on."""
        self._reading.clear()
        await asyncio.sleep(seconds)
        self._reading.set()

    async def leave(self, seconds: float) -> None:
        """Close the page, and open it again where it was: nothing is left but the cursors."""
        self._online.clear()
        if self._socket is not None:
            await self._socket.close()
        for stream, watched in self.watched.items():
            if not watched.over:
                cursor = watched.subscriber.next
                watched.subscriber = SubscriberConnection(stream, start=cursor, wait=True)
        await asyncio.sleep(seconds)
        self._online.set()

    async def _once(self, backoff: Backoff) -> None:
        async with connect(
            self._url,
            subprotocols=[frames.SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
            additional_headers=self._headers,
            open_timeout=CONNECT_S,
            close_timeout=0.2,
            ping_interval=None,
            compression=None,
            max_size=None,
            max_queue=4,
            proxy=None,
        ) as socket:
            backoff.reset()
            self.connections += 1
            self.connected_at = time.monotonic()
            self._socket = socket
            beating = asyncio.ensure_future(self._beat(socket))
            try:
                for watched in self.watched.values():
                    watched.subscriber.connected()
                await self._send(socket)
                while not self.over and self._online.is_set():
                    await self._reading.wait()
                    async with asyncio.timeout(SILENCE_S):
                        text = await socket.recv()
                    self._receive(text)
                    await self._send(socket)
            finally:
                self._socket = None
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)

    async def _beat(self, socket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await socket.send(frames.encode(frames.Heartbeat(t=0)), text=True)

    def _receive(self, text: str | bytes) -> None:
        frame = frames.decode_server_frame(text)
        watched = self.watched.get(getattr(frame, "stream", None) or "")
        if watched is not None:
            watched.subscriber.receive(frame)
            watched.take()

    async def _send(self, socket: ClientConnection) -> None:
        for watched in self.watched.values():
            for frame in watched.subscriber.frames_to_send():
                await socket.send(frames.encode(frame), text=True)
