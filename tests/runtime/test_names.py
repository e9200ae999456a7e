"""A name that is used again in one kernel: each session keeps its own run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import ProducerFencedError, StreamClosedError
from swarm_stream.events.model import Delta
from swarm_stream.runtime.discovery import ServerAddress
from tests.servers.hub_server import hub_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from swarm_stream.runtime.manager import StreamingManager
    from swarm_stream.runtime.session import StreamingSession

pytestmark = pytest.mark.asyncio


async def saying(*words: str, then: asyncio.Event | None = None) -> AsyncIterator[str]:
    for word in words:
        yield word
        await asyncio.sleep(0)
    if then is not None:
        await then.wait()


async def text(session: StreamingSession) -> str:
    async with asyncio.timeout(20):
        return "".join([e.text async for e in session.events() if isinstance(e, Delta)])


async def test_without_a_server_the_earlier_run_of_a_name_stays_with_its_session(
    manager: StreamingManager,
) -> None:
    first = manager.create(saying("first", " run"), name="trip")
    first.start()
    await first
    second = manager.create(saying("another"), name="trip")
    assert await text(first) == "first run"
    second.start()
    await second
    assert await text(first) == "first run"
    assert await text(second) == "another"
    by_name = manager.runtime.read_local("trip", 0)
    assert [e.text async for e in by_name if isinstance(e, Delta)] == ["another"]


async def test_who_reads_a_run_reads_it_to_its_end_whoever_takes_its_name(
    manager: StreamingManager,
) -> None:
    for_ever = asyncio.Event()
    first = manager.create(saying("first", then=for_ever), name="trip")
    first.start()
    reading = aiter(first.events())
    read = [await anext(reading)]
    while not isinstance(read[-1], Delta):
        read.append(await anext(reading))
    further = asyncio.ensure_future(anext(reading))
    second = manager.create(saying("another"), name="trip", take_over=True)
    second.start()
    await second
    with pytest.raises(ProducerFencedError):
        await first
    read.append(await further)
    read += [event async for event in reading]
    assert [type(event).__name__ for event in read][-1] == "End"
    assert [event.text for event in read if isinstance(event, Delta)] == ["first"]


async def test_a_run_that_is_refused_its_name_takes_nothing_from_who_had_it(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url))
        first = await asyncio.to_thread(manager.create, saying("first", " run"), name="trip")
        first.start()
        await first
        local = manager.runtime.local
        for _ in range(3):
            with pytest.raises(StreamClosedError):
                await asyncio.to_thread(manager.create, saying("another"), name="trip")
        assert manager["trip"] is first
        assert await text(first) == "first run"
        assert local.log.info_now("trip").closed
        assert not local.hub.producers.seats
