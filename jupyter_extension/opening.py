"""Where the log's file lies, and which one to take when another server has it."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from swarm_stream.errors import LogLockedError
from swarm_stream.logs.sqlite import SQLiteLog

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["default_paths", "open_log"]

_log = logging.getLogger("swarm_stream.server")

MAX_SLOTS: Final = 20
"""Servers of one user on one root directory at the same time, by default."""

CLOSING_S: Final = 3.0
"""Seconds that a server which is being restarted may still hold its log. Were the next one to take
another file at once, the kernels that come back would find none of their streams."""


def default_paths(data_dir: str, root_dir: str) -> Iterator[Path]:
    """Give the files to try, first to last: one for each root directory, more if it is taken.

    Two servers of one user are common. Each gets a file of its own, and one that starts again
    finds its streams, because it serves the same directory.
    """
    folder = Path(data_dir) / "swarm_stream"
    name = hashlib.sha256(str(Path(root_dir).resolve()).encode()).hexdigest()[:12]
    yield folder / f"streams-{name}.db"
    for slot in range(2, MAX_SLOTS + 1):
        yield folder / f"streams-{name}-{slot}.db"


async def open_log(
    paths: Iterator[Path],
    *,
    synchronous: Literal["NORMAL", "FULL"],
    patience_s: float = CLOSING_S,
) -> SQLiteLog:
    """Open the first of ``paths`` that no other server has; waits a while for the very first.

    Raises:
        LogLockedError: If another server has each of them.
        LogError: If one cannot be opened for another reason.

    """
    locked: LogLockedError | None = None
    for path in paths:
        log = SQLiteLog(path, synchronous=synchronous, lock_timeout_s=patience_s)
        patience_s = 0.0
        try:
            await log.open()
        except LogLockedError as error:
            _log.info("another server has %s; trying the next name", path.name)
            locked = error
        else:
            return log
    assert locked is not None  # noqa: S101  (there is at least one path)
    raise locked
