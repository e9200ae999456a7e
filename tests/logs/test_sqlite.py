"""The durable log: groups, and what happens when the disk or the file will not play along."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from blockbuster import blockbuster_ctx

from swarm_stream.errors import LogError, NoSuchStreamError
from swarm_stream.logs import sqlite_keeper
from swarm_stream.logs.admission import Admitted
from swarm_stream.logs.base import Claimed
from swarm_stream.logs.sqlite import SQLiteLog
from tests.logs.opened import opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from swarm_stream.logs.sqlite_ledger import Ledger

pytestmark = pytest.mark.asyncio

EVENT = b'{"type":"delta","seg":1,"text":"token"}'


@dataclass
class Do:
    """A request that does anything, in the writing thread."""

    future: asyncio.Future[Any]
    action: Callable[[Ledger], object]
    weight: int = 1

    def decide(self, ledger: Ledger) -> object:
        return self.action(ledger)


def do(log: SQLiteLog, action: Callable[[Ledger], object]) -> asyncio.Future[Any]:
    future = asyncio.get_running_loop().create_future()
    assert log._writer is not None
    log._writer.submit(Do(future, action))
    return future


def rows(path: Path, question: str) -> list[tuple[Any, ...]]:
    """Ask the file, past the log."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(question).fetchall()


async def append(log: SQLiteLog, stream: str, offset: int, *events: bytes) -> object:
    return await log.append(stream, epoch=1, offset=offset, events=events, closes=False)


async def body(log: SQLiteLog, stream: str) -> bytes:
    return (await log.read(stream, 0, max_events=10**6, max_bytes=10**9)).body


# Groups


async def test_what_waits_is_written_together(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        gate = threading.Event()
        held = do(log, lambda _: gate.wait(10))  # the writer is busy while these come in
        futures = [
            log.append("s", epoch=1, offset=n, events=[b"%d" % n], closes=False) for n in range(500)
        ]
        before = log.stats.groups
        gate.set()
        await asyncio.gather(held, *futures)
        assert log.stats.groups - before <= 2
        assert log.stats.largest_group >= 500
        assert log.stats.events == 500
        assert rows(path, "SELECT offset, count FROM records") == [(0, 500)]
        assert await body(log, "s") == b",".join(b"%d" % n for n in range(500))


async def test_a_record_does_not_grow_without_end(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        gate = threading.Event()
        held = do(log, lambda _: gate.wait(10))
        event = b'"%b"' % (b"x" * 1000)
        futures = [
            log.append("s", epoch=1, offset=n, events=[event], closes=False) for n in range(500)
        ]
        gate.set()
        await asyncio.gather(held, *futures)
        sizes = rows(path, "SELECT count, length(body) FROM records")
        assert sum(count for count, _ in sizes) == 500
        assert max(size for _, size in sizes) <= 64 * 1024
        assert len(sizes) < 20


async def test_a_failing_request_does_not_fail_its_group(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        gate = threading.Event()
        held = do(log, lambda _: gate.wait(10))
        good = [
            log.claim("s", producer="p", meta=None),
            log.append("s", epoch=1, offset=0, events=[b"1"], closes=False),
        ]
        bad = [
            log.claim("\ud800", producer="p", meta=None),
            log.claim("t", producer="\ud800", meta=None),
            log.claim("t", producer="p", meta=12),  # type: ignore[arg-type]  # on purpose
            do(log, lambda _: {}["planted"]),
            log.append("none", epoch=1, offset=0, events=[b"1"], closes=False),
        ]
        good += [
            log.append("s", epoch=1, offset=1, events=[b"2"], closes=False),
            log.claim("u", producer="p", meta=b"{}"),
        ]
        gate.set()
        await held
        assert await asyncio.gather(*good) == [
            Claimed(1, 0),
            Admitted(0, 1),
            Admitted(0, 2),
            Claimed(1, 0),
        ]
        failures = await asyncio.gather(*bad, return_exceptions=True)
        # SQLite has no types of its own: a number is a strange description and no error.
        assert [type(f) for f in failures] == [
            LogError,
            LogError,
            Claimed,
            LogError,
            NoSuchStreamError,
        ]
        assert await body(log, "s") == b"1,2"


async def test_a_failing_request_leaves_nothing_behind(tmp_path: Path) -> None:
    def half(ledger: Ledger) -> None:
        ledger.claim("half", producer="p", meta=None)
        ledger.trim("half", before=0)  # which writes the claim, though it does not commit it
        assert ledger._db.in_transaction
        raise RuntimeError("planted")

    async with opened(tmp_path / "log.db") as log:
        await log.claim("s", producer="p", meta=None)
        gate = threading.Event()
        held = do(log, lambda _: gate.wait(10))
        first = log.append("s", epoch=1, offset=0, events=[b"1"], closes=False)
        broken = do(log, half)
        second = log.append("s", epoch=1, offset=1, events=[b"2"], closes=False)
        gate.set()
        await held
        with pytest.raises(LogError, match="planted"):
            await broken
        assert await asyncio.gather(first, second) == [Admitted(0, 1), Admitted(0, 2)]
        assert [info.stream for info in await log.list()] == ["s"]
        assert await body(log, "s") == b"1,2"


async def test_nothing_blocks_the_loop(tmp_path: Path) -> None:
    with blockbuster_ctx():
        async with opened(tmp_path / "deep" / "er" / "log.db") as log:
            await log.claim("s", producer="p", meta=None)
            await append(log, "s", 0, *[EVENT] * 500)
            assert await body(log, "s")
            assert await log.list()
            await log.trim("s", before=100)
            await log.delete("s")


async def test_the_threads_end_with_the_log(tmp_path: Path) -> None:
    def ours() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name.startswith("swarm-stream-log")]

    async with opened(tmp_path / "log.db"):
        assert len(ours()) == 3
    assert ours() == []


async def test_closing_waits_no_longer_than_it_may(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    async with opened(tmp_path / "log.db", close_timeout_s=0.01) as log:
        held = do(log, lambda _: gate.wait(10))
        later = log.claim("s", producer="p", meta=None)
    assert "still busy" in caplog.text
    gate.set()
    assert await held
    assert await later == Claimed(1, 0)  # what was handed in is done all the same


async def test_giving_up_opening_gives_the_file_back(tmp_path: Path) -> None:
    for _ in range(5):
        opening = asyncio.ensure_future(SQLiteLog(tmp_path / "log.db").open())
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    while True:
        try:
            async with opened(tmp_path / "log.db") as log:
                await log.claim("s", producer="p", meta=None)
                break
        except LogError:
            await asyncio.sleep(0.01)


async def test_a_log_is_opened_once(tmp_path: Path) -> None:
    log = SQLiteLog(tmp_path / "log.db")
    with pytest.raises(LogError, match="not open"):
        await log.info("s")
    await log.open()
    with pytest.raises(LogError, match="opened before"):
        await log.open()
    await log.aclose()


# What stays


async def test_everything_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=b'{"v":1}')
        await append(log, "s", 0, b"1", b"2")
        await log.claim("t", producer="q", meta=None)
        before = await log.list()
    async with opened(path) as log:
        assert await log.list() == before
        assert await log.claim("s", producer="p", meta=None) == Claimed(1, 2)
        assert await append(log, "s", 0, b"1", b"2", b"3") == Admitted(2, 3)
        assert await body(log, "s") == b"1,2,3"


async def test_the_space_of_a_deleted_stream_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        for n in range(600):
            await append(log, "s", n, b"1")
        assert await log.delete("s")
        await log.claim("s", producer="p", meta=None)
        await log.append("s", epoch=2, offset=0, events=[b'"new"'], closes=False)
        while rows(path, "SELECT count(*) FROM records") != [(1,)]:
            await asyncio.sleep(0.01)
        assert rows(path, "SELECT * FROM doomed") == []
        assert await body(log, "s") == b'"new"'


async def test_a_sweep_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        for n in range(10):
            await append(log, "s", n, b"1")
    with closing(sqlite3.connect(path)) as db, db:  # as a crash right after delete leaves it
        db.execute("INSERT INTO doomed SELECT id FROM streams")
        db.execute("DELETE FROM streams")
        db.execute("DELETE FROM tails")
    async with opened(path) as log:
        await log.claim("t", producer="p", meta=None)
        await append(log, "t", 0, b"2")
        while rows(path, "SELECT count(*) FROM records") != [(1,)]:
            await asyncio.sleep(0.01)
        assert await body(log, "t") == b"2"


@pytest.mark.parametrize(("synchronous", "level"), [("NORMAL", 1), ("FULL", 2)])
async def test_commits_are_synced_as_asked(tmp_path: Path, synchronous: str, level: int) -> None:
    async with opened(tmp_path / "log.db", synchronous=synchronous) as log:
        asked = await do(log, lambda ledger: ledger._db.execute("PRAGMA synchronous").fetchone())
        assert asked == (level,)


# A disk and other programs in the way


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.claim("s", producer="p", meta=None)
        await append(log, "s", 0, EVENT)

        def limit(ledger: Ledger, more: int) -> None:
            pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
            ledger._db.execute(f"PRAGMA max_page_count={pages + more}")

        await do(log, lambda ledger: limit(ledger, 1))
        big = b'"%b"' % (b"x" * 100_000)
        futures = [
            log.append("s", epoch=1, offset=1, events=[big], closes=False),
            log.claim("t", producer="p", meta=None),
        ]
        for failure in await asyncio.gather(*futures, return_exceptions=True):
            assert isinstance(failure, LogError)
            assert "disk is full" in str(failure)
            assert str(tmp_path) in str(failure)
        assert await body(log, "s") == EVENT
        assert (await log.info("s")).tail == 1

        await do(log, lambda ledger: limit(ledger, 1000))
        assert await append(log, "s", 1, big) == Admitted(0, 2)
        assert await log.claim("t", producer="p", meta=None) == Claimed(1, 0)
        assert await body(log, "s") == EVENT + b"," + big


async def test_a_disk_that_fails_refuses_and_recovers(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with opened(tmp_path / "log.db") as log:
        await log.claim("s", producer="p", meta=None)
        await append(log, "s", 0, EVENT)
        big = b'"%b"' % (b"x" * 300_000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            with pytest.raises(LogError, match="disk"):
                await append(log, "s", 1, big)
            assert await body(log, "s") == EVENT
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert await append(log, "s", 1, big) == Admitted(0, 2)
        assert await body(log, "s") == EVENT + b"," + big
    async with opened(tmp_path / "log.db") as log:
        assert await body(log, "s") == EVENT + b"," + big


async def test_another_program_that_locks_the_file_delays_writes_only(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path, busy_timeout_s=0) as log:
        await log.claim("s", producer="p", meta=None)
        await append(log, "s", 0, b"1")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LogError, match="another program"):
                await append(log, "s", 1, b"2")
            assert await body(log, "s") == b"1"
            other.execute("ROLLBACK")
        assert await append(log, "s", 1, b"2") == Admitted(0, 2)
        assert log.stats.failures == 1


async def test_a_reader_that_takes_its_time_does_not_stop_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        await append(log, "s", 0, b"1")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN")
            assert other.execute("SELECT count(*) FROM records").fetchone() == (1,)
            for n in range(1, 50):
                assert await append(log, "s", n, b"1") == Admitted(0, n + 1)
            assert other.execute("SELECT count(*) FROM records").fetchone() == (1,)


async def test_nobody_waits_while_the_write_ahead_log_is_carried_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate = threading.Event(), threading.Event()

    def slowly(*_: object) -> int:
        begun.set()
        assert gate.wait(10)
        return 0

    monkeypatch.setattr(sqlite_keeper, "checkpoint", slowly)
    monkeypatch.setattr(sqlite_keeper, "CHECKPOINT_PAGES", 1)
    async with opened(tmp_path / "log.db") as log:
        await log.claim("s", producer="p", meta=None)
        for offset in range(20):
            await log.append("s", epoch=1, offset=offset, events=[b"{}"], closes=False)
        assert await asyncio.to_thread(begun.wait, 10)
        assert (await log.read("s", 0, max_events=100, max_bytes=10_000)).count == 20
        assert not gate.is_set()
        gate.set()


@pytest.mark.parametrize(
    ("pages", "grown"),
    [([9000, 9000, 0], False), ([9000, 9100, 9200], True), ([10, 20, 30], False)],
)
async def test_the_writer_helps_where_the_write_ahead_log_does_not_stop_growing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: list[int], *, grown: bool
) -> None:
    async with opened(tmp_path / "log.db"):
        has_grown = threading.Event()
        keeper = sqlite_keeper.Keeper(tmp_path / "log.db", has_grown, synchronous="NORMAL")
        monkeypatch.setattr(sqlite_keeper, "checkpoint", lambda *_: pages.pop(0))
        future = asyncio.get_running_loop().create_future()
        keeper.handle([sqlite_keeper.Checkpoint(future)])
        keeper.close()
    assert has_grown.is_set() is grown
