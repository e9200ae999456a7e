"""A real Jupyter server under fuzz goes on, tells nobody's business to its log, and keeps its size.

See ``test_fuzz_frames.py`` for ``SWARM_STREAM_FUZZ_FRAMES``; a tenth of them is sent here.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from swarm_stream.protocol.frames import SUBPROTOCOL
from tests.faults.fuzz_peers import Attacker, ClosedError, Witnesses
from tests.faults.fuzzing import FRAMES, SEED, Fuzzer, Growth, check_log
from tests.servers.jupyter import TOKEN, jupyter_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.jupyter import JupyterServer

ROUNDS = 20


class WebLine:
    """A ``Line`` to a real server."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: str | bytes) -> None:
        try:
            # Bytes that are no UTF-8 go out as what they are not: a text message.
            text = isinstance(message, str) or not _is_utf8(message)
            await self._connection.send(message, text=text)
        except ConnectionClosed:
            pass  # told by `receive`

    async def receive(self) -> dict[str, Any]:
        try:
            return dict(json.loads(await self._connection.recv()))
        except ConnectionClosed as closed:
            raise ClosedError(closed.rcvd.code if closed.rcvd else 1006) from None

    async def close(self) -> None:
        await self._connection.close()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


async def web_line(server: JupyterServer, *, may_view: bool = True) -> WebLine:
    secret = {"Authorization": f"swarm-stream {server.secret}"}
    connection = await connect(
        server.ws_url,
        subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
        additional_headers=server.headers if may_view else secret,
        proxy=None,
        compression=None,
        ping_interval=None,
        max_size=None,
    )
    return WebLine(connection)


def messages(fuzzer: Fuzzer, count: int, *, large: bool) -> Iterator[str | bytes]:
    """Give messages of all kinds, some of them binary and, if so wanted, a few very large."""
    for number, message in enumerate(fuzzer.messages(count)):
        yield message
        if number % 150 == 0:
            yield fuzzer.random.choice((b"{}", b"", b"\xff", b'{"op":"\xed\xa0\x80"}'))
        if large and number % 1500 == 0:
            yield fuzzer.huge()


@pytest.mark.timeout(1800)
@pytest.mark.asyncio
async def test_a_server_under_fuzz_serves_its_other_clients(tmp_path: Path) -> None:
    with jupyter_server(tmp_path) as server:
        assert server.process is not None
        growth, witnesses = Growth(server.process.pid), Witnesses(lambda: web_line(server))
        watching = asyncio.ensure_future(witnesses.run())
        attackers = [
            Attacker(lambda: web_line(server), may_view=True),
            Attacker(lambda: web_line(server, may_view=False), may_view=False),
        ]
        fuzzers = [Fuzzer(SEED + 20), Fuzzer(SEED + 21)]
        each = max(1, int(FRAMES * 0.1 / 2 / ROUNDS))
        for number in range(ROUNDS):
            # Large messages first: where they leave the process's heap is not what is measured.
            large = number < ROUNDS // 3
            async with asyncio.TaskGroup() as together:
                for attacker, fuzzer in zip(attackers, fuzzers, strict=True):
                    together.create_task(attacker.attack(messages(fuzzer, each, large=large)))
            growth.look(number, of=ROUNDS)
            assert not watching.done(), watching
        witnesses.stop()
        await watching
        secret = server.secret
    check_log(server.log, secret, TOKEN)
    growth.check(mib=16)
