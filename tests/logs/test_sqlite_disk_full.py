"""A disk that is full, really full: what is refused, what is kept, and what comes after."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import LogError
from swarm_stream.events.model import Delta, decode_events
from swarm_stream.logs.admission import Admitted
from swarm_stream.logs.base import Claimed
from swarm_stream.logs.sqlite import SQLiteLog
from swarm_stream.protocol.frames import SUBPROTOCOL
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager
from tests.logs.opened import opened
from tests.logs.small_disk import SmallDisk, small_disk
from tests.servers.hub_server import HubServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio

SIZE_BYTES = 4 * 2**20
STREAMS = "abc"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", size_bytes=SIZE_BYTES) as disk:
        yield disk


def batch(stream: str, start: int, count: int = 5) -> dict[str, Any]:
    events = [b'{"s":"%s","n":%d}' % (stream.encode(), n) for n in range(start, start + count)]
    events[-1] = b'"%d %b"' % (start + count - 1, b"x" * 20_000)
    return {"epoch": 1, "offset": start, "events": events, "closes": False}


async def append_until_refused(log: SQLiteLog, acked: dict[str, int]) -> None:
    """Append to all streams at once until the disk is full; counts what was acknowledged."""
    while True:
        answers = await asyncio.gather(
            *(log.append(stream, **batch(stream, acked[stream])) for stream in STREAMS),
            return_exceptions=True,
        )
        for stream, answer in zip(STREAMS, answers, strict=True):
            if isinstance(answer, Admitted):
                acked[stream] = answer.next
            else:
                assert isinstance(answer, LogError)
                assert "the disk is full. Free some space" in str(answer)
        if not all(isinstance(answer, Admitted) for answer in answers):
            return


async def check(log: SQLiteLog, acked: dict[str, int]) -> None:
    """The log holds what was acknowledged, and nothing else."""
    for stream, tail in acked.items():
        info = await log.info(stream)
        assert (info.head, info.tail, info.epoch) == (0, tail, 1)
        offset, parts = 0, []
        while offset < tail:
            part = await log.read(stream, offset, max_events=1000, max_bytes=10**6)
            assert part.count
            parts.append(part.body)
            offset += part.count
        expected = [
            event for start in range(0, tail, 5) for event in batch(stream, start)["events"]
        ]
        assert b",".join(parts) == b",".join(expected)
        assert info.size_bytes <= len(b",".join(expected))


async def claim_all(log: SQLiteLog) -> dict[str, int]:
    for stream in STREAMS:
        assert await log.claim(stream, producer="p", meta=None) == Claimed(1, 0)
    return dict.fromkeys(STREAMS, 0)


async def append_again(log: SQLiteLog, acked: dict[str, int]) -> None:
    """Make the very appends that were refused."""
    for stream in STREAMS:
        answer = await log.append(stream, **batch(stream, acked[stream]))
        assert answer == Admitted(0, acked[stream] + 5)
        acked[stream] += 5


async def test_what_a_full_disk_refused_is_taken_when_there_is_room_again(
    disk: SmallDisk,
) -> None:
    path = disk.folder / "log.db"
    async with opened(path) as log:
        acked = await claim_all(log)
        for room in (300_000, 0, 70_000):
            disk.fill(leave_bytes=room)
            await append_until_refused(log, acked)
            await check(log, acked)
            disk.free()
            await append_again(log, acked)
            await check(log, acked)
    async with opened(path) as log:
        await check(log, acked)


async def test_claims_are_refused_and_taken_too(disk: SmallDisk) -> None:
    async with opened(disk.folder / "log.db") as log:
        acked = await claim_all(log)
        disk.fill(leave_bytes=100_000)
        await append_until_refused(log, acked)
        names = [f"new-{number}" for number in range(100)]
        claimed = 0
        with pytest.raises(LogError, match="the disk is full"):  # small ones may fit in still
            for name in names:
                assert await log.claim(name, producer="p", meta=b'"%b"' % (b"m" * 9000))
                claimed += 1
        assert len(await log.list()) == len(STREAMS) + claimed
        disk.free()
        assert await log.claim(names[claimed], producer="p", meta=None) == Claimed(1, 0)


async def test_a_server_killed_on_a_full_disk_has_kept_what_it_acknowledged(
    disk: SmallDisk, tmp_path: Path
) -> None:
    async with opened(disk.folder / "log.db") as log:
        acked = await claim_all(log)
        disk.fill(leave_bytes=200_000)
        await append_until_refused(log, acked)
        # By another process: this one would lose its locks by closing the files.
        for name in ("log.db", "log.db-wal"):
            subprocess.run(["cp", disk.folder / name, tmp_path / name], check=True)  # noqa: ASYNC221
    async with opened(tmp_path / "log.db") as log:
        await check(log, acked)
        await append_again(log, acked)


async def test_a_server_that_starts_on_a_full_disk_serves_what_is_there(disk: SmallDisk) -> None:
    path = disk.folder / "log.db"
    async with opened(path) as log:
        acked = await claim_all(log)
        for _ in range(10):
            await append_again(log, acked)
    disk.fill(leave_bytes=40_000)  # for the index of the write-ahead log, 32 kB
    async with opened(path) as log:
        await check(log, acked)
        await append_until_refused(log, acked)
        await check(log, acked)
        disk.free()
        await append_again(log, acked)
        await check(log, acked)


async def test_a_disk_too_full_to_start_on_is_a_clear_error(disk: SmallDisk) -> None:
    disk.fill()
    log = SQLiteLog(disk.folder / "log.db")
    with pytest.raises(LogError, match=r"the disk is full|No space left"):
        await log.open()
    disk.free()
    async with opened(disk.folder / "log.db") as log:
        await claim_all(log)


# From end to end


async def words(count: int, at: dict[int, Callable[[], object]]) -> AsyncIterator[str]:
    for number in range(count):
        if number in at:
            at[number]()
        yield f"{number} "
        await asyncio.sleep(0)


def said(count: int) -> str:
    return "".join(f"{number} " for number in range(count))


class Viewer:
    """Follows a stream over a socket.

    Attributes:
        text: What was said, in order.
        notices: What kept the stream back, each time that changed.

    """

    def __init__(self) -> None:
        self.text = ""
        self.notices: list[str] = []

    async def follow(self, server: HubServer, stream: str) -> None:
        """Read until the stream is over."""
        url = server.url.replace("http", "ws")
        async with connect(url, subprotocols=[SUBPROTOCOL], proxy=None) as socket:  # type: ignore[list-item]
            subscribe = {"op": "subscribe", "stream": stream, "from": 0, "wait": True}
            await socket.send(json.dumps(subscribe))
            expected = 0
            async for message in socket:
                frame = json.loads(message)
                match frame["op"]:
                    case "events":
                        assert frame["offset"] == expected
                        expected += len(frame["events"])
                        self.text += "".join(event.get("text", "") for event in frame["events"])
                    case "status":
                        self.notices.append(frame["notice"])
                    case "closed":
                        assert frame["tail"] == expected
                        return


async def test_a_run_waits_for_room_and_loses_nothing(disk: SmallDisk) -> None:
    """Kernel, socket, hub, log and viewer; the disk is full for a while in the middle."""
    count = 3000
    config = StreamingConfig(
        buffer_size=200, backoff_first_s=0.01, backoff_limit_s=0.05, max_tokens_per_second=0
    )
    async with opened(disk.folder / "log.db") as log:
        server = HubServer(log)
        await server.start()
        manager = StreamingManager(
            config, runtime=Runtime(config, address=ServerAddress(server.url))
        )
        try:
            session = await asyncio.to_thread(manager.create, words(count, {700: disk.fill}))
            viewer = Viewer()
            following = asyncio.ensure_future(viewer.follow(server, session.id))
            session.start()
            while session.paused_by != "buffer":
                await asyncio.sleep(0.001)
            # One that begins while nothing can be written.
            late = await asyncio.to_thread(manager.create, words(count, {}))
            late.start()
            while late.paused_by != "buffer":
                await asyncio.sleep(0.001)
            assert session.unacked <= late.unacked + 200 <= 400
            while not any("the disk is full" in notice for notice in viewer.notices):
                await asyncio.sleep(0.001)
            disk.free()
            for run in (session, late):
                await run
                await run.flush(30)
                assert await text(log, run.id) == said(count)
                assert (await log.info(run.id)).closed
            await following
            assert viewer.text == said(count)
            assert viewer.notices[-1] == ""
        finally:
            manager.shut_down()
            await server.stop()


async def text(log: SQLiteLog, stream: str) -> str:
    found, offset, tail = "", 0, (await log.info(stream)).tail
    while offset < tail:
        part = await log.read(stream, offset, max_events=1000, max_bytes=10**6)
        events = decode_events(b"[" + part.body + b"]")
        found += "".join(event.text for event in events if isinstance(event, Delta))
        offset += part.count
    return found
