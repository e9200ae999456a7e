"""The file of a ``SQLiteLog``: opening, locking, its tables and their versions.

A new version of the tables gets a new entry in ``MIGRATIONS``; entries are never changed, since
files made by them exist.

What SQLite's write-ahead log promises, and what we rely on:

* A commit is frames at the end of ``-wal``, each with a checksum over all before it. Whoever opens
  the file after a crash takes the frames up to the last whole commit and ignores the rest. So a
  torn end costs commits from the end, never part of one, and recovering twice is as good as once.
* A crash of the process alone tears nothing: what was written is the system's. Every commit that
  returned is there, with ``synchronous=NORMAL`` as with ``FULL``.
* A power cut may tear what was not synced. ``FULL`` syncs ``-wal`` with each commit: every commit
  that returned is there. ``NORMAL`` syncs it only before frames are carried over into the file
  (which is synced before ``-wal`` begins anew): the commits since may be missing, the last ones
  first. What is left is consistent. The producer is told by the offset in the claim's reply, and
  sends again what it still has.

Both hold on disks that keep what they report as synced.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from swarm_stream.errors import LogError, LogLockedError, LogVersionError
from swarm_stream.logs import sqlite_damage as damage
from swarm_stream.logs.sqlite_errors import code, explain, not_writable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["APPLICATION_ID", "MIGRATIONS", "PAGE_BYTES", "FileLock", "connect", "prepare"]

APPLICATION_ID: Final = 0x73776C67  # "swlg"
CACHED_STATEMENTS: Final = 256
PAGE_BYTES: Final = 4096
"""SQLite's default; larger ones were measured to be slower here."""
AUTOCHECKPOINT_PAGES: Final = 16_000
"""Only where the writer never pauses, so that the keeper cannot come to an end: 64 MB."""
KEPT_WAL_BYTES: Final = 16 * 2**20
"""What the write-ahead log is cut back to after it had to grow: for a backup that read on."""


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


def _add_checksums(db: sqlite3.Connection) -> None:
    # CRC-32 of the body; NULL for what version 1 wrote, which cannot be checked.
    db.execute("ALTER TABLE records ADD COLUMN crc INTEGER")


MIGRATIONS: Final[dict[int, Callable[[sqlite3.Connection], None]]] = {1: _create, 2: _add_checksums}
"""What makes a file of version n - 1 one of version n. All that are due run in one transaction."""


class FileLock:
    """Keeps other servers from a log's file until it is released or the process dies.

    Makes the directory where there is none.

    An open exclusive transaction on an empty companion database: SQLite then uses the locks of
    the operating system, which works on every platform that SQLite runs on and within one process
    too, and which ends with the process, however it dies. The companion file stays.

    Args:
        path: The log's file.
        timeout_s: Seconds to wait for another server to let go of it.

    Raises:
        LogLockedError: If another server has it.
        LogError: If the companion file cannot be made.

    """

    def __init__(self, path: Path, *, timeout_s: float = 0.0) -> None:
        lock_path = path.with_name(path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise not_writable(path, error) from error
        try:
            self._db = sqlite3.connect(lock_path, timeout=timeout_s, isolation_level=None)
        except sqlite3.Error as error:
            raise explain(error, lock_path) from error
        try:
            self._db.execute("PRAGMA journal_mode=OFF")  # nothing is written, so no more litter
            self._db.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._db.close()
            if code(error) == sqlite3.SQLITE_BUSY:
                raise LogLockedError(
                    f"another server has the log {path} open. Stop that server, or give this "
                    "one a file of its own (SwarmStreamApp.database_path)"
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
        db.execute(f"PRAGMA journal_size_limit={KEPT_WAL_BYTES}")
        # Some builds of SQLite overwrite all that is deleted: then letting go of events costs as
        # much as writing them, on a disk that may be full just now.
        db.execute("PRAGMA secure_delete=FAST")
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
        damage.set_aside_orphan(path)
        try:
            _prepare(path, busy_timeout_s)
        except (sqlite3.DatabaseError, damage.DamagedError) as error:
            if not damage.is_damage(error):
                raise
            damage.set_aside(path, error)
            _prepare(path, busy_timeout_s)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    except LogError:
        raise
    except OSError as error:
        raise not_writable(path, error) from error


def _prepare(path: Path, busy_timeout_s: float) -> None:
    damage.look_first(path)
    # What agents say is nobody else's business: made here, since SQLite would let the umask
    # decide. Its companions (-wal, -shm) get the same mode from SQLite.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with closing(connect(path, synchronous="FULL", busy_timeout_s=busy_timeout_s)) as db:
        version = _version(db, path)
        mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise LogError(
                f"the log {path} lies on a file system without shared memory (SQLite offers "
                f"journal mode {mode!r} only). Put it on a local disk"
            )
        # Also where there is nothing to migrate: it fails where the file cannot be written.
        db.execute("BEGIN IMMEDIATE")
        newest = max(MIGRATIONS)
        for step in range(version + 1, newest + 1):
            MIGRATIONS[step](db)
        if version < newest:
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={newest}")
        # Before the commit, so that a damaged file is set aside as it was.
        damage.check(db, path)
        db.execute("COMMIT")
    damage.forget_suspicion(path)


def _version(db: sqlite3.Connection, path: Path) -> int:
    """Give the version of the tables, 0 where there are none."""
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    application_id = db.execute("PRAGMA application_id").fetchone()[0]
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if tables and application_id != APPLICATION_ID:
        raise LogError(
            f"{path} is a database of another program and was left as it is. Give the "
            "server a file of its own for its log (SwarmStreamApp.database_path)"
        )
    newest = max(MIGRATIONS)
    if version > newest:
        raise LogVersionError(
            f"the log {path} was made by a newer swarm_stream (its version is {version}, "
            f"this one knows up to {newest}). Update swarm_stream, or give the server "
            "another file (SwarmStreamApp.database_path)"
        )
    return version
