"""Other programs that hold the file: nothing blocks the loop, nothing is lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from blockbuster import blockbuster_ctx

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import LogError, LogLockedError
from swarm_stream.logs.admission import Admitted
from swarm_stream.logs.base import Claimed
from swarm_stream.logs.sqlite import SQLiteLog
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager
from tests.logs.opened import opened
from tests.servers.hub_server import HubServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio

# A person with the sqlite3 shell: does what a line says, in a transaction that stays open.
SHELL = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
for line in sys.stdin:
    for statement in line.split(";"):
        db.execute(statement).fetchall()
    print("done", flush=True)
"""


class Shell:
    """Another process that has the file open."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, statements: str) -> None:
        """Have statements done; returns when they are."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(statements + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@contextmanager
def shell(path: Path) -> Iterator[Shell]:
    with subprocess.Popen(
        [sys.executable, "-c", SHELL, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Shell(process)
        finally:
            process.kill()


async def append(log: SQLiteLog, offset: int) -> object:
    event = b"%d" % offset
    return await log.append("s", epoch=1, offset=offset, events=[event], closes=False)


async def body(log: SQLiteLog) -> bytes:
    return (await log.read("s", 0, max_events=1000, max_bytes=10_000)).body


async def test_appends_wait_while_another_program_writes(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db", busy_timeout_s=30) as log:
        await log.claim("s", producer="p", meta=None)
        await append(log, 0)
        with shell(tmp_path / "log.db") as other:
            other.do("BEGIN IMMEDIATE")
            with blockbuster_ctx():
                waiting = [asyncio.ensure_future(append(log, n)) for n in range(1, 4)]
                for _ in range(50):  # readers do not wait, and the loop is free
                    assert await body(log) == b"0"
                    assert (await log.info("s")).tail == 1
                assert not any(answer.done() for answer in waiting)
            other.do("ROLLBACK")
            assert await asyncio.gather(*waiting) == [Admitted(0, n + 1) for n in range(1, 4)]
        assert await body(log) == b"0,1,2,3"
        assert log.stats.failures == 0


async def test_appends_are_refused_when_it_takes_too_long_and_taken_afterwards(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "log.db", busy_timeout_s=0.05) as log:
        await log.claim("s", producer="p", meta=None)
        with shell(tmp_path / "log.db") as other:
            other.do("BEGIN IMMEDIATE")
            for _ in range(2):
                with pytest.raises(LogError, match="another program keeps it locked"):
                    await append(log, 0)
            assert (await log.info("s")).tail == 0
            other.do("ROLLBACK")
            assert await append(log, 0) == Admitted(0, 1)
        assert await body(log) == b"0"


async def test_a_program_that_dies_lets_go(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db", busy_timeout_s=30) as log:
        await log.claim("s", producer="p", meta=None)
        with shell(tmp_path / "log.db") as other:
            other.do("BEGIN IMMEDIATE; DELETE FROM records; DELETE FROM tails")
            waiting = asyncio.ensure_future(append(log, 0))
            assert await body(log) == b""
        assert await waiting == Admitted(0, 1)
        assert await body(log) == b"0"


@pytest.mark.parametrize(
    "hold", ["BEGIN IMMEDIATE", "PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; COMMIT"]
)
async def test_a_server_does_not_start_on_a_file_that_another_program_holds(
    tmp_path: Path, hold: str
) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        await append(log, 0)
    with shell(path) as other:
        other.do(hold)
        log = SQLiteLog(path, busy_timeout_s=0.05)
        with pytest.raises(LogError, match="another program keeps it locked"):
            await log.open()
    async with opened(path) as log:  # it let go of its own lock too
        assert await body(log) == b"0"


async def test_a_second_server_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        with pytest.raises(LogLockedError) as caught:
            await SQLiteLog(tmp_path / "log.db").open()
        assert str(caught.value) == (
            f"another server has the log {tmp_path / 'log.db'} open. Stop that server, or give "
            "this one a file of its own (SwarmStreamApp.database_path)"
        )
        assert await log.claim("s", producer="p", meta=None) == Claimed(1, 0)


async def test_others_may_look_back_up_and_tidy(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        with shell(path) as other:
            for number, statement in enumerate(
                [
                    "SELECT count(*) FROM records",
                    "PRAGMA wal_checkpoint(TRUNCATE)",
                    f"VACUUM INTO '{tmp_path / 'backup.db'}'",
                    "VACUUM",
                    "PRAGMA integrity_check",
                ]
            ):
                await append(log, number)
                other.do(statement)
        await append(log, 5)
        assert await body(log) == b"0,1,2,3,4,5"
    async with opened(tmp_path / "backup.db") as log:
        assert await body(log) == b"0,1,2"


async def test_a_run_goes_on_after_another_program_held_the_file(tmp_path: Path) -> None:
    """Kernel, socket, hub and log; refused, sent again, nothing lost."""
    config = StreamingConfig(
        buffer_size=100, backoff_first_s=0.01, backoff_limit_s=0.05, max_tokens_per_second=0
    )
    async with opened(tmp_path / "log.db", busy_timeout_s=0.02) as log:
        server = HubServer(log)
        await server.start()
        manager = StreamingManager(
            config, runtime=Runtime(config, address=ServerAddress(server.url))
        )
        with shell(tmp_path / "log.db") as other:
            held = asyncio.Event()

            async def words() -> AsyncIterator[str]:
                for number in range(1000):
                    if number == 300 and not held.is_set():
                        other.do("BEGIN IMMEDIATE")
                        held.set()
                    yield f"{number} "
                    await asyncio.sleep(0)

            try:
                session = await asyncio.to_thread(manager.create, words())
                session.start()
                await held.wait()
                # One whose very claim is refused.
                late = await asyncio.to_thread(manager.create, words())
                late.start()
                for run in (session, late):
                    while "another program keeps it locked" not in run.notice:
                        await asyncio.sleep(0.001)
                assert late.unacked > 0
                other.do("ROLLBACK")
                for run in (session, late):
                    await run
                    await run.flush(30)
                    assert run.unacked == 0
                    assert (await log.info(run.id)).closed
                    assert (await log.info(run.id)).tail > 1000
            finally:
                manager.shut_down()
                await server.stop()
