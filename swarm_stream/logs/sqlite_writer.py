"""The writing thread of a ``SQLiteLog``: groups of requests, each group one transaction."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from swarm_stream.errors import NoSuchStreamError
from swarm_stream.logs.admission import Admitted, Closed, Fenced, Verdict
from swarm_stream.logs.sqlite_damage import note_damage
from swarm_stream.logs.sqlite_errors import explain, is_environment
from swarm_stream.logs.sqlite_file import PAGE_BYTES, FileLock, connect, prepare
from swarm_stream.logs.sqlite_keeper import checkpoint
from swarm_stream.logs.sqlite_ledger import SWEEP_BYTES, Ledger
from swarm_stream.logs.worker import Answer, Done

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from pathlib import Path
    from threading import Event

    from swarm_stream.logs.base import Claimed, Moved

__all__ = ["Append", "Claim", "Delete", "Request", "Stats", "Trim", "Writer"]

_logger = logging.getLogger("swarm_stream.logs")


@dataclass(slots=True)
class Stats:
    """What a log has written since it was opened. Read by anyone, written by its thread."""

    groups: int = 0
    """Transactions, and groups of requests that turned out to change nothing."""
    requests: int = 0
    largest_group: int = 0
    """Requests in the largest group so far."""
    events: int = 0
    """Events written; retries of what was there do not count."""
    body_bytes: int = 0
    """Their size."""
    pages: int = 0
    """Pages of the write-ahead log that this took, about."""
    failures: int = 0
    """Groups that could not be written."""


class Request(Protocol):
    """A job of the writer."""

    @property
    def future(self) -> asyncio.Future[Any]:
        """Gets the answer."""
        ...

    @property
    def weight(self) -> int:
        """Bytes to write, about."""
        ...

    def decide(self, ledger: Ledger) -> object:
        """Do it to ``ledger``; gives the answer."""
        ...


@dataclass(slots=True)
class Claim:
    """See ``StreamLog.claim``."""

    future: asyncio.Future[Claimed | Closed | Fenced]
    stream: str
    producer: str
    meta: bytes | None
    epoch: int | None = None
    weight: int = 1

    def decide(self, ledger: Ledger) -> Claimed | Closed | Fenced:
        """Do it to ``ledger``."""
        return ledger.claim(self.stream, producer=self.producer, meta=self.meta, epoch=self.epoch)


@dataclass(slots=True)
class Append:
    """See ``StreamLog.append``."""

    future: asyncio.Future[Verdict]
    stream: str
    epoch: int
    offset: int
    events: Sequence[bytes]
    closes: bool
    weight: int

    def decide(self, ledger: Ledger) -> Verdict:
        """Do it to ``ledger``."""
        return ledger.append(
            self.stream,
            epoch=self.epoch,
            offset=self.offset,
            events=self.events,
            closes=self.closes,
        )


@dataclass(slots=True)
class Trim:
    """See ``StreamLog.trim``."""

    future: asyncio.Future[int]
    stream: str
    before: int
    weight: int = SWEEP_BYTES  # so that many of them are several transactions

    def decide(self, ledger: Ledger) -> int:
        """Do it to ``ledger``."""
        return ledger.trim(self.stream, before=self.before)


@dataclass(slots=True)
class Delete:
    """See ``StreamLog.delete``."""

    future: asyncio.Future[bool]
    stream: str
    weight: int = 1

    def decide(self, ledger: Ledger) -> bool:
        """Do it to ``ledger``."""
        return ledger.delete(self.stream)


class Writer:
    """The engine of the writing thread: the only one that writes the file, whose lock it holds.

    Raises:
        LogVersionError: If the file was made by a newer version.
        LogLockedError: If another server has it.
        LogError: If it cannot be opened or written.

    """

    def __init__(  # noqa: PLR0913
        self,
        path: Path,
        stats: Stats,
        grown: Event,
        *,
        synchronous: str,
        busy_timeout_s: float,
        lock_timeout_s: float,
    ) -> None:
        self._path = path
        self._stats = stats
        self._grown = grown
        self._sweeping = True
        self._lock = FileLock(path, timeout_s=lock_timeout_s)
        try:
            self._open(synchronous, busy_timeout_s)
        except BaseException:
            self._lock.release()
            raise

    def handle(self, jobs: Sequence[Request]) -> Done:
        """Write a group; if one of it is at fault, each on its own."""
        try:
            return self._write(jobs)
        except Exception as error:  # noqa: BLE001 - those who asked are told
            self._stats.failures += 1
            self._roll_back()
            note_damage(error, self._path)
            if len(jobs) == 1 or is_environment(error):
                # Each its own exception: a shared one would gather everybody's traceback.
                return Done([Answer(j.future, error=explain(error, self._path)) for j in jobs])
        answers: list[Answer] = []
        moves: list[Moved] = []
        for job in jobs:
            done = self.handle((job,))
            answers += done.answers
            moves += done.moves
        return Done(answers, moves)

    def idle(self) -> bool:
        """Sweep a little behind deleted streams, or help the keeper, see there."""
        if self._grown.is_set() and checkpoint(self._db, self._path) >= 0:
            self._grown.clear()
        if not self._sweeping or self._ledger is None:
            return False
        try:
            return self._ledger.sweep()
        except sqlite3.Error as error:
            self._roll_back()
            note_damage(error, self._path)
            # It is not urgent; a full disk should not be hammered with it.
            self._sweeping = False
            _logger.warning("! deleted streams still take up space in %s: %s", self._path, error)
            return False

    def close(self) -> None:
        """Carry the write-ahead log into the file, close it, let others have it."""
        try:
            checkpoint(self._db, self._path, "TRUNCATE")
        finally:
            self._db.close()
            self._lock.release()

    def _open(self, synchronous: str, busy_timeout_s: float) -> None:
        try:
            try:
                self._try_to_open(synchronous, busy_timeout_s)
            except sqlite3.Error as error:
                if not note_damage(error, self._path):
                    raise
                # Damage that shows only now: noted, so that ``prepare`` sets the file aside.
                self._try_to_open(synchronous, busy_timeout_s)
        except sqlite3.Error as error:
            raise explain(error, self._path) from error

    def _try_to_open(self, synchronous: str, busy_timeout_s: float) -> None:
        prepare(self._path, busy_timeout_s=busy_timeout_s)
        self._db = connect(self._path, synchronous=synchronous, busy_timeout_s=busy_timeout_s)
        try:
            self._ledger: Ledger | None = Ledger(self._db)
        except sqlite3.Error:
            self._db.close()
            raise

    def _write(self, jobs: Sequence[Request]) -> Done:
        if self._ledger is None:
            self._ledger = Ledger(self._db)
        answers: list[Answer] = []
        events = 0
        for job in jobs:
            try:
                result = job.decide(self._ledger)
            except NoSuchStreamError as error:
                answers.append(Answer(job.future, error=error))
                continue
            answers.append(Answer(job.future, result))
            if isinstance(job, Append) and isinstance(result, Admitted):
                events += len(job.events) - result.skip
        moves = self._ledger.commit()
        self._sweeping = True
        stats = self._stats
        stats.groups += 1
        stats.requests += len(jobs)
        stats.largest_group = max(stats.largest_group, len(jobs))
        stats.events += events
        size = sum(len(s.body) for moved in moves for s in moved.slices)
        stats.body_bytes += size
        stats.pages += 2 + 2 * len(moves) + size // PAGE_BYTES
        return Done(answers, moves)

    def _roll_back(self) -> None:
        """Undo the transaction and forget what was read, since it may no longer be true."""
        self._ledger = None
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            # SQLite has then rolled back by itself, or does when the file is next used.
            _logger.debug("x rolling back %s: %s", self._path, error)
