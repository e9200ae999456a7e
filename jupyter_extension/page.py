"""The plain page: the streams of this server, and each of them with its view, without a notebook.

What is sent is an empty document and one script, ``swarm_stream/static/page.js``; all else the
script asks for at the REST interface and the WebSocket, as whoever is logged in.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import cached_property
from html import escape
from importlib.resources import files
from typing import Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import web

from swarm_stream.protocol.bad_frames import STREAM_NAME

__all__ = ["handlers"]

SCRIPT: Final = files("swarm_stream") / "static" / "page.js"
RESOURCE: Final = "swarm_stream"

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Streams</title>
<link rel="icon" href="{icon}">
<script type="module" nonce="{nonce}" src="{base}swarm-stream/page.js"></script>
</head>
<body data-base-url="{base}" data-stream="{stream}">
<noscript>This page needs JavaScript. In a terminal, swarm-stream ls and swarm-stream tail show
the same.</noscript>
</body>
</html>
"""
# Three lanes. In the document, because the page may load nothing but its script.
_ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cg stroke-width='3' stroke-linecap='round'%3E"
    "%3Cpath stroke='%230072b2' d='M2 3h8'/%3E%3Cpath stroke='%23c2570c' d='M5 8h9'/%3E"
    "%3Cpath stroke='%23007f5f' d='M2 13h6'/%3E%3C/g%3E%3C/svg%3E"
)


def handlers() -> list[tuple[str, type[web.RequestHandler]]]:
    """Give the routes."""
    stream = rf"(?P<stream>{STREAM_NAME.pattern})"
    return [
        (r"/swarm-stream", PageHandler),
        (r"/swarm-stream/", PageHandler),
        (rf"/swarm-stream/s/{stream}", PageHandler),
        (r"/swarm-stream/page.js", ScriptHandler),
    ]


class PageHandler(JupyterHandler):
    """The document: the list, or one stream. Who is not logged in is sent to Jupyter's login."""

    auth_resource = RESOURCE

    @cached_property
    def nonce(self) -> str:
        """What lets our script run, and no other, not even one of this origin."""
        return secrets.token_urlsafe(16)

    @property
    def content_security_policy(self) -> str:
        """Allow our script, its style elements, and requests to this server; add to Jupyter's."""
        return "; ".join(
            (
                super().content_security_policy,
                "default-src 'none'",
                f"script-src 'nonce-{self.nonce}'",
                "style-src 'unsafe-inline'",
                "img-src data:",
                "connect-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
                # Nothing on this page may make HTML of text.
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            )
        )

    @web.authenticated
    @authorized
    async def get(self, stream: str = "") -> None:
        """Give the document; whether there is such a stream, its script finds out."""
        # Reading it sets the cookie, without which the page could not delete anything.
        _ = self.xsrf_token
        # Addresses of pages name streams; other sites need not learn them from a link.
        self.set_header("Referrer-Policy", "same-origin")
        # Kept by the browser for the way back only: the list is then where the reader left it.
        self.set_header("Cache-Control", "private, no-cache")
        self.finish(
            _PAGE.format(
                base=escape(self.base_url), icon=_ICON, nonce=self.nonce, stream=escape(stream)
            )
        )


class ScriptHandler(APIHandler):
    """The page's script. Browsers ask each time, and are answered 304 while it is the same."""

    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Give the script."""
        try:
            script = await asyncio.to_thread(SCRIPT.read_bytes)
        except FileNotFoundError as error:
            raise web.HTTPError(
                404, "the page's script was not built; install swarm-stream anew"
            ) from error
        self.set_header("Cache-Control", "private, no-cache")
        self.finish(script, set_content_type="text/javascript; charset=utf-8")
