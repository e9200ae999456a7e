"""A hub behind a plain WebSocket server, for tests of the kernel's side without Jupyter."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from swarm_stream.hub.hub import StreamHub
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.protocol.frames import SUBPROTOCOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from swarm_stream.logs.base import StreamLog


class HubServer:
    """Serves one log, may be cut and come back on the same port.

    Attributes:
        url: What a kernel is told.
        hub: The hub that serves now.

    """

    def __init__(self, log: StreamLog | None = None) -> None:
        self.log = log or MemoryLog()
        self.port = 0
        self.hub = StreamHub(self.log, server_id="test-server")
        self._server: object | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        self.hub = StreamHub(self.log, server_id="test-server")
        self._server = server = await serve(
            self._handle,
            "127.0.0.1",
            self.port,
            subprotocols=[SUBPROTOCOL],
            compression=None,
            ping_interval=None,  # the hub's heartbeats do it
            close_timeout=1,
        )
        self.port = server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close(code=1012)
            await self._server.wait_closed()
            self._server = None

    async def _handle(self, connection: ServerConnection) -> None:
        socket = self.hub.open_socket(may_produce=True, may_view=True, who="tester")
        assert socket is not None

        async def serve_it() -> None:
            why = await socket.serve(lambda frame: connection.send(frame, text=True))
            await connection.close(why.code, why.reason)

        serving = asyncio.ensure_future(serve_it())
        try:
            async for message in connection:
                await socket.feed(message)
        except ConnectionClosed:
            pass  # without a closing handshake: the other end is gone
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            self.hub.close_socket(socket)


@asynccontextmanager
async def hub_server() -> AsyncIterator[HubServer]:
    """Run a hub server on a free loopback port."""
    server = HubServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
