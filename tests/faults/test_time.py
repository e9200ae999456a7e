"""Clocks that jump, and threads that stand still."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from swarm_stream.config import StreamingConfig
from swarm_stream.events.model import Delta, decode_events
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager
from tests.servers.hub_server import HubServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from swarm_stream.runtime.session import StreamingSession

pytestmark = pytest.mark.asyncio

COUNT = 400
HOURS = 3600.0


async def numbers(at: dict[int, Callable[[], object]]) -> AsyncIterator[str]:
    for number in range(COUNT):
        if number in at:
            at[number]()
        yield f"{number} "
        await asyncio.sleep(0.001)


async def run(
    server: HubServer, config: StreamingConfig, at: dict[int, Callable[[StreamingSession], object]]
) -> StreamingSession:
    """Stream numbers, doing something at some of them; checks what the log holds in the end."""
    manager = StreamingManager(config, runtime=Runtime(config, address=ServerAddress(server.url)))
    try:
        calls: dict[int, Callable[[], object]] = {}
        session = manager.create(numbers(calls))
        calls |= {number: (lambda do=do: do(session)) for number, do in at.items()}
        session.start()
        await session
        await session.flush(20)
        part = await server.log.read(session.id, 0, max_events=10**6, max_bytes=10**9)
        events = decode_events(b"[" + part.body + b"]")
        assert [event.text for event in events if isinstance(event, Delta)] == [
            f"{number} " for number in range(COUNT)
        ]
        return session
    finally:
        manager.shut_down()


async def test_a_wall_clock_that_jumps_forth_and_back_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, shift = time.time, 0.0

    def jump(by: float) -> Callable[[StreamingSession], None]:
        def do(_: StreamingSession) -> None:
            nonlocal shift
            shift = by

        return do

    monkeypatch.setattr(time, "time", lambda: real() + shift)
    server = HubServer()
    await server.start()
    config = StreamingConfig(heartbeat_s=0.2, silence_limit_s=1.0)
    try:
        at = {50: jump(48 * HOURS), 150: jump(-48 * HOURS), 250: jump(-1.7e9), 350: jump(0.0)}
        session = await run(server, config, at)
    finally:
        await server.stop()
    metrics = session.metrics
    assert metrics.reconnects == 0
    assert 0 < metrics.elapsed_s < HOURS
    assert session.state.value == "closed"


async def test_an_io_thread_that_stands_still_catches_up() -> None:
    """As when the machine swaps, or a debugger holds it: longer than silence may last."""
    server = HubServer()
    await server.start()
    config = StreamingConfig(
        heartbeat_s=0.1, silence_limit_s=0.4, backoff_first_s=0.01, backoff_limit_s=0.05
    )
    stood = threading.Event()

    def stand_still(session: StreamingSession) -> None:
        def hold() -> None:
            time.sleep(1.0)  # nothing else would hold a loop's thread
            stood.set()

        session._runtime.io.post(hold)

    try:
        session = await run(server, config, {50: stand_still})
    finally:
        await server.stop()
    assert stood.is_set()
    assert session.unacked == 0
