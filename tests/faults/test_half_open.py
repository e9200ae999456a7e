"""Connections that are dead and do not say so: noticed on all ends, by the same limit."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import swarm_stream
from jupyter_extension.app import SwarmStreamApp
from swarm_stream.config import StreamingConfig
from swarm_stream.events.model import Delta
from swarm_stream.protocol.server import Limits
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager
from swarm_stream.runtime.viewing import StreamReader
from tests.faults.proxy import fault_proxy
from tests.servers.hub_server import HubServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT_S = 0.6
CONFIG = StreamingConfig(
    heartbeat_s=0.2,
    silence_limit_s=LIMIT_S,
    connect_timeout_s=1,
    backoff_first_s=0.01,
    backoff_limit_s=0.1,
)
COUNT = 300


def test_all_ends_have_the_limit_of_the_protocol() -> None:
    assert Limits().silence_limit_s == StreamingConfig().silence_limit_s == 25
    assert SwarmStreamApp.silence_limit_s.default_value == 25
    sources = Path(swarm_stream.__file__).parent / "frontend" / "src"
    said = {
        found[1]
        for path in sources.glob("*.ts")
        if (found := re.search(r"SILENCE_LIMIT_MS = ([0-9_]+)", path.read_text()))
    }
    assert said == {"25_000"}


class ImpatientServer(HubServer):
    """A hub with short limits."""

    async def start(self) -> None:
        await super().start()
        self.hub.limits = Limits(heartbeat_s=0.2, silence_limit_s=LIMIT_S)


async def numbers(frozen: asyncio.Event, healed: asyncio.Event) -> AsyncIterator[str]:
    for number in range(COUNT):
        if number == COUNT // 3:
            frozen.set()
        if number == 2 * COUNT // 3:
            await healed.wait()
        yield f"{number} "
        await asyncio.sleep(0.001)


@pytest.mark.asyncio
async def test_a_half_open_network_is_noticed_on_both_of_its_ends() -> None:
    """No timer of the test's own: what is waited for is what must come to pass."""
    server = ImpatientServer()
    await server.start()
    frozen, healed = asyncio.Event(), asyncio.Event()
    async with fault_proxy("127.0.0.1", server.port) as network:
        address = ServerAddress(f"http://127.0.0.1:{network.port}/")
        manager = StreamingManager(CONFIG, runtime=Runtime(CONFIG, address=address))
        try:
            session = manager.create(numbers(frozen, healed))
            reader = StreamReader(address, session.id, CONFIG, wait=True)
            seen: list[str] = []

            async def read() -> None:
                async for event in reader:
                    if isinstance(event, Delta):
                        seen.append(event.text)

            reading = asyncio.ensure_future(read())
            session.start()
            await frozen.wait()
            network.freeze()
            async with asyncio.timeout(20):
                while server.hub.sockets:  # the server's end: neither a FIN nor a RST came
                    await asyncio.sleep(0.01)
                link = manager.runtime.link
                assert link is not None
                while link.state.value == "live":  # the kernel's end
                    await asyncio.sleep(0.01)
            network.heal()
            healed.set()
            await session
            await session.flush(20)
            await reading  # the viewer's end
            assert seen == [f"{number} " for number in range(COUNT)]
            assert reader.counter[:3] == (session.metrics.events, 0, 0)
            assert reader.counter.reconnects >= 1
            assert session.metrics.reconnects >= 1
        finally:
            manager.shut_down()
            await server.stop()
