"""Reading a stream from a server, whatever the connection does."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import (
    NoSuchStreamError,
    OffsetOutOfRangeError,
    RemoteProtocolError,
    ServerUnavailableError,
)
from swarm_stream.events.model import Delta, End
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.viewing import StreamReader
from tests.servers.hub_server import hub_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from websockets.http11 import Request, Response

    from tests.servers.hub_server import HubServer

pytestmark = pytest.mark.asyncio

CONFIG = StreamingConfig(backoff_first_s=0.01, backoff_limit_s=0.05)


def delta(number: int) -> bytes:
    return json.dumps({"type": "delta", "t": 1, "seg": 0, "text": f"{number} "}).encode()


def fill(server: HubServer, first: int, count: int, *, end: bool = False) -> None:
    """Add numbers from ``first`` on."""
    log = server.log
    log.claim_now("s", producer="p", meta=b"{}")  # type: ignore[attr-defined]
    events = [delta(number) for number in range(first, first + count)]
    if end:
        events.append(b'{"type":"end","t":1,"outcome":"completed","reason":""}')
    log.append_now("s", epoch=1, offset=first, events=events, closes=end)  # type: ignore[attr-defined]


def reader(server: HubServer, **options: Any) -> StreamReader:
    return StreamReader(ServerAddress(server.url), "s", CONFIG, **options)


@asynccontextmanager
async def answering(
    answer: Callable[[ServerConnection], Awaitable[None]],
) -> AsyncIterator[ServerAddress]:
    """Serve with ``answer`` for each connection."""
    async with serve(
        answer,
        "127.0.0.1",
        0,
        subprotocols=["swarm-stream.v1"],  # type: ignore[list-item]
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield ServerAddress(f"http://127.0.0.1:{port}/")


async def test_what_was_said_then_what_is_being_said() -> None:
    async with hub_server() as server:
        fill(server, 0, 1500)
        reading = reader(server)
        seen = []
        async for event in reading:
            seen.append(event)
            if len(seen) == 1500:
                fill(server, 1500, 100, end=True)
        texts = [event.text for event in seen if isinstance(event, Delta)]
        assert texts == [f"{number} " for number in range(1600)]
        assert isinstance(seen[-1], End)
        assert reading.counter == (1601, 0, 0, 0)


async def test_a_server_that_goes_and_comes_back_is_not_noticed() -> None:
    async with hub_server() as server:
        fill(server, 0, 100)
        reading = reader(server)
        seen: list[Any] = []
        async for event in reading:
            seen.append(event)
            if len(seen) in {50, 100, 150}:
                await server.stop()
                await server.start()
                if len(seen) > 50:
                    fill(server, len(seen), 50, end=len(seen) == 150)
        assert [event.text for event in seen[:-1]] == [f"{number} " for number in range(200)]
        assert reading.counter.received == 201
        assert reading.counter.missing == reading.counter.doubled == 0
        assert reading.counter.reconnects >= 2


async def test_what_retention_took_is_said_and_reading_goes_on_behind_it() -> None:
    async with hub_server() as server:
        fill(server, 0, 10)
        fill(server, 10, 10, end=True)
        server.log.trim_now("s", before=10)  # type: ignore[attr-defined]
        reading = reader(server, start=4)
        with pytest.raises(OffsetOutOfRangeError) as caught:
            [event async for event in reading]
        assert (caught.value.offset, caught.value.head) == (4, 10)
        assert reading.counter.missing == 6
        rest = [event async for event in reader(server, start=caught.value.head)]
        assert len(rest) == 11


async def test_an_unknown_stream_is_an_error_or_waited_for() -> None:
    async with hub_server() as server:
        with pytest.raises(NoSuchStreamError):
            [event async for event in reader(server)]

        async def read() -> list[object]:
            return [event async for event in reader(server, wait=True)]

        reading = asyncio.ensure_future(read())
        while not server.hub.sockets:
            await asyncio.sleep(0.001)
        log = server.log
        fill(server, 0, 3, end=True)
        server.hub.seat("s", epoch=1, producer="p", sender=None)  # type: ignore[arg-type]
        assert len(await reading) == 4
        assert log is server.log


async def test_leaving_early_leaves_no_connection() -> None:
    async with hub_server() as server:
        fill(server, 0, 10)
        reading = aiter(reader(server))
        async for _ in reading:
            break
        await reading.aclose()
        async with asyncio.timeout(10):
            while server.hub.sockets:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("status", "said"), [(403, "SWARM_STREAM_TOKEN"), (404, "no swarm_stream extension")]
)
async def test_who_is_not_let_in_is_told_why(status: int, said: str) -> None:
    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(HTTPStatus(status), "no\n")

    async def nothing(_: ServerConnection) -> None: ...

    async with serve(nothing, "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        address = ServerAddress(f"http://127.0.0.1:{port}/", "token hush")
        with pytest.raises(ServerUnavailableError, match=said) as caught:
            [event async for event in StreamReader(address, "s", CONFIG)]
        assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([{"op": "error", "code": "odd", "message": "odd"}], RemoteProtocolError),
        ([{"op": "gone", "stream": "s", "head": 0, "tail": 0}] * 3, RemoteProtocolError),
    ],
)
async def test_a_server_that_makes_no_sense_is_given_up(
    answers: list[dict[str, Any]], error: type[Exception]
) -> None:
    async def answer(connection: ServerConnection) -> None:
        for one in answers:
            await connection.recv()
            await connection.send(json.dumps({"stream": "s", **one}))
        await connection.wait_closed()

    async with answering(answer) as address:
        with pytest.raises(error):
            [event async for event in StreamReader(address, "s", CONFIG)]


async def test_a_closed_login_ends_reading() -> None:
    async def answer(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(4401, "log in again")

    async with answering(answer) as address:
        with pytest.raises(ServerUnavailableError):
            [event async for event in StreamReader(address, "s", CONFIG)]


async def test_a_silent_server_is_left_and_another_connection_made() -> None:
    met = 0
    silent = asyncio.Event()

    async def answer(connection: ServerConnection) -> None:
        nonlocal met
        met += 1
        await connection.recv()
        if met == 1:
            await silent.wait()
            return
        head = {"stream": "s", "head": 0, "tail": 1, "closed": True, "meta": {}, "from": 0}
        await connection.send(json.dumps({"op": "subscribed", "producer": "none", **head}))
        end = {"type": "end", "t": 1, "outcome": "completed"}
        await connection.send(
            json.dumps({"op": "events", "stream": "s", "offset": 0, "events": [end]})
        )
        await connection.send(json.dumps({"op": "closed", "stream": "s", "tail": 1}))

    config = StreamingConfig(
        heartbeat_s=0.05, silence_limit_s=0.2, backoff_first_s=0.01, backoff_limit_s=0.05
    )
    async with answering(answer) as address:
        reading = StreamReader(address, "s", config)
        assert len([event async for event in reading]) == 1
        assert reading.counter.reconnects == met - 1 >= 1
        silent.set()


async def test_a_reader_that_takes_long_over_an_event_keeps_its_connection() -> None:
    config = StreamingConfig(heartbeat_s=0.05, silence_limit_s=0.2)
    async with hub_server() as server:
        fill(server, 0, 3)
        reading = StreamReader(ServerAddress(server.url), "s", config)
        seen = 0
        async for _ in reading:
            await asyncio.sleep(0.3)  # longer than silence may last
            seen += 1
            if seen == 3:
                fill(server, 3, 1, end=True)
        assert seen == 5
        assert reading.counter.reconnects == 0
