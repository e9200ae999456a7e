"""The durable log of one server: a SQLite file. Needs no service and no setting up.

This module is the event loop's side. ``sqlite_writer``, ``sqlite_reader`` and ``sqlite_keeper``
are the threads, ``sqlite_ledger`` decides and writes, ``sqlite_file`` opens, locks and migrates the
file.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from swarm_stream.errors import LogError
from swarm_stream.logs import sqlite_keeper as keeping
from swarm_stream.logs import sqlite_reader as reading
from swarm_stream.logs import sqlite_writer as writing
from swarm_stream.logs.watching import Watch
from swarm_stream.logs.worker import Worker

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    from swarm_stream.logs.admission import Closed, Fenced, Verdict
    from swarm_stream.logs.base import Claimed, Moved, Slice, StreamInfo

__all__ = ["SQLiteLog"]

T = TypeVar("T")

_logger = logging.getLogger("swarm_stream.logs")


class SQLiteLog:
    """A ``StreamLog`` in a SQLite file, for one server process.

    ``claim``, ``append``, ``trim`` and ``delete`` take their place in the order when they are
    called and give futures. One thread writes: all that is waiting becomes one transaction, and
    the next one begins as soon as it is committed, so transactions are small when little is going
    on and grow with the load. Another thread reads and never waits for the first, and a third one
    carries what was written over into the file itself.

    Use it from the event loop that ``open`` was awaited on. Nothing blocks that loop. Cancelling
    a future does not take the request back; it is done or not as if nobody had waited.

    The queue has no bound of its own: whoever appends waits for acknowledgements.

    Args:
        path: The file; made with its directory where there is none, for this user's eyes only.
            ``path.lock``, ``path-wal`` and ``path-shm`` appear beside it. It must lie on a local
            disk. Space of what was let go of is used again; the file shrinks by ``VACUUM`` in the
            sqlite3 shell only, which may be done while the server runs.
        synchronous: ``NORMAL``: what was acknowledged survives every crash of the process, and
            the last moments before a power cut may be lost. ``FULL``: it survives power cuts too,
            for one fsync a transaction.
        busy_timeout_s: Seconds that a transaction waits while another program (a backup, a
            person with the sqlite3 shell) keeps the file locked, before it is refused.
        lock_timeout_s: Seconds that ``open`` waits for a server that has the file, and may be about
            to end.
        close_timeout_s: Seconds that ``aclose`` waits for what is queued.

    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
        busy_timeout_s: float = 5.0,
        lock_timeout_s: float = 0.0,
        close_timeout_s: float = 10.0,
    ) -> None:
        self.path = Path(path)
        """The file; absolute and free of links once the log is open."""
        self.stats = writing.Stats()
        """What was written since ``open``."""
        self._synchronous = synchronous
        self._busy_timeout_s = busy_timeout_s
        self._lock_timeout_s = lock_timeout_s
        self._close_timeout_s = close_timeout_s
        self._watch = Watch()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: Worker[writing.Request] | None = None
        self._reader: Worker[reading.Query] | None = None
        self._keeper: Worker[keeping.Checkpoint] | None = None
        self._keeping: asyncio.Future[None] | None = None
        self._kept_pages = 0
        self._grown = threading.Event()
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the file, make or migrate it, start the threads.

        A damaged file is renamed to ``path.corrupt-1`` (or 2 ...), with a warning.

        Raises:
            LogVersionError: If the file was made by a newer version.
            LogLockedError: If another server has it.
            LogError: If it cannot be opened or written, or is another program's.

        """
        if self._loop is not None:
            raise LogError(f"the log {self.path} was opened before; make a new SQLiteLog")
        self._loop = asyncio.get_running_loop()
        writer: Worker[writing.Request] = Worker(
            "swarm-stream-log-writer", self._make_writer, on_moves=self._moved
        )
        reader: Worker[reading.Query] = Worker("swarm-stream-log-reader", self._make_reader)
        keeper: Worker[keeping.Checkpoint] = Worker("swarm-stream-log-keeper", self._make_keeper)
        await writer.start()
        try:
            await reader.start()
            await keeper.start()
        except BaseException:
            for worker in (reader, writer):
                await worker.stop(timeout_s=self._close_timeout_s)
            raise
        self._writer, self._reader, self._keeper = writer, reader, keeper

    async def aclose(self) -> None:
        """Do what is queued, close the file, end the threads. May be called twice.

        Later calls raise ``LogError``. Cancelling is safe: the closing goes on.
        """
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    def watch(self, watcher: Callable[[Moved], None]) -> None:
        """Call ``watcher`` on the loop each time a tail has moved, after it is durable, in order.

        What is attached as slices may be more than one append: what was committed together.
        """
        self._watch.set(watcher)

    def claim(
        self, stream: str, *, producer: str, meta: bytes | None, epoch: int | None = None
    ) -> asyncio.Future[Claimed | Closed | Fenced]:
        """Make ``producer`` the holder of ``stream``, see ``StreamLog.claim``."""
        future: asyncio.Future[Claimed | Closed | Fenced] = self._future()
        return self._write(writing.Claim(future, stream, producer, meta, epoch), future)

    def append(
        self, stream: str, *, epoch: int, offset: int, events: Sequence[bytes], closes: bool
    ) -> asyncio.Future[Verdict]:
        """Add events once, if they are let in; see ``StreamLog.append``.

        ``events`` is read later, in another thread: do not change it.
        """
        future: asyncio.Future[Verdict] = self._future()
        size = sum(map(len, events))
        job = writing.Append(future, stream, epoch, offset, events, closes, size)
        return self._write(job, future)

    def trim(self, stream: str, *, before: int) -> asyncio.Future[int]:
        """Let go of whole records below ``before``: some hundred, or some MB, with one call.

        Await each call before the next one, so that appends come in between.
        """
        future: asyncio.Future[int] = self._future()
        return self._write(writing.Trim(future, stream, before), future)

    def delete(self, stream: str) -> asyncio.Future[bool]:
        """Forget ``stream``; its space is given back bit by bit while there is nothing to do."""
        future: asyncio.Future[bool] = self._future()
        return self._write(writing.Delete(future, stream), future)

    async def read(self, stream: str, offset: int, *, max_events: int, max_bytes: int) -> Slice:
        """Give consecutive events from ``offset`` on, see ``StreamLog.read``."""
        future: asyncio.Future[Slice] = self._future()
        job = reading.Read(future, stream, offset, max_events, max_bytes)
        return await self._read(job, future)

    async def info(self, stream: str) -> StreamInfo:
        """Give what is known of ``stream``, see ``StreamLog.info``."""
        future: asyncio.Future[StreamInfo] = self._future()
        return await self._read(reading.Info(future, stream), future)

    async def list(self) -> list[StreamInfo]:
        """Give all streams, the last changed first."""
        future: asyncio.Future[list[StreamInfo]] = self._future()
        return await self._read(reading.List(future), future)

    def _moved(self, moves: Iterable[Moved]) -> None:
        self._watch.tell(moves)
        new = self.stats.pages - self._kept_pages
        busy = self._keeping is not None and not self._keeping.done()
        if new < keeping.CHECKPOINT_PAGES or busy or self._keeper is None or self._closing:
            return
        self._kept_pages = self.stats.pages
        self._keeping = self._future()
        self._keeper.submit(keeping.Checkpoint(self._keeping))

    def _future(self) -> asyncio.Future[Any]:
        return (self._loop or asyncio.get_running_loop()).create_future()

    def _write(self, job: writing.Request, future: asyncio.Future[T]) -> asyncio.Future[T]:
        if self._writer is None or self._closing is not None:
            future.set_exception(self._not_open())
        else:
            self._writer.submit(job)
        return future

    def _read(self, job: reading.Query, future: asyncio.Future[T]) -> asyncio.Future[T]:
        if self._reader is None or self._closing is not None:
            future.set_exception(self._not_open())
        else:
            self._reader.submit(job)
        return future

    def _not_open(self) -> LogError:
        state = "is not open: await open() first" if self._closing is None else "was closed"
        return LogError(f"the log {self.path} {state}")

    def _make_writer(self) -> writing.Writer:
        # Resolved, so that two names of one file have one lock; in the thread, since it asks the
        # disk.
        try:
            self.path = self.path.resolve()
        except (OSError, RuntimeError) as error:
            raise LogError(f"the log {self.path} cannot be found: {error}") from error
        return writing.Writer(
            self.path,
            self.stats,
            self._grown,
            synchronous=self._synchronous,
            busy_timeout_s=self._busy_timeout_s,
            lock_timeout_s=self._lock_timeout_s,
        )

    def _make_reader(self) -> reading.Reader:
        return reading.Reader(self.path, busy_timeout_s=self._busy_timeout_s)

    def _make_keeper(self) -> keeping.Keeper:
        return keeping.Keeper(self.path, self._grown, synchronous=self._synchronous)

    async def _close(self) -> None:
        # The writer last: while others are busy, it cannot empty the write-ahead log.
        for worker in (self._reader, self._keeper, self._writer):
            if worker is not None and not await worker.stop(timeout_s=self._close_timeout_s):
                _logger.warning(
                    "! the log %s was still busy after %g s and is left to its thread",
                    self.path,
                    self._close_timeout_s,
                )
