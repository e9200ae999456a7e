"""A hub for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest  # noqa: TC002  (pytest-asyncio reads it)
import pytest_asyncio

from tests.hub.peers import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(params=[False, True], ids=["one by one", "at once"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """A hub over an empty log; its sockets' transports push, or do not."""
    made = Place(at_once=request.param)
    yield made
    await made.close()
