"""A damaged file, as people meet it: the server says so, a view shows what is missing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

from swarm_stream.logs.sqlite import SQLiteLog
from swarm_stream.protocol import frames
from swarm_stream.protocol.subscriber import Missing, Phase, Shown, SubscriberConnection
from tests.servers.hub_server import HubServer
from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

END = b'{"type":"end","t":1,"outcome":"completed","reason":""}'


async def view(server: HubServer, viewer: SubscriberConnection) -> list[Shown | Missing]:
    """Follow a stream to its end; gives what was shown."""
    shown: list[Shown | Missing] = []
    url = server.url.replace("http", "ws")
    async with connect(url, subprotocols=[frames.SUBPROTOCOL], proxy=None) as socket:  # type: ignore[list-item]
        viewer.connected()
        while viewer.phase not in {Phase.CLOSED, Phase.FAILED}:
            for frame in viewer.frames_to_send():
                await socket.send(frames.encode(frame), text=True)
            viewer.receive(frames.decode_server_frame(await socket.recv()))
            shown += viewer.take()
    return shown


async def test_a_view_shows_a_damaged_record_as_missing_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = SQLiteLog(path)
    await log.open()
    await log.claim("s", producer="p", meta=None)
    for offset in range(0, 50, 10):
        events = [
            b'{"type":"delta","t":1,"seg":0,"text":"%d"}' % n for n in range(offset, offset + 10)
        ]
        await log.append("s", epoch=1, offset=offset, events=events, closes=False)
    await log.append("s", epoch=1, offset=50, events=[END], closes=True)
    await log.aclose()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "UPDATE records SET body = CAST(substr(body, 2) AS BLOB) WHERE offset IN (0, 30)"
        )
    log = SQLiteLog(path)
    await log.open()
    server = HubServer(log)
    await server.start()
    try:
        viewer = SubscriberConnection("s")
        shown = await view(server, viewer)
        assert viewer.phase is Phase.CLOSED
        assert [part for part in shown if isinstance(part, Missing)] == [
            Missing(0, 9),
            Missing(30, 39),
        ]
        assert (viewer.received, viewer.missing, viewer.holes) == (31, 20, 0)
        assert [n for part in shown if isinstance(part, Shown) for n in range_of(part)] == [
            *range(10, 30),
            *range(40, 51),
        ]
    finally:
        await server.stop()
        await log.aclose()


def range_of(part: Shown) -> range:
    return range(part.offset, part.offset + len(part.events))


@pytest.mark.timeout(120)
async def test_a_server_starts_in_spite_of_a_damaged_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "streams.db"
    path.write_bytes(b"no database at all\n" * 1000)
    with jupyter_server(tmp_path, f"--SwarmStreamApp.database_path={path}") as server:
        assert server.get("swarm-stream/api/streams") == {"streams": []}
        log = server.log
    assert f"the log {path} is damaged" in log
    assert "It was renamed to streams.db.corrupt-1 and a new one was started" in log
    assert "Traceback" not in log
    assert (tmp_path / "streams.db.corrupt-1").read_bytes() == b"no database at all\n" * 1000
