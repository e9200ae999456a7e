"""Makes the doubles beside these tests importable; --import-mode=importlib does not."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_TESTS = Path(__file__).parent.parent
for folder in ("sources", "servers"):
    if str(_TESTS / folder) not in sys.path:
        sys.path.insert(0, str(_TESTS / folder))


@pytest_asyncio.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail where a test leaves a task running. Those that are just ending get a few turns."""
    before = asyncio.all_tasks()
    yield
    gc.collect()
    for _ in range(20):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks left running: {left}"
