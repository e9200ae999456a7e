"""The file of a ``SQLiteLog``: opening, locking, its tables and their versions, its errors.

A new version of the tables gets a new entry in ``MIGRATIONS``; entries are never changed, since
files made by them exist.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from swarm_stream.errors import LogError, LogLockedError, LogVersionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "APPLICATION_ID",
    "MIGRATIONS",
    "PAGE_BYTES",
    "FileLock",
    "connect",
    "explain",
    "is_environment",
    "note_damage",
    "prepare",
]

_logger = logging.getLogger("swarm_stream.logs")

APPLICATION_ID: Final = 0x73776C67  # "swlg"
CACHED_STATEMENTS: Final = 256
PAGE_BYTES: Final = 4096
"""SQLite's default; larger ones were measured to be slower here."""
AUTOCHECKPOINT_PAGES: Final = 2000
"""Only where the writer never pauses, see ``Writer.idle``: 8 MB, some 20 ms of work."""


def _create(db: sqlite3.Connection) -> None:
    # What moves with each append is a table of its own: its rows are small, so the tails of many
    # streams share a page. ``id`` of a deleted stream is not given out again while its records
    # are there. ``changed`` counts up and so orders streams whatever the clock does.
    db.execute(
        "CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        " epoch INTEGER NOT NULL, producer TEXT NOT NULL, meta BLOB NOT NULL,"
        " created_ms REAL NOT NULL)"
    )
    db.execute(
        "CREATE TABLE tails (id INTEGER PRIMARY KEY, head INTEGER NOT NULL,"
        " tail INTEGER NOT NULL, closed INTEGER NOT NULL, size_bytes INTEGER NOT NULL,"
        " updated_ms REAL NOT NULL, changed INTEGER NOT NULL)"
    )
    # A record is a run of events, joined by commas. WITHOUT ROWID was measured to be slower.
    db.execute(
        "CREATE TABLE records (stream INTEGER NOT NULL, offset INTEGER NOT NULL,"
        " count INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (stream, offset))"
    )
    # Streams that were deleted and whose records are still to be swept.
    db.execute("CREATE TABLE doomed (id INTEGER PRIMARY KEY)")
    # epoch_floor: the highest epoch of any deleted stream, see admission.epoch_for.
    db.execute("CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
    db.execute("INSERT INTO facts VALUES ('epoch_floor', 0)")


MIGRATIONS: Final[dict[int, Callable[[sqlite3.Connection], None]]] = {1: _create}
"""What makes a file of version n - 1 one of version n. All that are due run in one transaction."""


class FileLock:
    """Keeps other servers from a log's file until it is released or the process dies.

    Makes the directory where there is none.

    An open exclusive transaction on an empty companion database: SQLite then uses the locks of
    the operating system, which works on every platform that SQLite runs on and within one process
    too, and which ends with the process, however it dies. The companion file stays.

    Raises:
        LogLockedError: If another server has it.
        LogError: If the companion file cannot be made.

    """

    def __init__(self, path: Path) -> None:
        lock_path = path.with_name(path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _not_writable(path, error) from error
        try:
            self._db = sqlite3.connect(lock_path, timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise explain(error, lock_path) from error
        try:
            self._db.execute("PRAGMA journal_mode=OFF")  # nothing is written, so no more litter
            self._db.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._db.close()
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise LogLockedError(
                    f"another server has the log {path} open. Stop that server, or give this "
                    "one a file of its own"
                ) from error
            raise explain(error, lock_path) from error

    def release(self) -> None:
        """Let others open the file."""
        self._db.close()


def connect(
    path: Path, *, synchronous: str, busy_timeout_s: float, read_only: bool = False
) -> sqlite3.Connection:
    """Open a connection, for the calling thread only.

    Raises:
        sqlite3.Error: If it cannot be opened.

    """
    db = sqlite3.connect(
        path,
        timeout=busy_timeout_s,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
    )
    try:
        db.execute(f"PRAGMA synchronous={synchronous}")
        db.execute(f"PRAGMA wal_autocheckpoint={AUTOCHECKPOINT_PAGES}")
        db.execute(f"PRAGMA query_only={int(read_only)}")
    except sqlite3.Error:
        db.close()
        raise
    return db


def prepare(path: Path, *, busy_timeout_s: float) -> None:
    """Make ``path`` a log of this version: create, migrate, or set a damaged file aside.

    The caller holds the file's lock.

    Raises:
        LogVersionError: If a newer version made it.
        LogError: If it is something else, or cannot be written.

    """
    try:
        try:
            _prepare(path, busy_timeout_s)
        except (sqlite3.DatabaseError, _DamagedError) as error:
            if not _is_damage(error):
                raise
            _set_aside(path, error)
            _prepare(path, busy_timeout_s)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    except LogError:
        raise
    except OSError as error:
        raise _not_writable(path, error) from error


class _DamagedError(Exception):
    """SQLite's own check found the file to be damaged."""


def _prepare(path: Path, busy_timeout_s: float) -> None:
    # What agents say is nobody else's business: made here, since SQLite would let the umask
    # decide. Its companions (-wal, -shm) get the same mode from SQLite.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with closing(connect(path, synchronous="FULL", busy_timeout_s=busy_timeout_s)) as db:
        tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        application_id = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if tables and application_id != APPLICATION_ID:
            raise LogError(
                f"{path} is a database of another program and was left as it is. Give the "
                "server a file of its own for its log"
            )
        newest = max(MIGRATIONS)
        if version > newest:
            raise LogVersionError(
                f"the log {path} was made by a newer swarm_stream (its version is {version}, "
                f"this one knows up to {newest}). Update swarm_stream, or give the server "
                "another file"
            )
        suspicion = _suspicion(path)
        if suspicion.exists():
            # Reads the whole file, which is why it is done on suspicion only.
            finding = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            suspicion.unlink()
            if finding != "ok":
                raise _DamagedError(finding)
        mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise LogError(
                f"the log {path} lies on a file system without shared memory (SQLite offers "
                f"journal mode {mode!r} only). Put it on a local disk"
            )
        # Also where there is nothing to migrate: it fails where the file cannot be written.
        db.execute("BEGIN IMMEDIATE")
        for step in range(version + 1, newest + 1):
            MIGRATIONS[step](db)
        if version < newest:
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={newest}")
        db.execute("COMMIT")


def _not_writable(path: Path, error: OSError) -> LogError:
    return LogError(
        f"the log {path} cannot be written: {error.strerror}. Give the server a file in a "
        "directory where it may write"
    )


def note_damage(error: BaseException, path: Path) -> bool:
    """If ``error`` says that the file is damaged, have it checked when it is next opened."""
    if not _is_damage(error):
        return False
    try:
        _suspicion(path).touch()
    except OSError as again:
        _logger.warning("! the damage of %s cannot be noted: %s", path, again)
        return False
    return True


def _suspicion(path: Path) -> Path:
    return path.with_name(path.name + ".check")


def _is_damage(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return _code(error) in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
    return isinstance(error, _DamagedError)


def _set_aside(path: Path, error: Exception) -> None:
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    _logger.warning(
        "the log %s is damaged (%s). It was renamed to %s and a new one was started; streams "
        "that were in it are missing until it is repaired (sqlite3 FILE .recover)",
        path,
        error,
        aside.name,
    )


def _code(error: sqlite3.Error) -> int:
    """Give SQLite's primary result code, 0 where the error did not come from SQLite."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


_ADVICE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full. Free some space; nothing that was acknowledged is "
    "lost, and what was refused can be sent again",
    sqlite3.SQLITE_READONLY: "it cannot be written. Give the server write access to it and its "
    "directory, or another file",
    sqlite3.SQLITE_PERM: "access was denied. Give the server write access to it and its directory",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened. See that its directory exists and that the "
    "server may write there",
    sqlite3.SQLITE_IOERR: "the disk reports an error. See to the disk; nothing that was "
    "acknowledged was changed",
    sqlite3.SQLITE_BUSY: "another program keeps it locked. Close that program",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked. Close that program",
    sqlite3.SQLITE_CORRUPT: "it is damaged. Restart the server, which sets a damaged file aside; "
    "'sqlite3 FILE .recover' may save what is in it",
    sqlite3.SQLITE_NOTADB: "it is damaged. Restart the server, which sets a damaged file aside",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}


def is_environment(error: BaseException) -> bool:
    """Tell whether ``error`` is about the file and not about one request."""
    return isinstance(error, sqlite3.Error) and _code(error) in _ADVICE


def explain(error: BaseException, path: Path) -> LogError:
    """Give the ``LogError`` that says what ``error`` means for the log and what to do."""
    advice = _ADVICE.get(_code(error)) if isinstance(error, sqlite3.Error) else None
    text = f"the log {path}: {advice}" if advice else f"the log {path} failed"
    failure = LogError(f"{text} ({type(error).__name__}: {error})")
    failure.__cause__ = error
    return failure
