"""The kernel's connection to its server: cut, away, back, taken over, full."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import (
    ProducerFencedError,
    StreamCancelledError,
    StreamClosedError,
    StreamNameTakenError,
)
from swarm_stream.events.model import Delta, decode_events
from swarm_stream.protocol.frames import SUBPROTOCOL
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.states import SessionState
from tests.servers.hub_server import hub_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from swarm_stream.runtime.manager import StreamingManager
    from tests.servers.hub_server import HubServer

pytestmark = pytest.mark.asyncio


async def numbers(
    count: int, *, cut: dict[int, Callable[[], object]] | None = None
) -> AsyncIterator[str]:
    for number in range(count):
        if cut and number in cut:
            done = cut[number]()
            if asyncio.iscoroutine(done):
                await done
        yield f"{number} "
        await asyncio.sleep(0)


def said(count: int) -> str:
    return "".join(f"{number} " for number in range(count))


async def logged(server: HubServer, stream: str) -> str:
    part = await server.log.read(stream, 0, max_events=100_000, max_bytes=10**9)
    events = decode_events(b"[" + part.body + b"]")
    return "".join(event.text for event in events if isinstance(event, Delta))


async def test_everything_reaches_the_server_and_is_acknowledged(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:
        session = make_manager(ServerAddress(server.url)).create(numbers(3000))
        session.start()
        await session
        assert await logged(server, session.id) == said(3000)
        assert session.unacked == 0
        assert session.served_by == "test-server"
        assert (await server.log.info(session.id)).closed
        assert session.metrics.buffer_peak <= session.config.buffer_size


async def test_a_server_that_goes_and_comes_back_loses_nothing(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:
        # Room for all, or the run might wait for a server that only the run itself brings back.
        config = StreamingConfig(buffer_size=5000, backoff_first_s=0.01, backoff_limit_s=0.05)
        session = make_manager(ServerAddress(server.url), config).create(
            numbers(
                4000,
                cut={
                    n: server.stop if n % 2 else server.start
                    for n in (501, 700, 1501, 1900, 3333, 3334)
                },
            )
        )
        session.start()
        await session
        await session.flush(10)
        assert await logged(server, session.id) == said(4000)
        assert session.metrics.reconnects >= 1


async def test_with_the_server_away_a_run_goes_on_until_the_buffer_is_full_then_waits(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:
        config = StreamingConfig(buffer_size=100, backoff_first_s=0.01, backoff_limit_s=0.05)
        session = make_manager(ServerAddress(server.url), config).create(
            numbers(500, cut={50: server.stop})
        )
        session.start()
        while session.state is not SessionState.PAUSED:
            await asyncio.sleep(0.001)
        assert session.paused_by == "buffer"
        for _ in range(100):
            await asyncio.sleep(0)
        assert session.unacked <= 100
        await server.start()
        await session
        assert await logged(server, session.id) == said(500)
        assert session.state is SessionState.CLOSED


async def test_a_name_is_refused_while_its_producer_lives_and_for_good_once_it_ended(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:
        gate = asyncio.Event()

        async def waits() -> AsyncIterator[str]:
            yield "mine"
            await gate.wait()

        here, there = (make_manager(ServerAddress(server.url)) for _ in range(2))
        session = await asyncio.to_thread(here.create, waits(), name="demo")
        session.start()
        with pytest.raises(StreamNameTakenError, match="take_over=True"):
            await asyncio.to_thread(there.create, numbers(3), name="demo")
        gate.set()
        await session
        with pytest.raises(StreamClosedError, match="has ended"):
            await asyncio.to_thread(there.create, numbers(3), name="demo")


async def test_a_stream_that_is_taken_over_ends_the_run_that_had_it(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:

        async def for_ever() -> AsyncIterator[str]:
            while True:
                yield "old "
                await asyncio.sleep(0.001)

        here, there = (make_manager(ServerAddress(server.url)) for _ in range(2))
        old = await asyncio.to_thread(here.create, for_ever(), name="demo")
        old.start()
        while not old.metrics.acked:
            await asyncio.sleep(0.001)
        new = await asyncio.to_thread(there.create, numbers(3), name="demo", take_over=True)
        new.start()
        await new
        with pytest.raises(Exception, match="took stream 'demo' over"):
            await old
        text = await logged(server, "demo")
        assert text.endswith("0 1 2 ")
        assert set(text[: -len("0 1 2 ")].split()) == {"old"}


async def test_a_button_in_a_viewer_reaches_the_run_and_is_answered(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:

        async def for_ever() -> AsyncIterator[str]:
            while True:
                yield "x"
                await asyncio.sleep(0)

        session = make_manager(ServerAddress(server.url)).create(for_ever())
        session.start()
        while not session.metrics.acked:
            await asyncio.sleep(0.001)
        url = ServerAddress(server.url).ws_url
        async with connect(url, subprotocols=["swarm-stream.v1"]) as viewer:
            for _ in range(2):  # the same id twice: done once
                await viewer.send(
                    json.dumps(
                        {"op": "control", "stream": session.id, "id": "b1", "action": "cancel"}
                    )
                )
            answer = json.loads(await viewer.recv())
        assert answer == {"op": "controlled", "stream": session.id, "id": "b1", "ok": True}
        with pytest.raises(StreamCancelledError, match="by tester"):
            await session
        await session.flush()
        text = await logged(server, session.id)
        assert text == "x" * len(text)


async def test_a_server_without_the_extension_leaves_the_view_to_the_kernel(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async def not_found(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    plain = await asyncio.start_server(not_found, "127.0.0.1", 0)
    port = plain.sockets[0].getsockname()[1]
    try:
        session = make_manager(ServerAddress(f"http://127.0.0.1:{port}/")).create(numbers(2000))
        session.start()
        assert await session == said(2000)
        await session.flush()
        assert "no swarm_stream extension" in session.notice
        assert session.served_by == ""
    finally:
        plain.close()
        await plain.wait_closed()


async def test_a_server_that_reads_nothing_and_says_nothing_counts_as_gone(
    make_manager: Callable[..., StreamingManager],
) -> None:
    came = 0

    async def deaf(connection: ServerConnection) -> None:
        nonlocal came
        came += 1
        claim = json.loads(await connection.recv())
        claimed = {"op": "claimed", "stream": claim["stream"], "epoch": 1, "next": 0, "server": "s"}
        await connection.send(json.dumps(claimed))
        await connection.wait_closed()

    async def whole_answers() -> AsyncIterator[str]:
        while True:
            yield "x" * 200_000  # more than the system takes for a peer that does not read
            await asyncio.sleep(0)

    config = StreamingConfig(
        buffer_bytes=2**26,
        heartbeat_s=0.1,
        silence_limit_s=0.3,
        flush_timeout_s=0,  # there is nobody to wait for
        backoff_first_s=0.01,
        backoff_limit_s=0.05,
    )
    async with serve(
        deaf,
        "127.0.0.1",
        0,
        subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
        ping_interval=None,
        max_queue=1,
        close_timeout=0.1,
    ) as server:
        port = server.sockets[0].getsockname()[1]
        manager = make_manager(ServerAddress(f"http://127.0.0.1:{port}/"), config)
        session = manager.create(whole_answers())
        session.start()
        while came < 2:
            await asyncio.sleep(0.01)
        session.cancel()
        with pytest.raises(StreamCancelledError):
            await session
        manager.shut_down()


async def test_a_stream_that_is_taken_over_in_one_kernel_ends_the_run_that_had_it(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:

        async def for_ever() -> AsyncIterator[str]:
            while True:
                yield "old "
                await asyncio.sleep(0)

        manager = make_manager(ServerAddress(server.url))
        old = await asyncio.to_thread(manager.create, for_ever(), name="demo")
        old.start()
        while not old.metrics.acked:
            await asyncio.sleep(0.001)
        with pytest.raises(StreamNameTakenError, match="take_over=True"):
            await asyncio.to_thread(manager.create, numbers(3), name="demo")
        acked = old.metrics.acked
        while old.metrics.acked < acked + 2000:  # it has not lost its connection by that
            await asyncio.sleep(0.001)
        new = await asyncio.to_thread(manager.create, numbers(300), name="demo", take_over=True)
        new.start()
        assert await new == said(300)
        with pytest.raises(ProducerFencedError):
            await old
        text = await logged(server, "demo")
        assert text.endswith("old " + said(300))
        assert set(text[: -len(said(300))].split()) == {"old"}
        assert [type(event).__name__ async for event in new.events()][-1] == "End"


async def test_a_name_is_kept_for_what_a_finished_run_has_not_handed_in(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url))
        session = await asyncio.to_thread(manager.create, numbers(50), name="demo")
        await server.stop()
        session.start()
        while not session.done:
            await asyncio.sleep(0.001)
        with pytest.raises(StreamNameTakenError):
            await asyncio.to_thread(manager.create, numbers(3), name="demo")
        await server.start()
        assert await session == said(50)
        await session.flush(10)
        assert await logged(server, "demo") == said(50)


async def test_of_two_sessions_that_ask_for_a_name_at_once_one_gets_it(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url))
        made = await asyncio.gather(
            *(asyncio.to_thread(manager.create, numbers(3), name="demo") for _ in range(8)),
            return_exceptions=True,
        )
        (session,) = [each for each in made if not isinstance(each, BaseException)]
        assert [type(each) for each in made if each is not session] == [StreamNameTakenError] * 7
        session.start()
        assert await session == said(3)
        with pytest.raises(StreamClosedError):
            await asyncio.to_thread(manager.create, numbers(3), name="demo")
        assert manager["demo"] is session
