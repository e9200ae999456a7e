"""What a ``SQLiteLog`` knows of its streams, and the transaction that changes it.

A group of requests is decided in memory, against the heads of its streams, and then written with
as few statements as possible. Few, because Python's sqlite3 gives up the interpreter's lock for
each statement and has to wait to get it back: up to 5 ms each time while the event loop is busy.

Nothing else writes the file (see ``FileLock``), so a head once read stays true. After a failure
the whole ledger is thrown away and a new one read.
"""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Final

from swarm_stream.errors import NoSuchStreamError
from swarm_stream.logs.admission import Admitted, Closed, Fenced, Verdict, admit, epoch_for
from swarm_stream.logs.base import Claimed, Moved, Slice
from swarm_stream.logs.sqlite_draft import Draft, Head, Run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

__all__ = ["RUN_BYTES", "RUN_EVENTS", "SWEEP_BYTES", "SWEEP_RECORDS", "Ledger"]

# Appends to one stream that are committed together become one record, up to these limits: a
# record is what a read parses to find an event in its middle.
RUN_EVENTS: Final = 1000
RUN_BYTES: Final = 64 * 1024

# What one trim, or one step of a sweep, takes away: a few milliseconds of work.
SWEEP_RECORDS: Final = 256
SWEEP_BYTES: Final = 2 * 2**20
"""Exceeded by no more than one record."""
MAX_OFFSET: Final = 2**53
CACHED_HEADS: Final = 4096
ROWS_A_STATEMENT: Final = 32


class Ledger:
    """Decides on requests and writes what follows from them. Used in the writing thread only.

    Args:
        db: A connection to a prepared file, in autocommit mode.

    Raises:
        sqlite3.Error: From every method, if the file cannot be read or written. The caller rolls
            back and makes a new ledger.

    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._heads: dict[str, Head] = {}
        self._draft = Draft()
        # A deleted stream's id is free for another one only when its records are gone.
        self._next_id, self._changed, self._epoch_floor = db.execute(
            "SELECT 1 + max(coalesce((SELECT max(id) FROM streams), 0),"
            " coalesce((SELECT max(id) FROM doomed), 0),"
            " coalesce((SELECT max(stream) FROM records), 0)),"
            " (SELECT coalesce(max(changed), 0) FROM tails),"
            " (SELECT value FROM facts WHERE name = 'epoch_floor')"
        ).fetchone()
        self._doomed = [row[0] for row in db.execute("SELECT id FROM doomed")]

    def claim(
        self, stream: str, *, producer: str, meta: bytes | None, epoch: int | None = None
    ) -> Claimed | Closed | Fenced:
        """Decide on a claim, see ``StreamLog.claim``."""
        head = self._find(stream)
        if head is None:
            now_ms = time.time() * 1000
            head = Head(self._next_id, stream, self._epoch_floor, None, b"{}", now_ms)
        found = epoch_for(head.held, holder=head.holder, producer=producer, epoch=epoch)
        if isinstance(found, Closed | Fenced):
            return found
        if found != head.epoch or (meta is not None and meta != head.meta):
            if head.holder is None:
                self._next_id += 1
                self._heads[stream] = head
            head.epoch, head.holder = found, producer
            head.meta = head.meta if meta is None else meta
            self._draft.claimed[head.id] = head
            self._touch(head)
        return Claimed(found, head.next)

    def append(
        self, stream: str, *, epoch: int, offset: int, events: Sequence[bytes], closes: bool
    ) -> Verdict:
        """Decide on an append, see ``StreamLog.append``."""
        head = self._get(stream)
        count = len(events)
        verdict = admit(head.held, epoch=epoch, offset=offset, count=count)
        if not isinstance(verdict, Admitted) or verdict.skip == count:
            return verdict
        body = b",".join(events[verdict.skip :] if verdict.skip else events)
        head.size_bytes += self._extend(head, count - verdict.skip, body)
        head.next = verdict.next
        head.closed = closes
        self._touch(head)
        return verdict

    def trim(self, stream: str, *, before: int) -> int:
        """Let go of records below ``before``, of as many as is cheap."""
        self._flush()
        head = self._get(stream)
        _, end, size = self._slice(head.id, before)
        if end is not None:
            self._begin()
            self._db.execute("DELETE FROM records WHERE stream = ? AND offset < ?", (head.id, end))
            head.head = end
            head.size_bytes -= size
            # Not ``_touch``: retention must not make a stream look fresh.
            self._draft.touched[head.id] = head
        return head.head

    def delete(self, stream: str) -> bool:
        """Forget a stream. Its records go later, in steps (``sweep``): there may be very many."""
        self._flush()
        head = self._find(stream)
        if head is None:
            return False
        self._begin()
        self._epoch_floor = max(self._epoch_floor, head.epoch)
        self._db.execute(
            "UPDATE facts SET value = ? WHERE name = 'epoch_floor'", (self._epoch_floor,)
        )
        self._db.execute("INSERT INTO doomed VALUES (?)", (head.id,))
        self._db.execute("DELETE FROM streams WHERE id = ?", (head.id,))
        self._db.execute("DELETE FROM tails WHERE id = ?", (head.id,))
        self._doomed.append(head.id)
        self._draft.slices.pop(head.id, None)
        del self._heads[stream]
        return True

    def commit(self) -> list[Moved]:
        """Write what was decided since the last commit; gives the tails that moved by it."""
        self._flush()
        if self._db.in_transaction:
            self._db.execute("COMMIT")
        moves = [
            Moved(head.name, tuple(slices), head.next, head.closed)
            for head, slices in self._draft.slices.values()
        ]
        if len(self._heads) > CACHED_HEADS:
            self._heads.clear()
        self._draft = Draft()
        return moves

    def sweep(self) -> bool:
        """Let go of some records of deleted streams, durably; tells whether there are more."""
        if not self._doomed:
            return False
        stream = self._doomed[-1]
        last, _, _ = self._slice(stream, MAX_OFFSET)
        self._begin()
        if last is None:
            self._db.execute("DELETE FROM doomed WHERE id = ?", (stream,))
        else:
            self._db.execute("DELETE FROM records WHERE stream = ? AND offset <= ?", (stream, last))
        self._db.execute("COMMIT")
        if last is None:
            self._doomed.pop()
        return bool(self._doomed)

    def _slice(self, stream: int, before: int) -> tuple[int | None, int | None, int]:
        """Measure the first records of a stream that end by ``before``, as many as is cheap.

        Gives the offset of the last of them, the offset after them, and their bytes.
        """
        found: tuple[int | None, int | None, int] = self._db.execute(
            "SELECT max(offset), max(offset + count), sum(size) FROM"
            " (SELECT offset, count, size, sum(size) OVER (ORDER BY offset) - size AS sum_before"
            " FROM (SELECT offset, count, length(body) AS size FROM records"
            " WHERE stream = ?1 AND offset < ?2 ORDER BY offset LIMIT ?3))"
            " WHERE offset + count <= ?2 AND sum_before < ?4",
            (stream, before, SWEEP_RECORDS, SWEEP_BYTES),
        ).fetchone()
        return found

    def _find(self, stream: str) -> Head | None:
        head = self._heads.get(stream)
        if head is None:
            row = self._db.execute(
                "SELECT id, name, epoch, producer, meta, created_ms,"
                " head, tail, closed, size_bytes, updated_ms, changed"
                " FROM streams JOIN tails USING (id) WHERE name = ?",
                (stream,),
            ).fetchone()
            if row is not None:
                head = self._heads[stream] = Head(*row)
        return head

    def _get(self, stream: str) -> Head:
        head = self._find(stream)
        if head is None:
            raise NoSuchStreamError(stream)
        return head

    def _touch(self, head: Head) -> None:
        self._changed += 1
        head.changed = self._changed
        # Not a time of the whole draft: one is begun long before its first change.
        head.updated_ms = time.time() * 1000
        self._draft.touched[head.id] = head

    def _extend(self, head: Head, count: int, body: bytes) -> int:
        """Add events to the stream's run, or begin one; gives the bytes that this adds."""
        run = self._draft.open_run.get(head.id)
        size = len(body)
        if run and run.count + count <= RUN_EVENTS and run.size + 1 + size <= RUN_BYTES:
            run.parts.append(body)
            run.count += count
            run.size += 1 + size
            return 1 + size
        run = Run(head, head.next, count, size, [body])
        self._draft.runs.append(run)
        self._draft.open_run[head.id] = run
        return size

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    def _flush(self) -> None:
        """Write what is only in memory, so that a statement may look at it."""
        draft = self._draft
        if not draft.touched:
            return
        self._begin()
        if draft.claimed:
            self._insert(
                "REPLACE INTO streams VALUES ",
                [(h.id, h.name, h.epoch, h.holder, h.meta, h.created_ms)
                 for h in draft.claimed.values()],
            )  # fmt: skip
        if draft.runs:
            rows = []
            for run in draft.runs:
                body = run.parts[0] if len(run.parts) == 1 else b",".join(run.parts)
                rows.append((run.head.id, run.offset, run.count, body, zlib.crc32(body)))
                slices = draft.slices.setdefault(run.head.id, (run.head, []))[1]
                slices.append(Slice(run.offset, run.count, body))
            self._insert("INSERT INTO records VALUES ", rows)
        self._insert(
            "REPLACE INTO tails VALUES ",
            [(h.id, h.head, h.next, h.closed, h.size_bytes, h.updated_ms, h.changed)
             for h in draft.touched.values()],
        )  # fmt: skip
        draft.claimed.clear()
        draft.touched.clear()
        draft.runs.clear()
        draft.open_run.clear()

    def _insert(self, into: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert ``rows``, many with each statement."""
        row = f"({','.join('?' * len(rows[0]))})"
        for start in range(0, len(rows), ROWS_A_STATEMENT):
            some = rows[start : start + ROWS_A_STATEMENT]
            values = [value for each in some for value in each]
            self._db.execute(into + ",".join([row] * len(some)), values)
