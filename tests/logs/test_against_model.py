"""Whatever is asked of a log in whatever order, it answers as a list in memory would.

Calls are made in bursts without waiting, then their answers are compared with the model's, which
took them one by one. The durable log is also closed and opened again on the way.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from swarm_stream.errors import NoSuchStreamError, OffsetOutOfRangeError
from swarm_stream.logs import sqlite_ledger
from swarm_stream.logs.admission import Admitted, BadEpoch, Closed, Fenced, Gap
from swarm_stream.logs.base import Claimed
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.logs.sqlite import SQLiteLog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from swarm_stream.logs.base import Moved, StreamLog

streams = st.sampled_from("ab")
producers = st.sampled_from("pq")


@dataclass
class Stream:
    """A stream as the model sees it: a list that is never cut, and where its head is."""

    epoch: int
    holder: str
    events: list[bytes] = field(default_factory=list)
    head: int = 0
    closed: bool = False
    told: int = 0
    """Where the watcher's slices have come to."""


@dataclass
class Batch:
    """What an append offers, seen from what the model has."""

    stale: int
    """How far its epoch lies behind the present one."""
    back: int
    """How far its first event lies before the tail."""
    count: int
    closes: bool
    fill: int
    """Bytes that each event has beyond its number."""


batches = st.builds(
    Batch,
    stale=st.sampled_from([0] * 6 + [1, -1]),
    back=st.sampled_from([0] * 6 + [-2, -1, 1, 2, 5]),
    count=st.integers(0, 5),
    closes=st.sampled_from([False] * 19 + [True]),
    fill=st.sampled_from([0] * 5 + [40_000]),
)


class Against(RuleBasedStateMachine):
    """A log and the model of it."""

    survives_closing: ClassVar[bool]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.streams: dict[str, Stream] = {}
        self.floor = 0
        self.made = 0
        self.burst: list[tuple[asyncio.Future[object], object]] = []
        self.moves: list[Moved] = []
        self.log = self.opened()

    def make(self) -> StreamLog:
        raise NotImplementedError

    def opened(self) -> StreamLog:
        log = self.make()
        log.watch(self.moves.append)
        self.runner.run(log.open())
        return log

    def ask(self, call: Callable[[], Awaitable[object]], expected: object) -> None:
        """Make a call now; its answer is compared when the burst is over."""

        async def begin() -> asyncio.Future[object]:
            return asyncio.ensure_future(call())

        self.burst.append((self.runner.run(begin()), expected))

    def settle(self) -> None:
        burst, self.burst = self.burst, []

        async def answers() -> list[object]:
            answers = await asyncio.gather(*(answer for answer, _ in burst), return_exceptions=True)
            # Of what was cancelled nobody hears; but this is done after it.
            await self.log.delete("none-such")
            return answers

        for answer, (future, expected) in zip(self.runner.run(answers()), burst, strict=True):
            if future.cancelled():
                continue  # it was done all the same, as what follows shows
            if isinstance(expected, type):
                assert isinstance(answer, expected)
            elif callable(expected):
                expected(answer)
            else:
                assert answer == expected
        self.check_moves()

    def check_moves(self) -> None:
        """Nothing told twice, out of order, or that is not there."""
        moves = self.moves[:]
        self.moves.clear()
        for moved in moves:
            stream = self.streams[moved.stream]
            for part in moved.slices:
                assert part.offset == stream.told
                stream.told += part.count
                assert part.body == b",".join(stream.events[part.offset : stream.told])
            assert moved.tail == stream.told
        for stream in self.streams.values():
            assert stream.told == len(stream.events)

    @rule(stream=streams, producer=producers, epoch=st.sampled_from([None, None, 1, 2]))
    def claim(self, stream: str, producer: str, epoch: int | None) -> None:
        held = self.streams.get(stream)
        if held is None:
            held = self.streams[stream] = Stream(self.floor + 1, producer)
        fenced = epoch is not None and held.holder != producer and epoch <= held.epoch
        if not held.closed and not fenced and held.holder != producer:
            held.holder, held.epoch = producer, held.epoch + 1
        tail = len(held.events)
        expected = Fenced(held.epoch) if fenced else Claimed(held.epoch, tail)
        self.ask(
            lambda: self.log.claim(stream, producer=producer, meta=None, epoch=epoch),
            Closed(tail) if held.closed else expected,
        )

    @rule(stream=streams, batch=batches)
    def append(self, stream: str, batch: Batch) -> None:
        held = self.streams.get(stream)
        epoch = (held.epoch if held else 1) - batch.stale
        offset = max((len(held.events) if held else 0) - batch.back, 0)
        events = []
        for _ in range(batch.count):
            self.made += 1
            events.append(b'{"n":%d,"fill":"%b"}' % (self.made, b"x" * batch.fill))
        self.ask(
            lambda: self.log.append(
                stream, epoch=epoch, offset=offset, events=events, closes=batch.closes
            ),
            self.verdict_on(held, epoch, offset, events, closes=batch.closes),
        )

    def verdict_on(
        self, held: Stream | None, epoch: int, offset: int, events: list[bytes], *, closes: bool
    ) -> object:
        if held is None:
            return NoSuchStreamError
        tail, count = len(held.events), len(events)
        new = offset + count > tail
        if held.closed and new:
            return Closed(tail)
        if epoch < held.epoch or (epoch > held.epoch and not held.closed):
            return Fenced(held.epoch) if epoch < held.epoch else BadEpoch(held.epoch)
        if offset > tail:
            return Gap(tail)
        if not new:
            return Admitted(count, tail)
        held.events += events[tail - offset :]
        held.closed = closes
        return Admitted(tail - offset, offset + count)

    @rule(stream=streams, before=st.integers(0, 30))
    def trim(self, stream: str, before: int) -> None:
        held = self.streams.get(stream)

        def check(head: object) -> None:
            assert held is not None
            assert isinstance(head, int)
            assert held.head <= head <= max(before, held.head)
            held.head = head

        expected = NoSuchStreamError if held is None else check
        self.ask(lambda: self.log.trim(stream, before=before), expected)

    @rule(stream=streams)
    def delete(self, stream: str) -> None:
        self.settle()  # so that what was told of it has been compared
        held = self.streams.pop(stream, None)
        self.floor = max(self.floor, held.epoch if held else 0)
        self.ask(lambda: self.log.delete(stream), held is not None)

    @precondition(lambda self: self.burst)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        future, expected = data.draw(st.sampled_from(self.burst))
        if not callable(expected):  # what trim did is known by its answer only
            future.cancel()

    @rule()
    def wait(self) -> None:
        self.settle()

    @precondition(lambda self: self.survives_closing)
    @rule()
    def close_and_open_again(self) -> None:
        self.runner.run(self.log.aclose())
        self.log = self.opened()
        self.settle()

    @rule(
        stream=streams,
        offset=st.integers(0, 30),
        max_events=st.integers(1, 12),
        max_bytes=st.sampled_from([1, 60, 200, 10_000]),
    )
    def read(self, stream: str, offset: int, max_events: int, max_bytes: int) -> None:
        self.settle()
        held = self.streams.get(stream)
        try:
            part = self.runner.run(
                self.log.read(stream, offset, max_events=max_events, max_bytes=max_bytes)
            )
        except NoSuchStreamError:
            assert held is None
        except OffsetOutOfRangeError:
            assert held is not None
            assert not held.head <= offset <= len(held.events)
        else:
            assert held is not None
            assert part.offset == offset
            assert min(1, len(held.events) - offset) <= part.count <= max_events
            assert part.body == b",".join(held.events[offset : offset + part.count])
            assert part.count <= 1 or len(part.body) <= max_bytes

    @invariant()
    def the_list_is_right_when_nothing_is_under_way(self) -> None:
        if self.burst:
            return
        infos = self.runner.run(self.log.list())
        assert {info.stream for info in infos} == self.streams.keys()
        for info in infos:
            held = self.streams[info.stream]
            assert (info.head, info.tail) == (held.head, len(held.events))
            assert (info.epoch, info.producer, info.closed) == (
                held.epoch,
                held.holder,
                held.closed,
            )
            here = held.events[held.head :]
            size = sum(map(len, here))
            assert size <= info.size_bytes <= size + max(0, len(here) - 1)

    def teardown(self) -> None:
        try:
            self.settle()
            for stream, held in self.streams.items():
                offset = held.head
                while offset < len(held.events):
                    part = self.runner.run(
                        self.log.read(stream, offset, max_events=9, max_bytes=200)
                    )
                    assert part.body == b",".join(held.events[offset : offset + part.count])
                    offset += part.count
        finally:
            self.runner.run(self.log.aclose())
            self.runner.close()
            shutil.rmtree(self.folder)


class AgainstMemory(Against):
    survives_closing = False

    def make(self) -> StreamLog:
        return MemoryLog()


class AgainstSQLite(Against):
    survives_closing = True

    def __init__(self) -> None:
        # So that a trim, or a step of a sweep, does not take all there is.
        self.little = patch.multiple(sqlite_ledger, SWEEP_RECORDS=2, SWEEP_BYTES=50_000)
        self.little.start()
        super().__init__()

    def make(self) -> StreamLog:
        return SQLiteLog(self.folder / "log.db")

    def teardown(self) -> None:
        super().teardown()
        self.little.stop()


TestMemoryLog = AgainstMemory.TestCase
TestMemoryLog.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

TestSQLiteLog = AgainstSQLite.TestCase
TestSQLiteLog.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
