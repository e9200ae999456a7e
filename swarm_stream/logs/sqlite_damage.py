"""A damaged log file: how it is found out, noted, and set aside with all that it still holds.

Three nets, each for what falls through the one before it:

* ``check`` reads the structure of the whole file when it is opened, if it is not very large, or
  if something looked wrong when it was last open (``note_damage``).
* SQLite itself reports the broken structure that it meets.
* Every record has a checksum, since SQLite has none: ``sqlite_reader`` gives out no record whose
  content has changed, and says which events are missing.
"""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING, Final

from swarm_stream.logs.sqlite_errors import code

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DamagedError",
    "check",
    "forget_suspicion",
    "is_damage",
    "look_first",
    "note_damage",
    "set_aside",
    "set_aside_orphan",
]

_logger = logging.getLogger("swarm_stream.logs")

CHECKED_BYTES: Final = 128 * 2**20
"""Larger files are checked on suspicion only; one of this size takes half a second."""
READ_BYTES: Final = 2**20

_PREFIX: Final = "*** in database main ***"

_MAGIC: Final = b"SQLite format 3\0"

# What no sound file has: SQLite sees that the tables are well made, not that they fit together.
# Looks at the first and the last record of each stream; a hole between them is found by reading.
_CONTRADICTIONS: Final = """
WITH held AS MATERIALIZED (
    SELECT stream AS id, min(offset) AS first, max(offset) AS last FROM records GROUP BY stream
)
SELECT 'a stream has no tail' FROM streams LEFT JOIN tails USING (id) WHERE tail IS NULL
UNION ALL SELECT 'a tail has no stream' FROM tails LEFT JOIN streams USING (id) WHERE name IS NULL
UNION ALL SELECT 'a name is no text' FROM streams WHERE typeof(name) <> 'text'
UNION ALL SELECT 'records have no stream' FROM held
    WHERE id NOT IN (SELECT id FROM streams UNION ALL SELECT id FROM doomed)
UNION ALL SELECT 'the records of a stream are gone' FROM tails LEFT JOIN held USING (id)
    WHERE tail > head AND first IS NULL
UNION ALL SELECT 'a stream has other records than it should' FROM tails JOIN held USING (id)
    WHERE first <> head
    OR tail <> (SELECT offset + count FROM records WHERE stream = held.id AND offset = last)
UNION ALL SELECT 'a fact is missing' WHERE NOT EXISTS (
    SELECT * FROM facts WHERE name = 'epoch_floor' AND typeof(value) = 'integer'
)
LIMIT 1
"""


class DamagedError(Exception):
    """A check found the file to be damaged."""


def is_damage(error: BaseException) -> bool:
    """Tell whether ``error`` says that the file is damaged beyond one record."""
    if isinstance(error, sqlite3.Error):
        return code(error) in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
    return isinstance(error, DamagedError)


def note_damage(error: BaseException, path: Path) -> bool:
    """If ``error`` may come from a damaged file, have that checked when it is next opened.

    A broken constraint may: nothing that the ledger decides breaks one in a file that is sound.
    """
    broken = isinstance(error, sqlite3.IntegrityError)
    if not broken and not is_damage(error):
        return False
    try:
        _suspicion(path).touch()
    except OSError as again:
        _logger.warning("! the damage of %s cannot be noted: %s", path, again)
        return False
    return True


def look_first(path: Path) -> None:
    """Look at the file before SQLite does: how it begins; and have it in memory for ``check``.

    Raises:
        DamagedError: If it is no database.

    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    if not start:
        _logger.warning(
            "the log %s was an empty file, and a new log was started in it; if it held streams "
            "before, they are lost",
            path,
        )
    elif start != _MAGIC:
        # SQLite would say so too; but it takes a single byte for an empty file, and throws away
        # a write-ahead log that it finds beside such a file.
        raise DamagedError("it does not begin as a database does")
    if _is_due(path):
        # From end to end: page by page, as the check goes, it takes a disk ten times as long.
        with path.open("rb", buffering=0) as file:
            buffer = bytearray(READ_BYTES)
            while file.readinto(buffer):
                pass


def check(db: sqlite3.Connection, path: Path) -> None:
    """Look for damage in the whole file, if there is reason to or it is quickly done.

    Raises:
        DamagedError: If it is damaged.
        sqlite3.DatabaseError: The same, found by SQLite.

    """
    if not _is_due(path):
        return
    finding = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise DamagedError(" ".join(finding.removeprefix(_PREFIX).split()))
    for (contradiction,) in db.execute(_CONTRADICTIONS):
        raise DamagedError(contradiction)


def _is_due(path: Path) -> bool:
    return path.stat().st_size <= CHECKED_BYTES or _suspicion(path).exists()


def forget_suspicion(path: Path) -> None:
    """Note that the file was checked, or is another one now."""
    _suspicion(path).unlink(missing_ok=True)


def set_aside(path: Path, error: Exception) -> None:
    """Rename a damaged file and its companions, so that a new one can be made; say so."""
    aside = _free_name(path)
    # The file first: should we die in between, the companions are found to be orphans. The other
    # way round, the file would be taken for a sound one that ends earlier.
    path.rename(aside)
    _move_companions(path, aside)
    forget_suspicion(path)
    _logger.warning(
        "the log %s is damaged (%s). It was renamed to %s and a new one was started; the streams "
        "in it are missing here. 'sqlite3 FILE .recover' (or .dump, where there is no .recover) "
        "gives what can still be read of them",
        path,
        error,
        aside.name,
    )


def set_aside_orphan(path: Path) -> None:
    """Rename a write-ahead log whose file is missing or empty, which SQLite would throw away."""
    wal = _companion(path, "-wal")
    if not _size(wal) or _size(path):
        return
    aside = _free_name(path)
    _move_companions(path, aside)
    _logger.warning(
        "the log %s is missing or empty, but not the newest events of it: these are in %s-wal "
        "now, and a new log was started. If there is a copy of the lost file, put it beside them "
        "as %s",
        path,
        aside.name,
        aside.name,
    )


def _free_name(path: Path) -> Path:
    number = 1
    while any(_companion(_numbered(path, number), s).exists() for s in ("", "-wal", "-shm")):
        number += 1
    return _numbered(path, number)


def _numbered(path: Path, number: int) -> Path:
    return _companion(path, f".corrupt-{number}")


def _move_companions(path: Path, aside: Path) -> None:
    for suffix in ("-wal", "-shm", "-journal"):
        companion = _companion(path, suffix)
        if companion.exists():
            companion.rename(_companion(aside, suffix))


def _companion(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _suspicion(path: Path) -> Path:
    return _companion(path, ".check")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
