"""The thread that carries a ``SQLiteLog``'s write-ahead log over into its file.

That waits for the disk, some milliseconds or many, and nobody else should: appends are
acknowledged when they are in the write-ahead log. The writer goes on meanwhile.
"""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from swarm_stream.logs import sqlite_file
from swarm_stream.logs.sqlite_errors import explain
from swarm_stream.logs.sqlite_file import connect
from swarm_stream.logs.worker import Answer, Done

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from pathlib import Path
    from threading import Event

__all__ = ["CHECKPOINT_PAGES", "Checkpoint", "Keeper", "checkpoint"]

_logger = logging.getLogger("swarm_stream.logs")

CHECKPOINT_PAGES: Final = 1000
"""Pages written, about, after which they are carried over."""

TRIES: Final = 3
"""What is written meanwhile has to be carried over as well, for the write-ahead log to begin anew;
each try takes less time, and so leaves less."""


@dataclass(slots=True)
class Checkpoint:
    """Carry over what has been written."""

    future: asyncio.Future[Any]
    weight: int = 1


class Keeper:
    """The engine of the keeping thread.

    Args:
        path: The log's file.
        grown: Set when the write-ahead log is too large, because the writer never pauses: it has
            to carry over what little is left itself.
        synchronous: As the writer's.

    Raises:
        LogError: If the file cannot be opened.

    """

    def __init__(self, path: Path, grown: Event, *, synchronous: str) -> None:
        self._path = path
        self._grown = grown
        try:
            # It waits for nobody.
            self._db = connect(path, synchronous=synchronous, busy_timeout_s=0, read_only=True)
        except sqlite3.Error as error:
            raise explain(error, path) from error

    def handle(self, jobs: Sequence[Checkpoint]) -> Done:
        """Carry over, once for all jobs, and again while something was written meanwhile."""
        before = pages = 0
        for _ in range(0 if self._grown.is_set() else TRIES):
            before, pages = pages, checkpoint(self._db, self._path)
            if pages == before:
                break
        else:
            if pages * sqlite_file.PAGE_BYTES > sqlite_file.KEPT_WAL_BYTES:
                self._grown.set()
        return Done([Answer(job.future) for job in jobs])

    def idle(self) -> bool:
        """Tell that there is nothing to do."""
        return False

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


def checkpoint(db: sqlite3.Connection, path: Path, mode: str = "PASSIVE") -> int:
    """Carry the write-ahead log over; gives how many pages it has, or -1 while others do it."""
    try:
        _, pages, _ = db.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    except sqlite3.Error as error:
        # Nothing is lost: whoever opens the file next reads the write-ahead log too.
        _logger.warning("! %s could not be tidied up: %s", path, error)
        return 0
    return int(pages)
