"""The logs that the machine runs over. A new log joins by a line in ``LOGS``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from swarm_stream.logs.memory import MemoryLog
from swarm_stream.logs.sqlite import SQLiteLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from swarm_stream.logs.base import StreamLog

__all__ = ["LOGS", "LogKind"]


class LogKind(NamedTuple):
    """A log to run over: how to make one in a folder, and what is there when it is closed."""

    make: Callable[[Path], StreamLog]
    survives: bool
    """Whether a log made in the same folder has what the one before it held."""
    examples: int


LOGS = {
    "memory": LogKind(lambda _: MemoryLog(), survives=False, examples=200),
    "sqlite": LogKind(lambda folder: SQLiteLog(folder / "log.db"), survives=True, examples=80),
}
