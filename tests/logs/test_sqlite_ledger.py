"""Requests of one transaction in every neighbourhood, and what a crash between two leaves."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import NoSuchStreamError
from swarm_stream.logs import sqlite_ledger
from swarm_stream.logs.admission import Admitted
from swarm_stream.logs.base import Claimed, Moved, Slice
from swarm_stream.logs.sqlite_file import connect, prepare
from swarm_stream.logs.sqlite_ledger import Ledger

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    prepare(tmp_path / "log.db", busy_timeout_s=0)
    with closing(connect(tmp_path / "log.db", synchronous="NORMAL", busy_timeout_s=0)) as db:
        yield db


def claim(ledger: Ledger, stream: str = "s", producer: str = "p") -> object:
    return ledger.claim(stream, producer=producer, meta=None)


def append(
    ledger: Ledger, offset: int, *events: bytes, stream: str = "s", epoch: int = 1
) -> object:
    return ledger.append(stream, epoch=epoch, offset=offset, events=events, closes=False)


def table(db: sqlite3.Connection, question: str) -> list[tuple[object, ...]]:
    return db.execute(question).fetchall()


def test_a_transaction_is_nothing_until_it_is_committed(db: sqlite3.Connection) -> None:
    ledger = Ledger(db)
    claim(ledger)
    append(ledger, 0, b"1")
    assert ledger.trim("s", before=0) == 0  # which writes what is before it
    assert db.in_transaction
    db.execute("ROLLBACK")
    with pytest.raises(NoSuchStreamError):
        append(Ledger(db), 0, b"1")
    assert claim(Ledger(db)) == Claimed(1, 0)


def test_appends_before_and_after_a_trim_are_all_there(db: sqlite3.Connection) -> None:
    ledger = Ledger(db)
    claim(ledger)
    append(ledger, 0, b"1")
    append(ledger, 1, b"2")
    assert ledger.trim("s", before=2) == 2
    append(ledger, 2, b"3")
    append(ledger, 3, b"4")
    assert ledger.commit() == [
        Moved("s", (Slice(0, 2, b"1,2"), Slice(2, 2, b"3,4")), 4, closed=False)
    ]
    assert table(db, "SELECT offset, count, body FROM records") == [(2, 2, b"3,4")]
    assert table(db, "SELECT head, tail, size_bytes FROM tails") == [(2, 4, 3)]
    assert ledger.commit() == []


def test_a_stream_made_and_deleted_in_one_transaction_leaves_nothing(
    db: sqlite3.Connection,
) -> None:
    ledger = Ledger(db)
    claim(ledger)
    append(ledger, 0, b"1")
    assert ledger.delete("s")
    assert not ledger.delete("s")
    assert ledger.commit() == []
    assert table(db, "SELECT * FROM streams") == table(db, "SELECT * FROM tails") == []
    while ledger.sweep():
        pass
    assert table(db, "SELECT * FROM records") == table(db, "SELECT * FROM doomed") == []


def test_a_stream_deleted_and_made_again_in_one_transaction_is_a_new_one(
    db: sqlite3.Connection,
) -> None:
    ledger = Ledger(db)
    claim(ledger)
    append(ledger, 0, b"1", b"2")
    ledger.delete("s")
    assert claim(ledger) == Claimed(2, 0)
    assert append(ledger, 0, b"3", epoch=2) == Admitted(0, 1)
    assert ledger.commit() == [Moved("s", (Slice(0, 1, b"3"),), 1, closed=False)]
    while ledger.sweep():
        pass
    assert table(db, "SELECT offset, count, body FROM records") == [(0, 1, b"3")]


@pytest.mark.parametrize("events", [[], [b"1", b"2"]])
def test_a_crash_before_the_sweep_never_mixes_the_old_with_the_new(
    db: sqlite3.Connection, events: list[bytes]
) -> None:
    ledger = Ledger(db)
    claim(ledger)
    append(ledger, 0, *events)
    ledger.commit()
    ledger.delete("s")
    ledger.commit()
    ledger = Ledger(db)  # as the next process finds it
    assert claim(ledger) == Claimed(2, 0)
    append(ledger, 0, b"3", epoch=2)
    ledger.commit()
    while ledger.sweep():
        pass
    assert table(db, "SELECT offset, count, body FROM records") == [(0, 1, b"3")]
    assert table(db, "SELECT * FROM doomed") == []
    # Nor does a third: every number of a stream that is in use is below the next one.
    ledger = Ledger(db)
    claim(ledger, "t")
    append(ledger, 0, b"4", stream="t", epoch=2)
    ledger.commit()
    assert table(db, "SELECT count(*), count(DISTINCT stream) FROM records") == [(2, 2)]


def test_the_order_of_change_goes_on_after_a_restart(db: sqlite3.Connection) -> None:
    ledger = Ledger(db)
    for stream in ("s", "t"):
        claim(ledger, stream)
        ledger.commit()
    ledger = Ledger(db)
    append(ledger, 0, b"1")
    ledger.commit()
    names = table(db, "SELECT name FROM streams JOIN tails USING (id) ORDER BY changed DESC")
    assert names == [("s",), ("t",)]


def test_many_streams_in_one_transaction(db: sqlite3.Connection) -> None:
    count = 3 * sqlite_ledger.ROWS_A_STATEMENT + 1
    ledger = Ledger(db)
    for n in range(count):
        claim(ledger, f"s{n}")
        append(ledger, 0, b"%d" % n, stream=f"s{n}")
    assert len(ledger.commit()) == count
    assert table(db, "SELECT name FROM streams ORDER BY id") == [(f"s{n}",) for n in range(count)]
    bodies = table(db, "SELECT body FROM records ORDER BY stream")
    assert bodies == [(b"%d" % n,) for n in range(count)]


def test_what_it_remembers_is_bounded(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_ledger, "CACHED_HEADS", 10)
    ledger = Ledger(db)
    for n in range(35):
        claim(ledger, f"s{n}")
        append(ledger, 0, b"1", stream=f"s{n}")
        ledger.commit()
        assert len(ledger._heads) <= 11
    assert append(ledger, 1, b"2", stream="s3") == Admitted(0, 2)
