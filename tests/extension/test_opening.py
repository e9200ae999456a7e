"""Which file a server takes, and that server id and secret stay with it."""

from __future__ import annotations

import asyncio
import json
import stat
from typing import TYPE_CHECKING

import pytest

from jupyter_extension.identity import load_identity
from jupyter_extension.opening import MAX_SLOTS, default_paths, open_log
from swarm_stream.errors import LogLockedError, LogVersionError
from swarm_stream.logs.sqlite import SQLiteLog

if TYPE_CHECKING:
    from pathlib import Path


def slots(data: Path, root: Path) -> list[str]:
    return [path.name for path in default_paths(str(data), str(root))]


def test_each_root_directory_has_files_of_its_own(tmp_path: Path) -> None:
    data, root = tmp_path / "data", tmp_path / "some root"
    names = slots(data, root)
    assert names == slots(data, root)
    assert names[1] == names[0].replace(".db", "-2.db")
    assert len(names) == MAX_SLOTS
    assert not set(names) & set(slots(data, tmp_path / "other"))
    assert "some" not in names[0]


async def test_servers_on_one_directory_take_the_next_free_file(tmp_path: Path) -> None:
    paths = await asyncio.to_thread(lambda: list(default_paths(str(tmp_path), str(tmp_path))))

    async def start() -> SQLiteLog:
        return await open_log(iter(paths), synchronous="NORMAL", patience_s=0)

    first, second, third = [await start() for _ in range(3)]
    stem = first.path.stem
    assert [log.path.stem for log in (second, third)] == [f"{stem}-2", f"{stem}-3"]
    await second.aclose()
    again = await start()
    assert again.path == second.path
    for log in (first, third, again):
        await log.aclose()


async def test_only_a_lock_leads_to_the_next_file(tmp_path: Path) -> None:
    taken, bad, free = (tmp_path / name for name in ("taken.db", "bad.db", "free.db"))
    holder = SQLiteLog(taken)
    await holder.open()
    with pytest.raises(LogLockedError):
        await open_log(iter([taken, taken]), synchronous="NORMAL", patience_s=0)
    log = SQLiteLog(bad)
    await log.open()
    await log.aclose()
    import sqlite3  # noqa: PLC0415  (only here)

    with sqlite3.connect(bad) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(LogVersionError):
        await open_log(iter([taken, bad, free]), synchronous="NORMAL", patience_s=0)
    assert not free.exists()
    await holder.aclose()


async def test_a_server_that_is_restarted_waits_for_its_file(tmp_path: Path) -> None:
    """The one before is still closing it: another file would have none of the streams."""
    paths = await asyncio.to_thread(lambda: list(default_paths(str(tmp_path), str(tmp_path))))
    before = await open_log(iter(paths), synchronous="NORMAL")
    await before.claim("s", producer="p", meta=None)
    starting = asyncio.ensure_future(
        open_log(iter(paths), synchronous="NORMAL", patience_s=30)  # not reached
    )
    done, _ = await asyncio.wait({starting}, timeout=0.2)
    assert not done
    await before.aclose()
    log = await starting
    assert log.path == before.path
    assert [info.stream for info in await log.list()] == ["s"]
    await log.aclose()


def test_an_identity_is_made_once_and_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "log.db.id"
    made = load_identity(path)
    assert load_identity(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(made.secret) >= 32
    assert made.secret not in repr(made)
    assert made.server not in made.secret
    assert load_identity(tmp_path / "other.db.id") != made
    assert [file.name for file in tmp_path.iterdir() if "log" in file.name] == ["log.db.id"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"server": 1, "secret": 2}', "null"])
def test_a_damaged_identity_is_made_anew(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.db.id"
    path.write_text(text)
    path.chmod(0o600)
    made = load_identity(path)
    assert load_identity(path) == made


def test_a_secret_that_others_could_read_is_not_used_again(tmp_path: Path) -> None:
    path = tmp_path / "log.db.id"
    old = load_identity(path)
    path.chmod(0o644)
    new = load_identity(path)
    assert new.server == old.server
    assert new.secret != old.secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_short_secret_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "log.db.id"
    path.write_text(json.dumps({"server": "srv", "secret": "guess me"}))
    path.chmod(0o600)
    assert load_identity(path).secret != "guess me"  # noqa: S105


def test_servers_that_start_at_once_get_different_files(tmp_path: Path) -> None:
    paths = list(default_paths(str(tmp_path), str(tmp_path)))

    async def start_all() -> set[str]:
        logs = await asyncio.gather(
            *(open_log(iter(paths), synchronous="NORMAL", patience_s=0) for _ in range(4))
        )
        names = {log.path.name for log in logs}
        for log in logs:
            await log.aclose()
        return names

    assert len(asyncio.run(start_all())) == 4
