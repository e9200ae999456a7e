"""A file of an older version becomes one of this version, with everything that it holds."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from swarm_stream.logs import sqlite_file
from swarm_stream.logs.admission import Admitted, Closed, Fenced
from swarm_stream.logs.base import Claimed
from tests.logs.opened import opened

if TYPE_CHECKING:
    from swarm_stream.logs.sqlite import SQLiteLog

pytestmark = pytest.mark.asyncio

VERSION_1 = Path(__file__).with_name("version_1.sql").read_text()
NEWEST = max(sqlite_file.MIGRATIONS)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of version 1."""
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(VERSION_1)
    return path


async def body(log: SQLiteLog, stream: str, offset: int = 0) -> bytes:
    return (await log.read(stream, offset, max_events=100, max_bytes=10_000)).body


def rows(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(question).fetchall()


async def check_what_version_1_held(log: SQLiteLog) -> None:
    """All events, who may write them, and in which order streams last changed."""
    infos = {info.stream: info for info in await log.list()}
    assert list(infos) == ["empty", "over", "live"]
    live, over = infos["live"], infos["over"]
    assert (live.head, live.tail, live.epoch, live.producer, live.closed) == (
        (4, 9, 2, "second", False)
    )
    assert (live.meta, live.size_bytes) == (b'{"title":"Live"}', 34)
    assert (live.created_ms, live.updated_ms) == (1795438403321.5, 1795438403324.5)
    assert (over.head, over.tail, over.closed) == (0, 2, True)
    assert await body(log, "live", 4) == b'"live4","live5","live6",7,{"live":8}'
    assert await body(log, "over") == b'"over0",{"type":"end"}'


async def test_everything_that_version_1_held_is_there(old: Path) -> None:
    for _ in range(2):  # the second time there is nothing to migrate
        async with opened(old) as log:
            await check_what_version_1_held(log)
        assert rows(old, "PRAGMA user_version") == [(NEWEST,)]


async def test_who_may_write_stays_as_it_was(old: Path) -> None:
    async with opened(old) as log:
        assert await log.claim("over", producer="first", meta=None) == Closed(2)
        late = await log.append("live", epoch=1, offset=9, events=[b"9"], closes=False)
        assert late == Fenced(2)
        assert await log.claim("live", producer="second", meta=None) == Claimed(2, 9)
        assert await log.claim("live", producer="third", meta=None) == Claimed(3, 9)
        # Above every epoch that the deleted stream of this name may have had.
        assert await log.claim("gone", producer="first", meta=None) == Claimed(8, 0)


async def test_old_records_and_new_ones_are_one_stream(old: Path) -> None:
    async with opened(old) as log:
        answer = await log.append("live", epoch=2, offset=8, events=[b"8", b"9"], closes=False)
        assert answer == Admitted(1, 10)
        assert await body(log, "live", 5) == b'"live5","live6",7,{"live":8},9'
        assert await log.trim("live", before=7) == 6
        assert await body(log, "live", 6) == b'"live6",7,{"live":8},9'
    crcs = rows(old, "SELECT crc IS NULL FROM records WHERE stream = 1 ORDER BY offset")
    assert crcs == [(1,), (1,), (0,)]


async def test_what_was_being_swept_is_swept(old: Path) -> None:
    async with opened(old):
        while rows(old, "SELECT * FROM doomed"):
            await asyncio.sleep(0.01)
    assert rows(old, "SELECT DISTINCT stream FROM records ORDER BY 1") == [(1,), (2,)]


async def test_a_file_that_a_crash_of_version_1_left_is_migrated(tmp_path: Path) -> None:
    """All of it lies in the write-ahead log still."""
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(tmp_path / "living.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(VERSION_1)
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"living.db{suffix}", tmp_path / f"log.db{suffix}")
    assert path.stat().st_size < (tmp_path / "log.db-wal").stat().st_size
    async with opened(path) as log:
        await check_what_version_1_held(log)


async def test_a_migrated_file_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    for path in (old, tmp_path / "new.db"):
        async with opened(path):
            pass
    question = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert rows(old, question) == rows(tmp_path / "new.db", question)


async def test_no_version_is_left_out() -> None:
    assert list(sqlite_file.MIGRATIONS) == list(range(1, NEWEST + 1))
