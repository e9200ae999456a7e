"""The logs that the conformance suite runs over. A new log joins by a line in ``LOGS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from swarm_stream.logs.memory import MemoryLog
from swarm_stream.logs.sqlite import SQLiteLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from swarm_stream.logs.base import StreamLog

LOGS: dict[str, Callable[[Path], StreamLog]] = {
    "memory": lambda _: MemoryLog(),
    "sqlite": lambda folder: SQLiteLog(folder / "log.db"),
}


@pytest.fixture(params=LOGS)
def unopened(request: pytest.FixtureRequest, tmp_path: Path) -> StreamLog:
    """A log of each kind, empty."""
    return LOGS[request.param](tmp_path)


@pytest_asyncio.fixture
async def log(unopened: StreamLog) -> AsyncIterator[StreamLog]:
    """A log of each kind, empty and open."""
    await unopened.open()
    yield unopened
    await unopened.aclose()
