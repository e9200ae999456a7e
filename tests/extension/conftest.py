"""The extension in a Jupyter server of this process, started as Jupyter starts it.

Tests here carry no ``asyncio`` mark: pytest-jupyter runs them on its server's loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import quote

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

from swarm_stream.protocol.frames import SUBPROTOCOL

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from jupyter_server.serverapp import ServerApp

    from jupyter_extension.app import SwarmStreamApp


@dataclass
class Site:
    """The running server, seen from outside. Sends no credentials but those it is given."""

    base: str
    token: str
    app: SwarmStreamApp
    http: AsyncHTTPClient

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
        return await websocket_connect(
            request, subprotocols=[SUBPROTOCOL] if offers is None else offers
        )


class MakeSite(Protocol):
    """Starts the server, with traits of ``SwarmStreamApp`` and settings of ``ServerApp``."""

    def __call__(self, *, server: dict[str, Any] | None = None, **traits: object) -> Site: ...


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
    jp_http_port: int,
    jp_base_url: str,
    request: pytest.FixtureRequest,
) -> MakeSite:
    def make(*, server: dict[str, Any] | None = None, **traits: object) -> Site:
        config = {
            "ServerApp": {"jpserver_extensions": {"jupyter_extension": True}, **(server or {})},
            "SwarmStreamApp": traits,
        }
        serverapp = jp_configurable_serverapp(config=config)
        serverapp.ip = "127.0.0.1"
        # The fixture's client asks for the fixture's server, so it is asked for only now.
        request.getfixturevalue("jp_web_app_of")(serverapp)
        manager = serverapp.extension_manager
        jp_asyncio_loop.run_until_complete(manager.start_all_extensions())
        (app,) = manager.extension_apps["jupyter_extension"]
        http = jp_asyncio_loop.run_until_complete(_client())
        base = f"http://127.0.0.1:{jp_http_port}{quote(jp_base_url, safe='/%')}"
        return Site(base, serverapp.identity_provider.token, cast("SwarmStreamApp", app), http)

    return make


async def _client() -> AsyncHTTPClient:
    return AsyncHTTPClient(force_instance=True)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A server with the extension's defaults."""
    return make_site()
