"""Whatever was acknowledged is there after a crash, dense and in order, and nothing is torn."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import zlib
from bisect import bisect_left, bisect_right
from contextlib import closing
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import LogLockedError
from swarm_stream.logs import sqlite_file
from swarm_stream.logs.admission import Admitted, Closed, Fenced
from swarm_stream.logs.base import Claimed
from swarm_stream.logs.sqlite import SQLiteLog
from tests.logs.crashing import Appender, Call, Life, Model, survived

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

POINTS = int(os.environ.get("SWARM_STREAM_CRASH_POINTS", "60"))
"""At how many moments a server is killed."""
LIVES = 20
"""Servers that follow one another on one file."""


def copy(path: Path, target: Path) -> Path:
    """Copy a file that nobody has open, as its last server left it."""
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            shutil.copy(source, target.with_name(target.name + suffix))
    return target


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def check_events(log: SQLiteLog, model: Model, start: dict[str, int]) -> None:
    """Every event from ``start`` on, or from the head, is the one that must be there."""
    for name, held in model.streams.items():
        offset = max(held.head, start.get(name, 0))
        while offset < held.tail:
            part = await log.read(name, offset, max_events=1000, max_bytes=2**20)
            assert part.offset == offset
            assert part.count
            assert part.body == held.events(name, offset, offset + part.count)
            offset += part.count


async def check_fences(log: SQLiteLog, model: Model) -> None:
    """Who may write is who could before. Leaves the log to another producer."""
    for name, held in model.streams.items():
        again = await log.claim(name, producer=held.producer, meta=None)
        if held.closed:
            assert again == Closed(held.tail)
            continue
        assert again == Claimed(held.epoch, held.tail)
        late = await log.append(
            name, epoch=held.epoch - 1, offset=held.tail, events=[b"0"], closes=False
        )
        assert late == Fenced(held.epoch)
        other = await log.claim(name, producer="another", meta=None)
        assert other == Claimed(held.epoch + 1, held.tail)
        more = await log.append(
            name, epoch=held.epoch + 1, offset=held.tail, events=[b"0"], closes=False
        )
        assert more == Admitted(0, held.tail + 1)
    fresh = await log.claim("fresh", producer="another", meta=None)
    assert fresh == Claimed(model.floor + 1, 0)


class Crashes:
    """One file, and the servers that are killed over it, one after the other."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.path = folder / f"log-{seed}.db"
        self.model = Model()
        self._folder = folder
        self._seed = seed
        self._dice = random.Random(seed)  # noqa: S311 - a test's dice
        self._lives = 0
        self._checked: dict[str, int] = {}
        if seed % 2:  # the first server that comes that far has to migrate it
            with closing(sqlite3.connect(self.path)) as db, db:
                sqlite_file.MIGRATIONS[1](db)
                db.execute(f"PRAGMA application_id={sqlite_file.APPLICATION_ID}")
                db.execute("PRAGMA user_version=1")

    def crash(self, appender: Appender) -> Life:
        """Let a server run for a while, and kill it."""
        self._lives += 1
        dice = self._dice
        # A third of them die within a write, some bytes further on than the files are.
        torn = dice.random() < 0.33
        largest = max(size(self.path), size(self.path.with_name(self.path.name + "-wal")))
        return appender.run(
            {
                "path": str(self.path),
                "seed": self._seed * 1000 + self._lives,
                "checkpoint_pages": dice.choice([20, 100, 1000]),
                "die_at_bytes": largest + dice.randrange(1, 100_000) if torn else 0,
            },
            lines=400 if torn else dice.choice([0, 0, 1, 3, 10, 60, 250, 600]),
            delay_s=dice.random() * dice.choice([0.001, 0.01, 0.03]),
        )

    async def check(self, life: Life) -> None:
        """Open what the server left, twice; on a copy: the next server finds it as it is."""
        path = copy(self.path, self._folder / f"copy-{self._seed}-{self._lives}.db")
        found = []
        for turn in (1, 2):
            log = SQLiteLog(path)
            await log.open()
            infos = await log.list()
            found.append(infos)
            model = survived(self.model, life, infos)
            # All of it at the end, before that what is new.
            known = self._checked if self._lives < LIVES else {}
            await check_events(log, model, known)
            if turn == 2:
                await check_fences(log, model)
            await log.aclose()
        assert found[0] == found[1]
        self._checked = {
            name: held.tail
            for name, held in model.streams.items()
            # One that was deleted and begun again has other events.
            if name in self.model.streams and held.epochs[:1] == self.model.streams[name].epochs[:1]
        }
        self.model = model


def where(life: Life) -> str:
    """Name the moment at which a server died."""
    if not life.opened:
        return "opening"
    if not life.calls:
        return "opened"
    if life.promised == len(life.calls):
        return "idle"
    return f"{life.calls[life.promised].words[0]} {life.status}"


@pytest.mark.timeout(300)
async def test_a_killed_server_keeps_what_it_promised(tmp_path: Path) -> None:
    points: set[str] = set()
    events = 0
    with Appender() as appender:
        for seed in range(POINTS // LIVES):
            crashes = Crashes(tmp_path, seed)
            for _ in range(LIVES):
                life = crashes.crash(appender)
                await crashes.check(life)
                points.add(where(life))
            events += sum(held.tail for held in crashes.model.streams.values())
    # Else they were killed before they did anything, or always at the same place.
    assert events > 1000
    assert {"opening", "append -9", f"append -{signal.SIGXFSZ}"} <= points
    assert len(points) > 5


# A write-ahead log whose end is not what was written


def commit_ends(wal: bytes) -> list[int]:
    """Give where each commit ends; see "The WAL file format" of SQLite's documentation."""
    page = int.from_bytes(wal[8:12], "big")
    ends = []
    for start in range(32, len(wal), 24 + page):
        frame = wal[start : start + 24]
        if frame[8:16] != wal[16:24]:  # the salts: the rest is of an earlier round
            break
        if int.from_bytes(frame[4:8], "big"):
            ends.append(start + 24 + page)
    return ends


def spoil(wal: bytes, dice: random.Random) -> bytes:
    """Give what a power cut or a bad disk may leave of a write-ahead log's end."""
    start = dice.randrange(dice.choice([100, len(wal)]))
    length = min(dice.choice([1, 100, 10_000, len(wal)]), len(wal) - start)
    match dice.choice(["cut", "noise", "zeros", "flip"]):
        case "cut":
            return wal[:start]
        case "noise":
            return wal[:start] + dice.randbytes(length) + wal[start + length :]
        case "zeros":
            return wal[:start] + bytes(length) + wal[start + length :]
        case _:
            return wal[:start] + bytes([wal[start] ^ 1 << dice.randrange(8)]) + wal[start + 1 :]


def same_until(one: bytes, other: bytes) -> int:
    """Give how many bytes two have in common at their beginning."""
    return bisect_left(
        range(min(len(one), len(other))), 1, key=lambda n: one[: n + 1] != other[: n + 1]
    )


@pytest.mark.parametrize("carried_over", [False, True])
async def test_a_spoiled_write_ahead_log_gives_exactly_the_commits_before(
    tmp_path: Path, *, carried_over: bool
) -> None:
    """Copied from under a server that is writing; one call is one commit of its."""
    dice = random.Random(12 + carried_over)  # noqa: S311 - a test's dice
    path = tmp_path / "log.db"
    base = Model()
    job = {"path": str(path), "steady": True, "checkpoint_pages": 10**9}
    with Appender() as appender:
        if carried_over:
            life = appender.run({**job, "seed": 1}, lines=200, delay_s=0)
            log = SQLiteLog(path)  # which carries it into the file when it is closed
            await log.open()
            base = survived(base, life, await log.list())
            await log.aclose()
        life = Life()
        pid = appender.start({**job, "seed": 2})
        appender.hear(life, 100)
        os.kill(pid, signal.SIGSTOP)
        whole = copy(path, tmp_path / "whole.db")
        appender.kill(pid, life)
    wal = whole.with_name("whole.db-wal").read_bytes()
    ends = commit_ends(wal)
    held = await calls_held(copy(whole, tmp_path / "intact.db"), base, life)
    assert len(ends) == held
    tails = set()
    for number in range(40):
        spoiled = spoil(wal, dice)
        torn = tmp_path / f"torn-{number}.db"
        shutil.copy(whole, torn)
        torn.with_name(torn.name + "-wal").write_bytes(spoiled)
        intact = bisect_right(ends, same_until(wal, spoiled))
        await check_prefix(torn, base, life, intact)
        tails.add(intact)
    assert len(tails) > 10  # else it was always the same place


async def calls_held(path: Path, base: Model, life: Life) -> int:
    """Count the calls that an unspoiled copy holds: those that were answered, or one more."""
    log = SQLiteLog(path)
    await log.open()
    infos = await log.list()
    await log.aclose()
    survived(base, life, infos)
    return life.promised + (not after(base, life, life.promised).fits(infos))


def after(base: Model, life: Life, calls: int) -> Model:
    """Give what a log holds after so many calls of a life."""
    some = Life(calls=[Call(call.words, call.answer or [0]) for call in life.calls[:calls]])
    model = deepcopy(base)
    for call in some.calls:
        model.take(call)
    return model


async def check_prefix(path: Path, base: Model, life: Life, calls: int) -> None:
    """A log holds exactly what it did after so many calls; twice the same, and it goes on."""
    model = after(base, life, calls)
    for turn in (1, 2):
        log = SQLiteLog(path)
        await log.open()
        assert model.fits(await log.list())
        await check_events(log, model, {})
        if turn == 2:
            await check_fences(log, model)
        await log.aclose()
    log = SQLiteLog(path)
    await log.open()
    for name, held in model.streams.items():
        info = await log.info(name)
        assert (info.tail, info.producer) == (held.tail + 1, "another")
    await log.aclose()


# Others who look at the file


def snapshot(db: sqlite3.Connection) -> dict[int, tuple[str, int, int]]:
    """Give each stream's name, epoch and tail; everything in it must fit together."""
    db.execute("BEGIN")
    rows = db.execute(
        "SELECT id, name, epoch, head, tail, size_bytes FROM streams JOIN tails USING (id)"
    ).fetchall()
    for stream, name, _, head, tail, size_bytes in rows:
        offset, held = head, 0
        for start, count, body, crc in db.execute(
            "SELECT offset, count, body, crc FROM records WHERE stream = ? ORDER BY offset",
            (stream,),
        ):
            assert start == offset
            assert crc == zlib.crc32(body)
            events = json.loads(b"[%b]" % body)
            assert [(e["s"], e["n"]) for e in events] == [
                (name, n) for n in range(start, start + count)
            ]
            offset, held = offset + count, held + len(body)
        assert (offset, held) == (tail, size_bytes)
    db.execute("ROLLBACK")
    return {stream: (name, epoch, tail) for stream, name, epoch, _, tail, _ in rows}


async def test_another_program_reads_while_groups_are_written(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    life, model = Life(), Model()
    before: dict[int, tuple[str, int, int]] = {}
    tails = set()
    with Appender() as appender:
        pid = appender.start({"path": str(path), "seed": 3, "checkpoint_pages": 20})
        appender.hear(life, 5)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as db:
            for _ in range(40):
                known = life.promised
                found = snapshot(db)
                # What was promised before is in it, and nothing goes back.
                model = after(Model(), life, known)
                newest = {name: (epoch, tail) for name, epoch, tail in found.values()}
                for name, held in model.streams.items():
                    assert newest.get(name, (10**9, 0)) >= (held.epoch, held.tail)
                for stream, (_, epoch, tail) in found.items():
                    assert (epoch, tail) >= before.get(stream, ("", 0, 0))[1:]
                before = found
                tails.add(sum(tail for _, _, tail in found.values()))
                appender.hear(life, known + 10)
        appender.kill(pid, life)
    assert len(tails) > 10  # else nothing was written meanwhile


async def test_the_file_of_a_living_server_stays_locked(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    life = Life()
    with Appender() as appender:
        pid = appender.start({"path": str(path), "seed": 1})
        appender.hear(life, 3)
        for _ in range(3):
            with pytest.raises(LogLockedError, match="Stop that server, or give this one a file"):
                await SQLiteLog(path).open()
        appender.kill(pid, life)
    log = SQLiteLog(path)
    await log.open()
    await log.aclose()
