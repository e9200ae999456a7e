"""A hub for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.hub.peers import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Place]:
    """A hub over an empty log."""
    made = Place()
    yield made
    await made.close()
