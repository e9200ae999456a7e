"""The reading thread of a ``SQLiteLog``. It never waits for the writer (that is what WAL is for).

Everything that a read needs comes with three statements, whatever the number of records: see
``sqlite_ledger`` for why few statements matter.
"""

from __future__ import annotations

import logging
import sqlite3
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from swarm_stream.errors import NoSuchStreamError, OffsetOutOfRangeError
from swarm_stream.logs.base import Slice, StreamInfo
from swarm_stream.logs.slices import cut, dense, gather, sound
from swarm_stream.logs.sqlite_damage import note_damage
from swarm_stream.logs.sqlite_errors import explain
from swarm_stream.logs.sqlite_file import connect
from swarm_stream.logs.worker import Answer, Done

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Info", "List", "Query", "Read", "Reader"]

_logger = logging.getLogger("swarm_stream.logs")

# Records that one read looks at; only their sizes are read of those that do not fit.
READ_RECORDS: Final = 1000
MAX_TOLD: Final = 1000
"""Damaged places that are told of; with more of them, nobody reads on."""

_INFO: Final = (
    "SELECT name, head, tail, closed, epoch, producer, meta, created_ms, updated_ms, size_bytes"
    " FROM streams JOIN tails USING (id)"
)
# The first record holds the offset; it is taken whatever its size, and those after it as long as
# the sums stay within the limits.
_EXTENT: Final = """
SELECT min(offset), sum(count), max(offset), max(offset + count) FROM (
    SELECT offset, count,
        sum(count) OVER so_far AS events,
        sum(length(body) + 1) OVER so_far - 1 AS bytes
    FROM (
        SELECT offset, count, body FROM records WHERE stream = :id AND offset >= (
            SELECT max(offset) FROM records WHERE stream = :id AND offset <= :offset
        )
        ORDER BY offset LIMIT :records
    )
    WINDOW so_far AS (ORDER BY offset ROWS UNBOUNDED PRECEDING)
)
WHERE offset <= :offset OR (events <= :max_events AND bytes <= :max_bytes)
"""
_BODY: Final = """
SELECT CAST(group_concat(body, ',') AS BLOB), group_concat(size), group_concat(crc) FROM (
    SELECT body, length(body) AS size, coalesce(crc, -1) AS crc
    FROM records WHERE stream = ? AND offset BETWEEN ? AND ? ORDER BY offset
)
"""
_ONE_BY_ONE: Final = """
SELECT offset, count, body, coalesce(crc, -1) FROM records WHERE stream = ?1 AND offset >= (
    SELECT coalesce(max(offset), 0) FROM records WHERE stream = ?1 AND offset <= ?2
)
AND typeof(offset) = 'integer' AND typeof(count) = 'integer' AND typeof(body) = 'blob'
ORDER BY offset
"""


class _DamagedError(Exception):
    """The events at an offset are damaged; reading can go on at ``gone.head``."""

    def __init__(self, gone: OffsetOutOfRangeError) -> None:
        self.gone = gone


class Query(Protocol):
    """A job of the reader."""

    @property
    def future(self) -> asyncio.Future[Any]:
        """Gets the answer."""
        ...

    @property
    def weight(self) -> int:
        """Bytes to read, about."""
        ...

    def ask(self, db: sqlite3.Connection) -> object:
        """Give the answer."""
        ...


@dataclass(slots=True)
class Read:
    """See ``StreamLog.read``."""

    future: asyncio.Future[Slice]
    stream: str
    offset: int
    max_events: int
    max_bytes: int

    @property
    def weight(self) -> int:
        """Bytes to read, at most (but for a single large record)."""
        return self.max_bytes

    def ask(self, db: sqlite3.Connection) -> Slice:
        """Find the records, join them, cut to measure."""
        row = db.execute(
            "SELECT id, head, tail FROM streams JOIN tails USING (id) WHERE name = ?",
            (self.stream,),
        ).fetchone()
        if row is None:
            raise NoSuchStreamError(self.stream)
        stream, head, tail = row
        if not head <= self.offset <= tail:
            raise OffsetOutOfRangeError(self.stream, offset=self.offset, head=head, tail=tail)
        if self.offset == tail:
            return Slice(tail, 0, b"")
        first, count, last, end = db.execute(
            _EXTENT,
            {
                "id": stream,
                "offset": self.offset,
                "records": READ_RECORDS,
                "max_events": self.max_events,
                "max_bytes": self.max_bytes,
            },
        ).fetchone()
        if isinstance(first, int) and first <= self.offset < end == first + count:
            body, sizes, crcs = db.execute(_BODY, (stream, first, last)).fetchone()
            if sound(body, sizes, crcs):
                return cut(
                    Slice(first, count, body),
                    self.offset,
                    max_events=self.max_events,
                    max_bytes=self.max_bytes,
                )
        return self._around_damage(db, stream, tail)

    def _around_damage(self, db: sqlite3.Connection, stream: int, tail: int) -> Slice:
        """Give what is sound from the offset on, up to the first record that is not.

        Raises:
            _DamagedError: If there is nothing sound at the offset itself.

        """
        rows = db.execute(_ONE_BY_ONE, (stream, self.offset))
        intact = (
            Slice(offset, count, body)
            for offset, count, body, crc in rows
            if offset + count > self.offset and crc in {-1, zlib.crc32(body)}
        )
        first = next(intact, None)
        if first is None or first.offset > self.offset:
            resume = tail if first is None else first.offset
            raise _DamagedError(
                OffsetOutOfRangeError(self.stream, offset=self.offset, head=resume, tail=tail)
            )
        return gather(
            dense(first, intact),
            self.offset,
            max_events=self.max_events,
            max_bytes=self.max_bytes,
        )


@dataclass(slots=True)
class Info:
    """See ``StreamLog.info``."""

    future: asyncio.Future[StreamInfo]
    stream: str
    weight: int = 1

    def ask(self, db: sqlite3.Connection) -> StreamInfo:
        """Look the stream up."""
        row = db.execute(f"{_INFO} WHERE name = ?", (self.stream,)).fetchone()
        if row is None:
            raise NoSuchStreamError(self.stream)
        return _info(row)


@dataclass(slots=True)
class List:
    """See ``StreamLog.list``."""

    future: asyncio.Future[list[StreamInfo]]
    weight: int = 1

    def ask(self, db: sqlite3.Connection) -> list[StreamInfo]:
        """Give all streams."""
        return [_info(row) for row in db.execute(f"{_INFO} ORDER BY changed DESC")]


class Reader:
    """The engine of the reading thread.

    Raises:
        LogError: If the file cannot be opened.

    """

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        self._path = path
        self._told: set[tuple[str, int]] = set()
        try:
            self._db = connect(
                path, synchronous="NORMAL", busy_timeout_s=busy_timeout_s, read_only=True
            )
        except sqlite3.Error as error:
            raise explain(error, path) from error

    def handle(self, jobs: Sequence[Query]) -> Done:
        """Answer each; all see the log as it was when the first was begun, or later."""
        return Done([self._answer(job) for job in jobs])

    def idle(self) -> bool:
        """Tell that there is nothing to do."""
        return False

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _answer(self, job: Query) -> Answer:
        try:
            # One snapshot for the statements of one answer, so that a trim cannot come between.
            self._db.execute("BEGIN")
            try:
                return Answer(job.future, job.ask(self._db))
            finally:
                self._db.execute("ROLLBACK")
        except (NoSuchStreamError, OffsetOutOfRangeError) as error:
            return Answer(job.future, error=error)
        except _DamagedError as error:
            self._tell(error.gone)
            return Answer(job.future, error=error.gone)
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            note_damage(error, self._path)
            return Answer(job.future, error=explain(error, self._path))

    def _tell(self, gone: OffsetOutOfRangeError) -> None:
        """Say what is missing; once, however many ask for it."""
        if (gone.stream, gone.offset) in self._told or len(self._told) >= MAX_TOLD:
            return
        self._told.add((gone.stream, gone.offset))
        _logger.warning(
            "the log %s is damaged: events %d to %d of stream %s are not what was written and "
            "are not shown. All others are; see to the disk",
            self._path,
            gone.offset,
            gone.head - 1,
            gone.stream,
        )


def _info(row: tuple[Any, ...]) -> StreamInfo:
    name, head, tail, closed, epoch, producer, meta, created_ms, updated_ms, size_bytes = row
    return StreamInfo(
        stream=name,
        head=head,
        tail=tail,
        closed=bool(closed),
        epoch=epoch,
        producer=producer,
        meta=meta,
        created_ms=created_ms,
        updated_ms=updated_ms,
        size_bytes=size_bytes,
    )
