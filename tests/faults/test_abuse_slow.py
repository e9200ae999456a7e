"""Clients that open sockets and do nothing good with them: slow, silent, far too many."""

from __future__ import annotations

import asyncio
import json
import resource
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.faults.fuzz_peers import Witnesses
from tests.faults.fuzz_raw import (
    CLOSE,
    TEXT,
    connected,
    files,
    frame,
    quiet_again,
    upgrade,
    upgraded,
)
from tests.faults.fuzzing import check_log
from tests.faults.test_fuzz_server import web_line
from tests.servers.jupyter import TOKEN, JupyterServer, free_port, jupyter_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.fuzz_raw import Raw
    from tests.faults.test_fuzz_server import WebLine

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]

SILENCE_S = 3.0
SOCKETS = 1000
PLACES = 700


def running(home: Path, **traits: float) -> Iterator[JupyterServer]:
    """A server with these settings; its log is looked at when it has stopped."""
    settings = [f"--SwarmStreamApp.{name}={value}" for name, value in traits.items()]
    with jupyter_server(home, *settings) as made:
        yield made
        log, secret = made.log, made.secret
    check_log(log, secret, TOKEN)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server that holds 700 sockets."""
    yield from running(tmp_path_factory.mktemp("server"), max_connections=PLACES)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server that holds 700 sockets, and counts who is silent for 3 s as gone."""
    yield from running(
        tmp_path_factory.mktemp("impatient"),
        max_connections=PLACES,
        heartbeat_s=0.5,
        silence_limit_s=SILENCE_S,
    )


def rss_mib(server: JupyterServer) -> float:
    assert server.process is not None
    return float(psutil.Process(server.process.pid).memory_info().rss) / 2**20


SILENT = {
    "nothing": b"",
    "half a head": b"\x81",
    "half a length": b"\x81\xfe\x00",
    "half a message": frame(TEXT, b'{"op":"hea', announced=500),
    "one piece of a message": frame(TEXT, b'{"op":', final=False),
}


async def test_a_socket_that_says_nothing_is_closed(impatient: JupyterServer) -> None:
    before, loop = files(impatient), asyncio.get_running_loop()

    async def silent(sent: bytes) -> tuple[int, float]:
        async with upgraded(impatient) as raw:
            since = loop.time()
            await raw.send(sent)
            code = await raw.end()
            after = loop.time() - since
            # It does not answer the close either: Tornado gives it 5 s, then its files are back.
            await quiet_again(impatient, before)
            return code, after

    ends = await asyncio.gather(*map(silent, SILENT.values()))
    assert [code for code, _ in ends] == [1001] * len(SILENT)
    assert min(after for _, after in ends) >= SILENCE_S * 0.9


async def test_a_trickle_is_no_sign_of_life(impatient: JupyterServer) -> None:
    async with upgraded(impatient) as raw:
        await raw.send(frame(TEXT, b"", announced=10_000))

        async def trickle() -> None:
            while True:
                await raw.send(b"x")
                await asyncio.sleep(0.05)

        trickling = asyncio.ensure_future(trickle())
        assert await raw.end() == 1001
        trickling.cancel()


async def test_half_a_request_holds_up_nobody(server: JupyterServer) -> None:
    before = files(server)
    async with AsyncExitStack() as stack:
        for _ in range(50):
            raw = await stack.enter_async_context(connected(server))
            await raw.send(upgrade(server)[:-30])
        witnesses = Witnesses(lambda: web_line(server), stream="beside-half-requests")
        watching = asyncio.ensure_future(witnesses.run())
        while witnesses.seen < 200:
            assert not watching.done()
            await asyncio.sleep(0.01)
        witnesses.stop()
        await watching
        # Jupyter keeps them for an hour, as it does on each of its routes.
        assert files(server) >= 50
    await quiet_again(server, before)


async def opened(server: JupyterServer, stack: AsyncExitStack) -> Raw:
    raw = await stack.enter_async_context(connected(server))
    await raw.upgrade(server)
    return raw


async def crowd(server: JupyterServer, *, polite: bool) -> list[int]:
    """Open a thousand sockets at once; give how each of them ended."""
    async with AsyncExitStack() as stack:
        raws = await asyncio.gather(*[opened(server, stack) for _ in range(SOCKETS)])
        assert all(raw.status == 101 for raw in raws)
        assert server.get("api/status")["connections"] == 0
        for raw in raws:
            await raw.send(frame(TEXT, b'{"op":"subscribe","stream":"no","from":0,"wait":true}'))
        ends = [asyncio.ensure_future(raw.end()) for raw in raws]
        if polite:
            for raw in raws:
                await raw.send(frame(CLOSE, b"\x03\xe8"))
        return await asyncio.gather(*ends)


async def test_a_thousand_sockets_at_once_and_what_they_took_is_given_back(
    server: JupyterServer,
) -> None:
    witnesses = Witnesses(lambda: web_line(server), stream="beside-the-crowd")
    watching = asyncio.ensure_future(witnesses.run())
    while not witnesses.seen:
        await asyncio.sleep(0.01)
    before, sizes = files(server), []
    try:
        for _ in range(4):
            codes = await crowd(server, polite=True)
            # Two places are the witnesses'.
            assert (codes.count(1000), codes.count(1013)) == (PLACES - 2, SOCKETS - PLACES + 2)
            await quiet_again(server, before)
            assert not watching.done()
            sizes.append(rss_mib(server))
    finally:
        witnesses.stop()
        await watching
    # What the first crowds took the process keeps, and uses again for the next. A crowd whose
    # sockets are not forgotten takes 10 MiB more each time; tests/hub counts them one by one.
    assert sizes[-1] - sizes[1] < 12, sizes


async def test_a_thousand_sockets_that_nobody_uses_are_closed(impatient: JupyterServer) -> None:
    before = files(impatient)
    codes = await crowd(impatient, polite=False)
    assert set(codes) == {1001, 1013}
    # On a slow machine some of the first are closed before the last have come.
    assert codes.count(1001) >= PLACES
    await quiet_again(impatient, before)


async def test_a_viewer_that_never_reads_costs_little(server: JupyterServer) -> None:
    async with upgraded(server) as asleep:
        line = await web_line(server)
        await line.send('{"op":"claim","stream":"long","producer":"p"}')
        await answer(line, "claimed")
        await asleep.send(frame(TEXT, b'{"op":"subscribe","stream":"long","from":0}'))
        event = json.dumps({"type": "delta", "t": 1, "text": "x" * 200_000})
        sizes = []
        for number in range(200):
            append = f'"stream":"long","epoch":1,"offset":{number},"events":[{event}]'
            await line.send(f'{{"op":"append",{append}}}')
            assert (await answer(line, "ack"))["next"] == number + 1
            await asleep.send(frame(TEXT, b'{"op":"heartbeat","t":1}'))
            sizes.append(rss_mib(server))
        # 20 MB went by in the second half, and none of it was kept for the one who sleeps.
        assert max(sizes[100:]) - max(sizes[:100]) < 5, sizes[::20]
        await line.close()


async def answer(line: WebLine, op: str) -> dict[str, Any]:
    while True:
        got = await line.receive()
        if got["op"] == op:
            return got
        assert got["op"] in {"heartbeat", "status"}, got


async def test_without_files_for_all_the_rest_is_refused(tmp_path: Path) -> None:
    server = JupyterServer(tmp_path, free_port(), "server", ("--ServerApp.min_open_files_limit=0",))
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, usual[1]))  # the server inherits it
    try:
        server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    try:
        async with AsyncExitStack() as stack:
            ends = []
            for _ in range(300):
                raw = await opened(server, stack)
                ends.append(asyncio.ensure_future(raw.end(answer=True)))
            await asyncio.gather(*ends[150:])
            assert server.get("api/status")["connections"] == 0
            done = [end.result() for end in ends if end.done()]
            assert done == [1013] * 150
    finally:
        server.stop()
    check_log(server.log, server.secret)
