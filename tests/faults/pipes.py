"""One connection through a fault proxy: two pipes, and what can be done to them."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections import deque
from typing import TYPE_CHECKING, Final

from tests.faults.door import reset

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.faults.door import Side

__all__ = ["Link", "Mode", "Network", "Pipe"]

_CHUNK_BYTES: Final = 64 * 1024
_ON_THE_WAY_BYTES: Final = 2**20
"""Bytes that a slow network holds; what is more waits in the sender."""

_PIECE_S: Final = 0.05
"""A limited bandwidth passes on at once what fits into this time."""


class Mode(enum.Enum):
    """What becomes of bytes."""

    FLOW = "flow"
    HOLD = "hold"
    """They wait until the network is back."""
    SWALLOW = "swallow"
    """They are gone, and so is every close: half-open for good."""


class Network:
    """What lies between the two ends; shared by all connections of a proxy.

    Attributes:
        latency_s: Delay of each byte, in each direction.
        jitter_s: How much it varies, up and down.
        bytes_per_s: Bandwidth of each direction of each connection, or None.

    """

    def __init__(self, draw: random.Random) -> None:
        self.latency_s = 0.0
        self.jitter_s = 0.0
        self.bytes_per_s: float | None = None
        self._draw = draw

    @property
    def shaped(self) -> bool:
        """Whether bytes take any time."""
        return bool(self.latency_s or self.jitter_s or self.bytes_per_s)

    def delay_s(self) -> float:
        """Draw the delay of one chunk."""
        return max(0.0, self.latency_s + self._draw.uniform(-self.jitter_s, self.jitter_s))


class Pipe:
    """One direction of a connection.

    Attributes:
        passed: Bytes passed on so far.
        cut_after: Bytes still to be passed on before the connection is closed, or None.

    """

    def __init__(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.passed = 0
        self.cut_after: int | None = None
        self._link = link
        self._reader = reader
        self._writer = writer
        self._queue: deque[tuple[float, bytes]] = deque()
        self._queued = 0
        self._over = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Carry bytes until their source ends; then end the other side too."""
        sending = asyncio.ensure_future(self._send())
        try:
            while data := await self._reader.read(_CHUNK_BYTES):
                self._link.passing(self)
                await self._take(data)
        except ConnectionError:
            self._link.broken()
        finally:
            self._over = True
            self.wake()
            await asyncio.gather(sending)

    def wake(self) -> None:
        """Look again: something has changed."""
        self._wake.set()

    async def _wait(self, seconds: float | None = None) -> None:
        # Nothing is awaited between a look at the state and this, so no change is missed.
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _take(self, data: bytes) -> None:
        link = self._link
        if link.closed or link.mode is Mode.SWALLOW or link.stranded(self):
            return
        if link.mode is Mode.FLOW and not self._queue and not link.network.shaped:
            await self._pass_on(data)
            return
        due = asyncio.get_running_loop().time() + link.network.delay_s()
        self._queue.append((due, data))  # in the order in which it came, whatever the delays
        self._queued += len(data)
        self.wake()
        while self._queued > _ON_THE_WAY_BYTES and not link.closed:
            await self._wait()

    async def _send(self) -> None:
        link, network = self._link, self._link.network
        while not link.closed and (self._queue or not self._over):
            if link.mode is Mode.SWALLOW or link.stranded(self):
                self._queue.clear()
                self._queued = 0
            if not self._queue or link.mode is Mode.HOLD:
                await self._wait()
                continue
            due, data = self._queue[0]
            early_s = due - asyncio.get_running_loop().time()
            if network.shaped and early_s > 0:
                await self._wait(early_s)
                continue
            size = len(data)
            if network.bytes_per_s is not None:
                size = max(1, int(network.bytes_per_s * _PIECE_S))
            await self._pass_on(data[:size])
            self._queued -= len(data[:size])
            if size < len(data):
                self._queue[0] = (due, data[size:])
            else:
                self._queue.popleft()
            self.wake()  # there is room for more
            if network.bytes_per_s is not None:
                await self._wait(len(data[:size]) / network.bytes_per_s)
        self._end()

    async def _pass_on(self, data: bytes) -> None:
        cut = self.cut_after is not None and len(data) >= self.cut_after
        data = data[: self.cut_after] if cut else data
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            self._link.reset()
            return
        self.passed += len(data)
        if self.cut_after is not None:
            self.cut_after -= len(data)
        if cut:
            self.cut_after = None
            self._link.happened("cut inside")
            self._link.close()

    def _end(self) -> None:
        if self._link.mode is not Mode.SWALLOW:
            with contextlib.suppress(OSError, RuntimeError):  # it has ended already
                self._writer.write_eof()


class Link:
    """One connection of a client, and its twin to the server.

    Args:
        network: What lies between the ends.
        client: The client's side.
        server: The server's side; None where the network was away from the start.
        mode: What becomes of its bytes.
        happened: Told of each fault that waited for the right bytes, when they come.

    Attributes:
        up: The pipe to the server.
        down: The pipe to the client.
        closed: Whether it was closed or reset from here.
        moved_at: When a byte last came from either side.

    """

    def __init__(
        self,
        network: Network,
        client: Side,
        server: Side | None,
        *,
        mode: Mode,
        happened: Callable[[str], None],
    ) -> None:
        self.network = network
        self.happened = happened
        self.mode = mode
        self.closed = False
        self.moved_at = asyncio.get_running_loop().time()
        # Without a server nothing is passed on, so that any writer will do.
        self.up = Pipe(self, client[0], (server or client)[1])
        self.down = Pipe(self, server[0], client[1]) if server is not None else None
        self._writers = [side[1] for side in (client, server) if side is not None]
        self._client = client[1]
        self._losing = self._asked = self._stranded = False

    async def run(self) -> None:
        """Carry bytes both ways until both sides have ended."""
        try:
            async with asyncio.TaskGroup() as group:
                for pipe in self._pipes():
                    group.create_task(pipe.run())
        finally:
            self.close()

    def set_mode(self, mode: Mode) -> None:
        """Change what becomes of bytes, also of those on their way. A dead link stays dead."""
        if self.mode is not Mode.SWALLOW:
            self.mode = mode
        self.wake()

    def wake(self) -> None:
        """Look again: the network has changed."""
        for pipe in self._pipes():
            pipe.wake()

    def lose_reply(self) -> None:
        """Let one more chunk up, lose the server's next answer, then reset."""
        self._losing, self._asked = True, False

    def disarm(self) -> None:
        """Forget the faults that wait for the right bytes."""
        self._losing = False
        for pipe in self._pipes():
            pipe.cut_after = None

    def passing(self, pipe: Pipe) -> None:
        """Take note of a chunk that is about to pass."""
        self.moved_at = asyncio.get_running_loop().time()
        if not self._losing:
            return
        if pipe is self.up:
            self._asked = True
        elif self._asked:
            self._losing = False
            self.happened("lose reply")
            self.reset()

    def close(self) -> None:
        """Close both sides in order: what was passed on arrives, then FIN."""
        self.closed = True
        for writer in self._writers:
            writer.close()
        self.wake()

    def reset(self) -> None:
        """Reset both sides: RST, at once."""
        self.closed = True
        for writer in self._writers:
            reset(writer)
        self.wake()

    def strand(self) -> None:
        """Reset the client's side only; what is on its way to the server gets there yet."""
        self._stranded = True
        reset(self._client)

    def stranded(self, pipe: Pipe) -> bool:
        """Tell whether nobody is left at the end of a pipe."""
        return self._stranded and pipe is self.down

    def broken(self) -> None:
        """Do to one side what happened to the other."""
        if self.mode is not Mode.SWALLOW and not self._stranded:
            self.reset()

    def _pipes(self) -> list[Pipe]:
        return [self.up] if self.down is None else [self.up, self.down]
