"""A SQLite log for as long as a test looks at it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from swarm_stream.logs.sqlite import SQLiteLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ["opened"]


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[SQLiteLog]:
    """Open the log at ``path``, and close it in the end."""
    log = SQLiteLog(path, **options)
    await log.open()
    try:
        yield log
    finally:
        await log.aclose()
