"""What SQLite's errors mean for a log, and what a person can do about each."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from swarm_stream.errors import LogError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["code", "explain", "is_environment", "not_writable"]

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
    sqlite3.SQLITE_BUSY: "another program keeps it locked. Close that program; nothing that was "
    "acknowledged is lost, and what was refused can be sent again",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked. Close that program",
    sqlite3.SQLITE_CORRUPT: "it is damaged. Restart the server, which sets a damaged file aside",
    sqlite3.SQLITE_NOTADB: "it is damaged. Restart the server, which sets a damaged file aside",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}


def code(error: BaseException) -> int:
    """Give SQLite's primary result code, 0 where the error did not come from SQLite."""
    number: int = getattr(error, "sqlite_errorcode", 0)
    return number & 0xFF


def is_environment(error: BaseException) -> bool:
    """Tell whether ``error`` is about the file and not about one request."""
    return isinstance(error, sqlite3.Error) and code(error) in _ADVICE


def explain(error: BaseException, path: Path) -> LogError:
    """Give the ``LogError`` that says what ``error`` means for the log and what to do."""
    advice = _ADVICE.get(code(error)) if isinstance(error, sqlite3.Error) else None
    text = f"the log {path}: {advice}" if advice else f"the log {path} failed"
    failure = LogError(f"{text} ({type(error).__name__}: {error})")
    failure.__cause__ = error
    return failure


def not_writable(path: Path, error: OSError) -> LogError:
    """Give the ``LogError`` for a place where no file can be made or written."""
    return LogError(
        f"the log {path} cannot be written: {error.strerror}. Give the server a file in a "
        "directory where it may write"
    )
