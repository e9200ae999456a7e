"""Who talks to a server under fuzz: one that sends anything, and two that behave.

All of them use a ``Line``, so that the same words are spoken to a hub in this process and to a
real server over a real socket.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from tests.faults.fuzz_oracle import FAULTS, OK, judge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.faults.fuzz_oracle import Verdict

__all__ = ["Attacker", "ClosedError", "Line", "Witnesses"]

BATCH: Final = 100
CLOSES: Final = frozenset({"1007", "1009"})
BEAT_S: Final = 0.5


class ClosedError(Exception):
    """The server has closed the line.

    Attributes:
        code: Its close code; 1006 if it gave none.

    """

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"closed with {code}")


class Line(Protocol):
    """One socket, seen from the client."""

    async def send(self, message: str | bytes) -> None:
        """Send a message; nothing happens where the server has closed."""
        ...

    async def receive(self) -> dict[str, Any]:
        """Give the next frame; raises ``ClosedError`` after the last."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


class Attacker:
    """Send messages in batches and hold what is answered against the oracle.

    Args:
        connect: Opens a line.
        may_view: Whether its credential is a viewer's too.

    Attributes:
        sent: Messages sent.
        errors: Errors that came back.
        closes: Lines that the server closed.

    """

    def __init__(self, connect: Callable[[], Awaitable[Line]], *, may_view: bool) -> None:
        self.sent = self.errors = self.closes = 0
        self._connect = connect
        self._may_view = may_view
        self._line: Line | None = None
        self._markers = 0

    async def attack(self, messages: Iterable[str | bytes]) -> None:
        """Send all of them."""
        batch: list[tuple[str | bytes, Verdict]] = []
        for message in messages:
            verdict = judge(message, may_view=self._may_view)
            batch.append((message, verdict))
            if len(batch) >= BATCH or verdict & CLOSES:
                await self._try(batch)
                batch = []
        if batch:
            await self._try(batch)
        if self._line is not None:
            await self._line.close()
            self._line = None

    async def _try(self, batch: list[tuple[str | bytes, Verdict]]) -> None:
        line = self._line = self._line or await self._connect()
        for message, _ in batch:
            await line.send(message)
        self._markers += 1
        marker = f"marker-{self._markers}"
        await line.send(f'{{"op":"subscribe","stream":"{marker}","from":0}}')
        codes, closed = await _until(line, marker)
        self.sent += len(batch)
        self.errors += len(codes)
        last_message, last = batch[-1]
        if closed is not None:
            self.closes += 1
            self._line = None
            assert str(closed) in last, (closed, last, last_message[:300])
            batch = batch[:-1]
        else:
            assert last - CLOSES, (last, last_message[:300])
        verdicts = [verdict - CLOSES for _, verdict in batch]
        surely = [verdict for verdict in verdicts if OK not in verdict]
        perhaps = [verdict for verdict in verdicts if OK in verdict and len(verdict) > 1]
        told = (codes, verdicts, [str(message)[:200] for message, _ in batch])
        assert len(surely) <= len(codes) <= len(surely) + len(perhaps), told
        for verdict in surely:  # each has its own code among those that came
            (code,) = sorted(verdict & set(codes))[:1] or ("",)
            assert code, told
            codes.remove(code)
        assert set(codes) <= {code for verdict in perhaps for code in verdict}, told


async def _until(line: Line, marker: str) -> tuple[list[str], int | None]:
    """Give the codes of the errors that came before the marker's, and the close code if any."""
    codes: list[str] = []
    try:
        while True:
            frame = await line.receive()
            if frame["op"] != "error":
                continue
            if frame.get("stream") == marker:
                return codes, None
            assert len(json.dumps(frame)) < 1000, frame
            if frame["code"] in FAULTS:
                codes.append(frame["code"])
    except ClosedError as error:
        return codes, error.code


class Witnesses:
    """A producer and a viewer of one stream who do all as they should.

    Args:
        connect: Opens a line that may do both.

    Attributes:
        told: Events that the producer had acknowledged.
        seen: Events that the viewer was sent.

    """

    def __init__(self, connect: Callable[[], Awaitable[Line]], *, stream: str = "witness") -> None:
        self.told = self.seen = 0
        self._connect = connect
        self._stream = stream
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Produce and view until ``stop``, then end; raises if anything was not as it should."""
        producer, viewer = await self._connect(), await self._connect()
        beating = asyncio.ensure_future(self._beat(viewer))
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._view(viewer))
                both.create_task(self._produce(producer))
        finally:
            beating.cancel()
            await producer.close()
            await viewer.close()
        assert self.seen == self.told > 0

    def stop(self) -> None:
        """Have the stream end."""
        self._stop.set()

    async def _produce(self, line: Line) -> None:
        await self._say(line, "claim", producer="the-witness")
        claimed = await _answer(line)
        assert claimed["op"] == "claimed", claimed
        over = False
        while not over:
            over = self._stop.is_set()
            events = [{"type": "delta", "n": self.told + n} for n in range(1 + self.told % 7)]
            events += [{"type": "end", "n": self.told + len(events)}] * over
            await self._say(line, "append", epoch=claimed["epoch"], offset=self.told, events=events)
            answer = await _answer(line)
            self.told += len(events)
            assert answer == {"op": "ack", "stream": self._stream, "next": self.told}, answer
            await asyncio.sleep(0.005)  # a model's pace; nothing waits for it

    async def _view(self, line: Line) -> None:
        await line.send(f'{{"op":"subscribe","stream":"{self._stream}","from":0,"wait":true}}')
        while True:
            frame = await line.receive()
            if frame["op"] == "events":
                assert frame["offset"] == self.seen, (frame["offset"], self.seen)
                numbers = [event["n"] for event in frame["events"]]
                assert numbers == list(range(self.seen, self.seen + len(numbers)))
                self.seen += len(numbers)
            elif frame["op"] == "closed":
                assert frame["tail"] == self.seen
                return
            else:
                assert frame["op"] in {"subscribed", "status", "heartbeat"}, frame

    async def _say(self, line: Line, op: str, **fields: Any) -> None:
        await line.send(json.dumps({"op": op, "stream": self._stream, **fields}))

    @staticmethod
    async def _beat(line: Line) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await line.send('{"op":"heartbeat","t":1}')


async def _answer(line: Line) -> dict[str, Any]:
    while True:
        frame = await line.receive()
        if frame["op"] != "heartbeat":
            return frame
