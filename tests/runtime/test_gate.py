"""The gate: who is held, what is said of it, and what is left when one that waits is cancelled."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from swarm_stream.config import StreamingConfig
from swarm_stream.runtime.buffer import TokenBuffer
from swarm_stream.runtime.gate import Gate
from swarm_stream.runtime.meter import Meter
from swarm_stream.runtime.states import SessionSignal, SessionState, move

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio


class Held:
    """A gate with what it belongs to, whose buffer is full."""

    def __init__(self) -> None:
        self.state = SessionState.STREAMING
        self.buffer: TokenBuffer[bytes] = TokenBuffer(StreamingConfig(buffer_size=10))
        self.meter = Meter()
        self.gate = Gate(
            self.buffer, self.meter, why_full=lambda: "server", chunks_per_s=0, move=self.move
        )
        for _ in range(10):
            self.buffer.put_now(b"x")

    def move(self, signal: SessionSignal) -> None:
        self.state = move(self.state, signal)

    @property
    def says(self) -> tuple[SessionState, str]:
        return self.state, self.gate.held_by

    def empty(self) -> None:
        self.buffer.ack(self.buffer.next)

    @property
    def counted(self) -> bool:
        """Whether a pause is being counted."""
        return self.meter.pauses(1e9) != self.meter.paused


@asynccontextmanager
async def holding(gate: Gate, count: int) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(gate.hold()) for _ in range(count)]
    await asyncio.sleep(0)
    yield tasks
    async with asyncio.timeout(5):
        await asyncio.wait(tasks)


STREAMS = (SessionState.STREAMING, "")
BY_BUFFER = (SessionState.PAUSED, "buffer")
BY_ANN = (SessionState.PAUSED, "ann")


async def test_a_wait_for_the_buffer_that_is_cancelled_is_a_pause_that_is_over() -> None:
    held = Held()
    async with holding(held.gate, 1) as (task,):
        assert held.says == BY_BUFFER
        task.cancel()
    assert held.says == STREAMS
    assert not held.counted


async def test_the_run_is_paused_while_any_is_held() -> None:
    held = Held()
    async with holding(held.gate, 3) as (first, *_):
        first.cancel()
        await asyncio.wait({first})
        assert held.says == BY_BUFFER
        assert held.counted
        held.empty()
    assert held.says == STREAMS
    assert not held.counted
    assert held.meter.paused["server"].count == 1


async def test_a_person_who_lets_it_go_does_not_say_that_the_buffer_does() -> None:
    held = Held()
    async with holding(held.gate, 1):
        held.gate.close("ann")
        assert held.says == BY_ANN
        held.gate.open()
        assert held.says == BY_BUFFER
        held.empty()
    assert held.says == STREAMS


async def test_a_pause_by_a_person_outlives_who_waits_for_the_buffer() -> None:
    held = Held()
    async with holding(held.gate, 2) as (first, second):
        held.gate.close("ann")
        first.cancel()
        held.empty()
        await asyncio.sleep(0.01)  # the other one now waits for the person
        assert held.says == BY_ANN
        second.cancel()
    assert held.says == BY_ANN
    assert not held.counted
    assert "person" in held.meter.paused
    held.gate.open()
    assert held.says == STREAMS
