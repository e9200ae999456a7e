"""What is asked of a run before it begins."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import ProducerFencedError, StreamCancelledError
from swarm_stream.events import model
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.states import SessionState
from tests.servers.hub_server import hub_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from swarm_stream.runtime.manager import StreamingManager
    from swarm_stream.runtime.session import StreamingSession

pytestmark = pytest.mark.asyncio


async def numbers(read: list[int]) -> AsyncIterator[str]:
    for number in range(50):
        read.append(number)
        yield f"{number} "
        await asyncio.sleep(0)


async def written(session: StreamingSession) -> list[str]:
    """Give the kinds of a run's first events, and who pressed what."""
    return [
        f"{event.action} by {event.by}"
        if isinstance(event, model.Control)
        else type(event).__name__
        async for event in session.events()
    ]


async def test_a_run_that_was_cancelled_before_it_begins_never_does(
    manager: StreamingManager,
) -> None:
    read: list[int] = []
    session = manager.create(numbers(read))
    session.cancel(by="ann")
    session.cancel(by="bob")
    assert session.cancelled_by == "ann"
    session.start()
    with pytest.raises(StreamCancelledError, match="cancelled by ann"):
        await session
    assert session.state is SessionState.CLOSED
    assert await written(session) == ["Start", "cancel by ann", "End"]
    assert session.transcript.outcome == "cancelled"
    assert read == []


async def test_a_run_whose_stream_was_taken_before_it_begins_never_does(
    make_manager: Callable[..., StreamingManager],
) -> None:
    read: list[int] = []
    async with hub_server() as server:
        here, there = (make_manager(ServerAddress(server.url)) for _ in range(2))
        old = await asyncio.to_thread(here.create, numbers(read), name="demo")
        new = await asyncio.to_thread(there.create, numbers([]), name="demo", take_over=True)
        async with asyncio.timeout(5):
            while not old.notice:
                await asyncio.sleep(0.001)
        old.start()
        with pytest.raises(ProducerFencedError):
            await old
        assert await written(old) == ["Start", "cancel by another producer of this stream", "End"]
        assert read == []
        new.start()
        await new


async def test_a_run_that_is_to_stop_before_it_begins_stops_as_soon_as_it_can(
    manager: StreamingManager,
) -> None:
    read: list[int] = []
    session = manager.create(numbers(read))
    session.stop(by="ann")
    session.start()
    assert await session == "0 "
    assert session.transcript.reason == "stopped by request"
    assert (await written(session))[:2] == ["Start", "stop by ann"]


async def test_a_run_that_is_paused_before_it_begins_waits(manager: StreamingManager) -> None:
    read: list[int] = []
    session = manager.create(numbers(read))
    session.pause(by="ann")
    session.start()
    assert (session.state, session.paused_by) == (SessionState.PAUSED, "ann")
    for _ in range(20):
        await asyncio.sleep(0)
    assert session.transcript.deltas == 0
    session.resume(by="bob")
    assert await session
    assert (await written(session))[:2] == ["Start", "pause by ann"]


async def test_what_would_have_made_the_agents_is_not_missed(manager: StreamingManager) -> None:
    async def make() -> object:
        raise AssertionError("it was made all the same")

    session = manager.create(make)
    session.cancel()
    session.start()
    with pytest.raises(StreamCancelledError):
        await session
    manager.forget(session.id)
    del session
    gc.collect()  # a coroutine that nobody awaited would fail this test


async def test_a_session_is_not_idle_before_it_begins(
    make_manager: Callable[..., StreamingManager],
) -> None:
    manager = make_manager(config=StreamingConfig(idle_timeout_s=0.05))
    session = manager.create(numbers([]))
    await asyncio.sleep(0.2)  # four timeouts: that nothing happens is the test
    assert session.idle_s == 0
    assert not session.cancelled_by
    session.start()
    assert await session
