"""The durable log's file: whose it is, which version, and who may open it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import LogError, LogLockedError, LogVersionError
from swarm_stream.logs import sqlite_file
from swarm_stream.logs.base import Claimed
from swarm_stream.logs.sqlite import SQLiteLog
from tests.logs.opened import opened

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio


async def make(path: Path, events: int = 3) -> None:
    """Make a log with one stream of ``events`` events, and close it."""
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        for n in range(events):
            await log.append(
                "s", epoch=1, offset=n, events=[b'"%d%b"' % (n, b"x" * 500)], closes=False
            )


def files(folder: Path) -> dict[str, int]:
    """Give the names of the files in ``folder``, and who may do what with them."""
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def refused(path: Path) -> LogError:
    """Give the error that opening ``path`` ends in."""
    log = SQLiteLog(path)
    with pytest.raises(LogError) as caught:
        await log.open()
    await log.aclose()
    assert str(path) in str(caught.value)
    return caught.value


def set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version={version}")


# Whose it is


async def test_only_the_user_may_look_into_it(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        async with opened(tmp_path / "log.db") as log:
            await log.claim("s", producer="p", meta=None)
            modes = files(tmp_path)
            del modes["log.db.lock"]  # always empty
    finally:
        os.umask(umask)
    assert modes == {"log.db": 0o600, "log.db-wal": 0o600, "log.db-shm": 0o600}


async def test_nothing_but_the_file_and_its_lock_stays_after_closing(tmp_path: Path) -> None:
    await make(tmp_path / "log.db")
    assert files(tmp_path).keys() == {"log.db", "log.db.lock"}


async def test_another_programs_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE photos (name)")
    before = path.read_bytes()
    assert "another program" in str(await refused(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["file/log.db", "file/deeper/log.db", "folder", "/proc/log.db"])
async def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("a regular file")
    (tmp_path / "folder").mkdir()
    error = await refused(tmp_path / place)
    assert "Give the server" in str(error) or "See that" in str(error)


# Which version


async def test_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await make(path)
    set_version(path, 999)
    before = path.read_bytes()
    error = await refused(path)
    assert isinstance(error, LogVersionError)
    assert "Update swarm_stream" in str(error)
    assert path.read_bytes() == before
    set_version(path, max(sqlite_file.MIGRATIONS))  # the refusal gave the lock back
    async with opened(path) as log:
        assert (await log.info("s")).tail == 3


async def test_an_older_version_is_migrated_with_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"
    await make(path)
    newest = max(sqlite_file.MIGRATIONS)
    later = {
        newest + 1: lambda db: db.execute("CREATE TABLE second (x)"),
        newest + 2: lambda db: db.execute("ALTER TABLE second ADD COLUMN y"),
    }
    for version, step in later.items():
        monkeypatch.setitem(sqlite_file.MIGRATIONS, version, step)
    for _ in range(2):  # the second time there is nothing to do
        async with opened(path) as log:
            assert (await log.info("s")).tail == 3
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (newest + 2,)
            assert db.execute("SELECT x, y FROM second").fetchall() == []


async def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"
    await make(path)
    newest = max(sqlite_file.MIGRATIONS)
    with monkeypatch.context() as patch:
        steps = sqlite_file.MIGRATIONS
        patch.setitem(steps, newest + 1, lambda db: db.execute("CREATE TABLE second (x)"))
        patch.setitem(steps, newest + 2, lambda db: db.execute("no SQL at all"))
        await refused(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (newest,)
        assert db.execute("SELECT * FROM sqlite_schema WHERE name = 'second'").fetchall() == []
    async with opened(path) as log:
        assert (await log.info("s")).tail == 3


# Who may open it

OPEN_AND_WAIT = """
import asyncio, sys
from swarm_stream.logs.sqlite import SQLiteLog
async def main():
    log = SQLiteLog(sys.argv[1])
    await log.open()
    await log.claim("theirs", producer="p", meta=None)
    print("open", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_a_second_log_on_one_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    (tmp_path / "link.db").symlink_to(path)
    async with opened(path) as log:
        for name in ("log.db", "link.db"):
            second = SQLiteLog(tmp_path / name)
            with pytest.raises(LogLockedError, match="another server"):
                await second.open()
            await second.aclose()
        assert await log.claim("s", producer="p", meta=None) == Claimed(1, 0)
        # Being asked did not loosen the lock.
        assert isinstance(await refused(path), LogLockedError)
    async with opened(path) as log:
        assert (await log.info("s")).epoch == 1


async def test_another_process_has_it_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with subprocess.Popen(  # noqa: ASYNC220 - a test may wait
        [sys.executable, "-c", OPEN_AND_WAIT, path], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        assert isinstance(await refused(path), LogLockedError)
        other.kill()
        other.wait()
        async with opened(path) as log:
            assert (await log.info("theirs")).epoch == 1


async def test_a_link_that_leads_nowhere_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "log.db").symlink_to(tmp_path / "log.db")
    assert isinstance(await asyncio.wait_for(refused(tmp_path / "log.db"), 5), LogError)
