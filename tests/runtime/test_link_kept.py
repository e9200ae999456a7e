"""The kernel's connection where something else goes wrong: it is kept, made again, or let go."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import weakref
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from swarm_stream.config import StreamingConfig
from swarm_stream.protocol.frames import SUBPROTOCOL
from swarm_stream.protocol.producer import ProducerConnection
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.link import LinkState
from tests.runtime.test_link import logged, numbers, said
from tests.servers.hub_server import hub_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from websockets.http11 import Request, Response

    from swarm_stream.runtime.manager import StreamingManager
    from swarm_stream.runtime.session import StreamingSession

pytestmark = pytest.mark.asyncio


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.001)


async def nothing(_: ServerConnection) -> None: ...


async def for_ever() -> AsyncIterator[str]:
    while True:
        yield "x"
        await asyncio.sleep(0.001)


async def whole(session: StreamingSession) -> object:
    session.start()
    async with asyncio.timeout(20):
        return await session


async def test_a_redirect_is_not_followed_and_the_credential_goes_nowhere(
    make_manager: Callable[..., StreamingManager],
) -> None:
    came: list[str] = []

    def note(_: ServerConnection, request: Request) -> None:
        came.append(request.path)

    async with serve(nothing, "127.0.0.1", 0, process_request=note) as other:
        port = other.sockets[0].getsockname()[1]

        def elsewhere(connection: ServerConnection, _: Request) -> Response:
            response = connection.respond(HTTPStatus.FOUND, "")
            response.headers["Location"] = f"http://localhost:{port}/login"
            return response

        async with serve(nothing, "127.0.0.1", 0, process_request=elsewhere) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            session = make_manager(ServerAddress(url, "token hush")).create(numbers(2000))
            assert await whole(session) == said(2000)
            assert "another address" in session.notice
            assert session.unacked == 0
    assert came == []


async def test_a_proxy_that_is_none_leaves_the_run_to_the_kernel(
    make_manager: Callable[..., StreamingManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "gopher://user:hush@127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    session = make_manager(ServerAddress("http://192.0.2.1:8888/")).create(numbers(2000))
    assert await whole(session) == said(2000)
    assert "proxies" in session.notice
    assert "hush" not in session.notice


async def test_a_404_in_the_place_of_a_server_that_had_the_run_is_waited_out(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:
        refused = 0

        def not_found(connection: ServerConnection, _: Request) -> Response:
            nonlocal refused
            refused += 1
            return connection.respond(HTTPStatus.NOT_FOUND, "no\n")

        async def stand_in() -> None:
            await until(lambda: session.metrics.acked)
            await server.stop()
            async with serve(nothing, "127.0.0.1", server.port, process_request=not_found):
                await until(lambda: refused > 3)
                assert "goes on trying" in session.notice
                assert session.has_server
                # One that the server has nothing of need not wait for it.
                other = manager.create(numbers(2000))
                assert await whole(other) == said(2000)
                assert not other.has_server
                assert other.unacked == 0
                assert "serves the run itself" in other.notice
            await server.start()

        manager = make_manager(ServerAddress(server.url))
        session = manager.create(numbers(3000, cut={500: stand_in}))
        assert await whole(session) == said(3000)
        await session.flush(10)
        assert await logged(server, session.id) == said(3000)
        assert session.notice == ""


async def test_a_button_that_fails_is_answered_and_takes_no_other_run_with_it(
    make_manager: Callable[..., StreamingManager],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url))
        broken, healthy = manager.create(for_ever()), manager.create(for_ever())

        def fail(**_: object) -> None:
            raise RuntimeError("no such loop")

        monkeypatch.setattr(broken, "cancel", fail)
        broken.start()
        healthy.start()
        await until(lambda: broken.metrics.acked and healthy.metrics.acked)
        url = ServerAddress(server.url).ws_url
        async with connect(url, subprotocols=["swarm-stream.v1"]) as viewer:
            button = {"op": "control", "stream": broken.id, "id": "b1", "action": "cancel"}
            await viewer.send(json.dumps(button))
            answer = json.loads(await asyncio.wait_for(viewer.recv(), 20))
        assert (answer["op"], answer["ok"]) == ("controlled", False)
        assert "no such loop" in caplog.text
        acked = healthy.metrics.acked
        await until(lambda: healthy.metrics.acked > acked + 10)
        assert healthy.metrics.reconnects == 0
        monkeypatch.undo()
        for session in (broken, healthy):
            session.cancel()
        await until(lambda: broken.done and healthy.done)


async def test_a_connection_that_fails_as_nobody_foresaw_is_made_again(
    make_manager: Callable[..., StreamingManager],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receive, failed = ProducerConnection.receive, 0

    def receive_badly(self: ProducerConnection, frame: object, *, now: float) -> None:
        nonlocal failed
        if self.acked > 100 and failed < 3:
            failed += 1
            raise TypeError("hush")
        receive(self, frame, now=now)  # type: ignore[arg-type]

    monkeypatch.setattr(ProducerConnection, "receive", receive_badly)
    async with hub_server() as server:
        session = make_manager(ServerAddress(server.url)).create(numbers(3000))
        assert await whole(session) == said(3000)
        await session.flush(10)
        assert await logged(server, session.id) == said(3000)
    assert failed == 3
    assert "TypeError" in caplog.text
    assert "receive_badly" in caplog.text
    assert "hush" not in caplog.text.replace('raise TypeError("hush")', "")


async def test_a_server_that_lets_in_and_closes_is_asked_less_and_less_often(
    make_manager: Callable[..., StreamingManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 1.0)  # each delay is twice the one before
    came = 0

    async def full(connection: ServerConnection) -> None:
        nonlocal came
        came += 1
        await connection.close(1013, "too many")

    config = StreamingConfig(backoff_first_s=0.05, backoff_limit_s=60, flush_timeout_s=0)
    async with serve(full, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:  # type: ignore[list-item]  # a NewType of str
        port = server.sockets[0].getsockname()[1]
        session = make_manager(ServerAddress(f"http://127.0.0.1:{port}/"), config).create(
            numbers(10)
        )
        session.start()
        await until(lambda: came >= 3)
        # 0.05 + 0.1 + 0.2 + 0.4 + 0.8 s: the sixth is not before 1.55 s; on a slow machine later.
        await asyncio.sleep(1)
        assert came <= 6


async def test_a_session_that_has_ended_is_let_go_of(
    make_manager: Callable[..., StreamingManager],
) -> None:
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url))
        kept = []
        for _ in range(10):
            session = manager.create(numbers(3))
            await whole(session)
            await session.flush(10)
            kept.append(weakref.ref(session))
            manager.forget(session.id)
            del session
        link = manager.runtime.link
        assert link is not None
        assert link.state is LinkState.LIVE

        def left() -> list[object]:
            gc.collect()
            return [one for each in kept if (one := each()) is not None]

        # The link's own loops may each have the last one at hand still.
        await until(lambda: len(left()) < 4)
