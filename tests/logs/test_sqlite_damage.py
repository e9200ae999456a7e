"""A damaged file: nothing that is not what was written is ever given out, nothing goes silently."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import LogError, OffsetOutOfRangeError
from swarm_stream.logs import sqlite_damage
from swarm_stream.logs.admission import Admitted
from swarm_stream.logs.base import Claimed, Slice
from tests.logs.opened import opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from swarm_stream.logs.sqlite import SQLiteLog

pytestmark = pytest.mark.asyncio

PAGE = 4096
CASES = 20


def event(stream: str, number: int) -> bytes:
    """Give an event that says where it belongs; some span several pages."""
    fill = "x" * (9000 if number % 10 == 9 else 400)
    return json.dumps({"stream": stream, "n": number, "fill": fill}).encode()


async def make(path: Path, events: int = 60) -> None:
    """Make a log with two streams, and close it."""
    async with opened(path) as log:
        for stream in "st":
            await log.claim(stream, producer="p", meta=None)
        for number in range(events):
            for stream in "st":
                await log.append(
                    stream, epoch=1, offset=number, events=[event(stream, number)], closes=False
                )


async def ask(log: SQLiteLog, stream: str, offset: int, step: int) -> Slice | Exception:
    try:
        return await log.read(stream, offset, max_events=step, max_bytes=10**6)
    except (OffsetOutOfRangeError, LogError) as error:
        return error


async def read_all(log: SQLiteLog, stream: str, *, step: int = 7) -> tuple[list[int], list[range]]:
    """Read as a viewer does; gives which events came, and which it was told are gone.

    Whatever comes must be what was written.
    """
    got: list[int] = []
    gone: list[range] = []
    offset, tail = 0, (await log.info(stream)).tail
    while offset < tail:
        part = await ask(log, stream, offset, step)
        if isinstance(part, OffsetOutOfRangeError):
            assert offset < part.head <= part.tail == tail
            gone.append(range(offset, part.head))
            offset = part.head
            continue
        if isinstance(part, Exception):
            raise part
        assert part.offset == offset
        expected = [event(stream, n) for n in range(offset, offset + part.count)]
        assert part.body == b",".join(expected)
        assert part.count
        got += range(offset, offset + part.count)
        offset += part.count
    return got, gone


def run(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# The whole file


def garbage_header(data: bytearray, dice: random.Random) -> None:
    data[: dice.choice([16, 100, PAGE])] = dice.randbytes(dice.choice([16, 100, PAGE]))


def garbage_pages(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice([1, 1, 3])):
        start = PAGE * dice.randrange(1, len(data) // PAGE)
        data[start : start + PAGE] = dice.choice([dice.randbytes(PAGE), bytes(PAGE)])


def swapped_pages(data: bytearray, dice: random.Random) -> None:
    one, other = (PAGE * dice.randrange(1, len(data) // PAGE) for _ in range(2))
    data[one : one + PAGE], data[other : other + PAGE] = (
        data[other : other + PAGE],
        data[one : one + PAGE],
    )


def cut_off(data: bytearray, dice: random.Random) -> None:
    del data[dice.choice([1, 99, 100, 511, PAGE, dice.randrange(1, len(data))]) :]


def scribbles(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice([1, 5, 50])):
        start = dice.randrange(PAGE, len(data) - 10)
        data[start : start + 10] = dice.randbytes(10)


@pytest.mark.parametrize(
    "spoil", [garbage_header, garbage_pages, swapped_pages, cut_off, scribbles]
)
async def test_damage_is_never_silent(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[bytearray, random.Random], None],
) -> None:
    """Either the file is set aside as it was, or what it gives is right and the rest is told."""
    dice = random.Random(f"7-{spoil.__name__}")  # noqa: S311 - a test's dice
    original = tmp_path / "original.db"
    await make(original)
    outcomes = set()
    for number in range(CASES):
        path = tmp_path / f"{number}.db"
        spoiled = bytearray(original.read_bytes())
        spoil(spoiled, dice)
        path.write_bytes(spoiled)
        caplog.clear()
        async with opened(path) as log:  # the server starts, whatever there is
            aside = path.with_name(path.name + ".corrupt-1")
            if aside.exists():
                assert await log.list() == []
                assert aside.read_bytes() == spoiled
                assert f"renamed to {aside.name}" in caplog.text
                outcomes.add("aside")
            else:
                outcomes.add(await what_is_left(log, caplog))
            answer = await log.claim("new", producer="p", meta=None)
            assert isinstance(answer, Claimed)
            assert await log.append(
                "new", epoch=answer.epoch, offset=0, events=[b"1"], closes=False
            ) == Admitted(0, 1)
    assert outcomes & {"aside", "told"}
    if spoil is not scribbles:  # some of those change what nothing is read from
        assert outcomes <= {"aside", "told"} or spoil is swapped_pages


async def what_is_left(log: SQLiteLog, caplog: pytest.LogCaptureFixture) -> str:
    """Read everything that is still there; gives whether something was told to be missing."""
    missing = False
    for stream in "st":
        try:
            got, gone = await read_all(log, stream)
        except LogError as error:
            missing = "damaged" in str(error)
            if not missing:
                raise
            continue
        assert sorted([*got, *(n for part in gone for n in part)]) == list(range(60))
        for part in gone:
            assert f"events {part[0]} to {part[-1]} of stream {stream}" in caplog.text
        missing = missing or bool(gone)
    return "told" if missing else "unharmed"


async def test_each_damaged_file_gets_a_name_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log.db"
    for number in (1, 2, 3):
        content = b"not a database %d\n" % number * 100
        path.write_bytes(content)
        async with opened(path) as log:
            assert await log.list() == []
        assert (tmp_path / f"log.db.corrupt-{number}").read_bytes() == content
        assert f"log.db.corrupt-{number}" in caplog.text


async def test_what_a_crash_left_beside_a_damaged_file_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(b"not a database\n" * 100)
    (tmp_path / "log.db-wal").write_bytes(b"the newest events")
    (tmp_path / "log.db-shm").write_bytes(b"their index")
    async with opened(path) as log:
        assert await log.list() == []
    assert (tmp_path / "log.db.corrupt-1-wal").read_bytes() == b"the newest events"
    assert (tmp_path / "log.db.corrupt-1-shm").read_bytes() == b"their index"


@pytest.mark.parametrize("main", [None, b""])
async def test_the_newest_events_of_a_lost_file_are_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, main: bytes | None
) -> None:
    """As a crash in the middle of setting aside leaves it; SQLite would throw them away."""
    path = tmp_path / "log.db"
    (tmp_path / "log.db.corrupt-1").write_bytes(b"an earlier one")
    (tmp_path / "log.db-wal").write_bytes(b"the newest events")
    if main is not None:
        path.write_bytes(main)
    async with opened(path) as log:
        assert await log.claim("s", producer="p", meta=None) == Claimed(1, 0)
    assert (tmp_path / "log.db.corrupt-2-wal").read_bytes() == b"the newest events"
    assert (tmp_path / "log.db.corrupt-1").read_bytes() == b"an earlier one"
    assert "log.db.corrupt-2-wal" in caplog.text


async def test_an_empty_file_is_a_new_log_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log.db"
    path.touch()
    async with opened(path) as log:
        assert await log.claim("s", producer="p", meta=None) == Claimed(1, 0)
    assert "if it held streams before, they are lost" in caplog.text
    caplog.clear()
    async with opened(path), opened(tmp_path / "new.db"):
        assert not caplog.text


async def test_a_damaged_index_of_the_write_ahead_log_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await make(path)
    (tmp_path / "log.db-shm").write_bytes(b"\xa5" * 32768)
    async with opened(path) as log:
        assert await read_all(log, "s") == (list(range(60)), [])


# Parts of it


def spoil_body(path: Path, stream: int, offset: int) -> None:
    """Change one byte of a record, in the middle of its body."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "UPDATE records SET body ="
            " CAST(substr(body, 1, 30) || x'00' || substr(body, 32) AS BLOB)"
            " WHERE stream = ? AND offset = ?",
            (stream, offset),
        )


async def test_a_changed_record_is_gone_and_the_rest_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log.db"
    await make(path)
    for offset in (0, 20, 21, 59):
        spoil_body(path, 1, offset)
    async with opened(path) as log:
        for step in (1, 7, 1000):
            got, gone = await read_all(log, "s", step=step)
            assert [n for part in gone for n in part] == [0, 20, 21, 59]
            assert len(got) == 56
        assert await read_all(log, "t") == (list(range(60)), [])
        # The stream goes on.
        answer = await log.append("s", epoch=1, offset=60, events=[b"60"], closes=False)
        assert answer == Admitted(0, 61)
        assert (await log.read("s", 60, max_events=9, max_bytes=99)).body == b"60"
    # Told, but not again and again.
    assert caplog.text.count("events 20 to 21 of stream s are not what was written") == 1


async def test_a_missing_record_is_gone_and_the_rest_is_there(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await make(path)
    run(path, "DELETE FROM records WHERE stream = 1 AND offset IN (5, 6, 30)")
    async with opened(path) as log:
        for step in (1, 7, 1000):
            got, gone = await read_all(log, "s", step=step)
            assert [n for part in gone for n in part] == [5, 6, 30]
            assert len(got) == 57


async def test_a_changed_record_of_many_events_is_gone_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.claim("s", producer="p", meta=None)
        for start in (0, 10, 20):
            events = [event("s", n) for n in range(start, start + 10)]
            await log.append("s", epoch=1, offset=start, events=events, closes=False)
    spoil_body(path, 1, 10)
    async with opened(path) as log:
        assert await read_all(log, "s", step=4) == (
            [*range(10), *range(20, 30)],
            [range(10, 20)],
        )
        with pytest.raises(OffsetOutOfRangeError) as caught:
            await log.read("s", 15, max_events=9, max_bytes=10_000)
        assert (caught.value.head, caught.value.tail) == (20, 30)


async def test_damage_done_to_a_file_in_use_is_told_and_found_at_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_damage, "CHECKED_BYTES", 0)  # as for a large file
    path = tmp_path / "log.db"
    await make(path)
    with path.open("r+b") as file:  # all but the first pages, which have the tables' names
        file.seek(12 * PAGE)
        file.write(b"\xa5" * (path.stat().st_size - 14 * PAGE))
    damaged = path.read_bytes()
    async with opened(path) as log:
        with pytest.raises(LogError, match="Restart the server, which sets a damaged file aside"):
            await read_all(log, "s")
        assert path.read_bytes() == damaged
    assert not (tmp_path / "log.db.corrupt-1").exists()
    async with opened(path) as log:
        assert await log.list() == []
    assert (tmp_path / "log.db.corrupt-1").exists()
    assert "log.db.corrupt-1" in caplog.text
    assert not (tmp_path / "log.db.check").exists()


async def test_damage_found_while_opening_is_set_aside_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_damage, "CHECKED_BYTES", 0)
    path = tmp_path / "log.db"
    await make(path)
    with path.open("r+b") as file:
        file.seek(PAGE)
        file.write(b"\xa5" * (path.stat().st_size - PAGE))
    async with opened(path) as log:
        assert await log.list() == []
    assert "log.db.corrupt-1" in caplog.text


async def test_a_suspicion_that_was_wrong_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await make(path)
    (tmp_path / "log.db.check").touch()
    async with opened(path) as log:
        assert (await log.info("s")).tail == 60
    assert names(tmp_path) == ["log.db", "log.db.lock"]


@pytest.mark.parametrize(
    "contradiction",
    [
        "UPDATE tails SET tail = tail - 1 WHERE id = 1",
        "UPDATE tails SET head = 3 WHERE id = 1",
        "UPDATE tails SET tail = 0 WHERE id = 2",
        "DELETE FROM tails WHERE id = 1",
        "DELETE FROM streams WHERE id = 1",
        "DELETE FROM records WHERE stream = 2",
        "UPDATE streams SET name = x'00' WHERE id = 1",
        "DELETE FROM facts",
    ],
)
async def test_tables_that_contradict_each_other_are_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, contradiction: str
) -> None:
    path = tmp_path / "log.db"
    await make(path)
    run(path, contradiction)
    async with opened(path) as log:
        assert await log.list() == []
    assert (tmp_path / "log.db.corrupt-1").exists()
    assert "is damaged" in caplog.text
