"""The extension in a Jupyter server of this process, started as Jupyter starts it.

Tests here carry no ``asyncio`` mark: pytest-jupyter runs them on its server's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import pytest
from blockbuster import blockbuster_ctx
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.websocket import WebSocketClientConnection, websocket_connect

from swarm_stream.protocol.frames import SUBPROTOCOL

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from jupyter_server.serverapp import ServerApp

    from jupyter_extension.app import SwarmStreamApp


@dataclass
class Site:
    """The running server, seen from outside. Sends no credentials but those it is given."""

    base: str
    token: str
    app: SwarmStreamApp
    http: AsyncHTTPClient
    sockets: list[WebSocketClientConnection] = field(default_factory=list)

    @property
    def with_token(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"}

    @property
    def with_secret(self) -> dict[str, str]:
        return {"Authorization": f"swarm-stream {self.app.identity.secret}"}

    async def fetch(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        """Give the answer, whatever its status; with the token unless headers are given."""
        return await self.http.fetch(
            self.base + path,
            method=method,
            headers=self.with_token if headers is None else headers,
            allow_nonstandard_methods=True,
            follow_redirects=False,
            raise_error=False,
        )

    async def ws(
        self, headers: dict[str, str] | None = None, offers: list[str] | None = None
    ) -> WebSocketClientConnection:
        """Open a WebSocket; raises ``HTTPClientError`` if it is refused."""
        url = self.base.replace("http", "ws", 1) + "swarm-stream/ws"
        request = HTTPRequest(url, headers=self.with_token if headers is None else headers)
        socket = await websocket_connect(
            request, subprotocols=[SUBPROTOCOL] if offers is None else offers
        )
        self.sockets.append(socket)
        return socket

    async def leave(self) -> None:
        """Close what was opened here."""
        for socket in self.sockets:
            socket.close(1000)
            with contextlib.suppress(TimeoutError):  # a test may have read its end already
                async with asyncio.timeout(0.2):
                    while await socket.read_message() is not None:
                        pass
        self.http.close()


class MakeSite(Protocol):
    """Starts the server, with traits of ``SwarmStreamApp`` and settings of ``ServerApp``."""

    async def __call__(self, *, server: dict[str, Any] | None = None, **traits: object) -> Site: ...


@pytest.fixture(autouse=True)
def _nothing_blocks() -> Iterator[None]:
    """Fail a test in which our code blocks an event loop: on a file, a lock, a sleep."""
    with blockbuster_ctx(scanned_modules=["jupyter_extension", "swarm_stream"]):
        yield


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the extension publishes goes with the test."""
    for name in ("SWARM_STREAM_URL", "SWARM_STREAM_SECRET"):
        monkeypatch.setenv(name, "unset")
        monkeypatch.delenv(name)


@pytest.fixture
def make_site(
    jp_asyncio_loop: asyncio.AbstractEventLoop,
    jp_configurable_serverapp: Callable[..., ServerApp],
    http_server_port: tuple[socket.socket, int],
    jp_base_url: str,
) -> Iterator[MakeSite]:
    run = jp_asyncio_loop.run_until_complete
    servers: list[HTTPServer] = []
    sites: list[Site] = []
    listening, port = http_server_port

    async def serve(serverapp: ServerApp) -> AsyncHTTPClient:
        servers.append(HTTPServer(serverapp.web_app))
        servers[0].add_socket(listening)
        await serverapp.extension_manager.start_all_extensions()
        return AsyncHTTPClient(force_instance=True)

    async def make(*, server: dict[str, Any] | None = None, **traits: object) -> Site:
        config = {
            "ServerApp": {"jpserver_extensions": {"jupyter_extension": True}, **(server or {})},
            "SwarmStreamApp": traits,
        }
        serverapp = jp_configurable_serverapp(config=config)
        client = await serve(serverapp)
        (app,) = serverapp.extension_manager.extension_apps["jupyter_extension"]
        base = f"http://127.0.0.1:{port}{jp_base_url}"
        token = serverapp.identity_provider.token
        sites.append(Site(base, token, cast("SwarmStreamApp", app), client))
        return sites[-1]

    yield make
    for site in sites:
        run(site.leave())
    for server in servers:
        server.stop()
        run(server.close_all_connections())
    listening.close()


@pytest.fixture
def site(make_site: MakeSite, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Site:
    """A server with the extension's defaults."""
    return jp_asyncio_loop.run_until_complete(make_site())
