"""What is let go of: its space is used again, and nobody waits while it goes."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from swarm_stream.logs import sqlite_file, sqlite_ledger
from swarm_stream.logs.admission import Admitted
from tests.logs.opened import opened

if TYPE_CHECKING:
    from pathlib import Path

    from swarm_stream.logs.sqlite import SQLiteLog

pytestmark = pytest.mark.asyncio

BIG = b'"%b"' % (b"x" * 100_000)


async def append(log: SQLiteLog, offset: int, event: bytes = BIG, stream: str = "s") -> object:
    return await log.append(stream, epoch=1, offset=offset, events=[event], closes=False)


async def fill(log: SQLiteLog, count: int, stream: str = "s") -> None:
    await log.claim(stream, producer="p", meta=None)
    for number in range(count):
        await append(log, number, stream=stream)


def ask(path: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(question).fetchall()


async def test_one_trim_takes_no_more_bytes_than_is_quickly_done(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await fill(log, 100)
        heads = [0]
        while (head := await log.trim("s", before=100)) != heads[-1]:
            taken = (head - heads[-1]) * len(BIG)
            # The last record may stand across the limit; fewer only at the end.
            assert taken <= sqlite_ledger.SWEEP_BYTES + len(BIG)
            assert taken >= sqlite_ledger.SWEEP_BYTES or head == 100
            heads.append(head)
            info = await log.info("s")
            assert (info.head, info.size_bytes) == (head, (100 - head) * len(BIG))
        assert heads[-1] == 100
        assert len(heads) > 4
        assert await append(log, 100) == Admitted(0, 101)


async def test_one_trim_takes_no_more_records_than_is_quickly_done(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.claim("s", producer="p", meta=None)
        for number in range(600):
            await append(log, number, b"1")
        assert await log.trim("s", before=600) == sqlite_ledger.SWEEP_RECORDS
        assert await log.trim("s", before=300) == 300


async def test_a_record_larger_than_one_trim_goes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_ledger, "SWEEP_BYTES", 10)
    async with opened(tmp_path / "log.db") as log:
        await fill(log, 2)
        assert await log.trim("s", before=2) == 1
        assert await log.trim("s", before=2) == 2
        await fill(log, 3, "t")
        await log.delete("t")
        while ask(tmp_path / "log.db", "SELECT * FROM doomed"):
            await asyncio.sleep(0.01)
        assert ask(tmp_path / "log.db", "SELECT * FROM records") == []


async def test_many_trims_at_once_are_many_transactions(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        names = [f"s{number}" for number in range(40)]
        for name in names:
            await fill(log, 1, name)
        before = log.stats.groups
        await asyncio.gather(*(log.trim(name, before=1) for name in names))
        assert log.stats.groups - before >= 10
        assert log.stats.largest_group < 10


async def test_letting_go_writes_little(tmp_path: Path) -> None:
    """Also where SQLite was built to overwrite what is deleted."""
    path, wal = tmp_path / "log.db", tmp_path / "log.db-wal"
    async with opened(path) as log:
        await fill(log, 40)
    async with opened(path) as log:
        while await log.trim("s", before=20) != 20:
            pass
        trimmed = wal.stat().st_size
        await log.delete("s")
        while ask(path, "SELECT * FROM records"):
            await asyncio.sleep(0.01)
        swept = wal.stat().st_size
    assert trimmed < 20 * len(BIG) / 10
    assert swept - trimmed < 20 * len(BIG) / 10


async def test_a_log_that_is_trimmed_as_it_grows_stays_as_large_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    sizes = []
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        for number in range(400):
            await append(log, number)
            if number >= 20:
                await log.trim("s", before=number - 19)
            if number % 50 == 49:
                # Of what is in the write-ahead log still, too.
                ((pages,),) = ask(path, "PRAGMA page_count")
                sizes.append(pages)
    assert max(sizes) <= 1.1 * sizes[0]
    assert path.stat().st_size < 40 * len(BIG)


async def test_deleted_streams_make_room_for_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    sizes = []
    async with opened(path) as log:
        for number in range(8):
            await fill(log, 20, f"s{number}")
            await log.delete(f"s{number}")
            while ask(path, "SELECT * FROM doomed"):
                await asyncio.sleep(0.01)
            ((pages,),) = ask(path, "PRAGMA page_count")
            sizes.append(pages)
    assert max(sizes) <= 1.1 * sizes[0]


async def test_a_write_ahead_log_that_had_to_grow_is_cut_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that reads for long keeps it from beginning anew."""
    monkeypatch.setattr(sqlite_file, "KEPT_WAL_BYTES", 10**6)
    path, wal = tmp_path / "log.db", tmp_path / "log.db-wal"
    async with opened(path) as log:
        await fill(log, 1)
        with closing(sqlite3.connect(path, isolation_level=None)) as backup:
            backup.execute("BEGIN")
            assert backup.execute("SELECT count(*) FROM records").fetchone() == (1,)
            for number in range(1, 100):
                await append(log, number)
        grown = wal.stat().st_size
        assert grown > 8 * 10**6
        number = 100
        while wal.stat().st_size >= grown:
            await append(log, number)
            number += 1
            assert number < 3000  # at 64 MB, some 800 of these, the writer does it whatever happens
        assert wal.stat().st_size < grown / 2
        assert (await log.info("s")).tail == number
