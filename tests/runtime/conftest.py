"""A manager of its own for each test, and nothing left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swarm_stream.config import StreamingConfig
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swarm_stream.runtime.discovery import ServerAddress

CONFIG = StreamingConfig(backoff_first_s=0.01, backoff_limit_s=0.05, max_tokens_per_second=0)


@pytest.fixture
def make_manager() -> Iterator[Callable[..., StreamingManager]]:
    """Make managers, with no server or with the one given; all are ended after the test."""
    made: list[StreamingManager] = []

    def make(
        address: ServerAddress | None = None, config: StreamingConfig = CONFIG
    ) -> StreamingManager:
        manager = StreamingManager(config, runtime=Runtime(config, address=address))
        made.append(manager)
        return manager

    yield make
    for manager in made:
        manager.shut_down()


@pytest.fixture
def manager(make_manager: Callable[..., StreamingManager]) -> StreamingManager:
    """A manager without a server."""
    return make_manager()
