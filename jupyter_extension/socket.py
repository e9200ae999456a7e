"""``StreamSocket``: the WebSocket handler. Who is let in, and a thin driver for the hub.

Two kinds of clients are let in: whoever Jupyter itself lets in, in both roles; and a kernel with
the producer secret, to claim and append only. Everybody else gets 403 before the upgrade.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import (
    WebSocketClosedError,
    WebSocketHandler,
    WebSocketProtocol,
    WebSocketProtocol13,
)

from jupyter_extension.incoming import BadFrameError, Incoming, TooBigError
from swarm_stream.protocol.frames import SUBPROTOCOL, CloseCode
from swarm_stream.protocol.server import HangUp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from jupyter_extension.app import SwarmStreamApp
    from swarm_stream.hub.socket import HubSocket

__all__ = ["RESOURCE", "StreamSocket", "name_of"]

RESOURCE = "swarm_stream"
"""What Jupyter's authorizer is asked about."""

MAX_REASON = 120
"""Characters of a close frame's reason, which may have 123 bytes; ours are ASCII."""

SECRET_SCHEME = "swarm-stream "  # noqa: S105  (the name of the scheme, not a secret)


READ_BYTES = 64 * 1024
"""Bytes that are read at once, and after which other sockets have a turn."""

TEXT, BINARY = 0x1, 0x2
"""Kinds of messages, as RFC 6455 numbers them."""


class _Protocol(WebSocketProtocol13):
    """Tornado's, but for text that is no UTF-8: it would cut the socket without a code."""

    def _handle_message(self, opcode: int, data: bytes) -> asyncio.Future[None] | None:
        if opcode == TEXT and not _is_utf8(data):
            opcode = BINARY  # which is closed with 1007 here, as such text has to be
        return super()._handle_message(opcode, data)

    async def _receive_frame_loop(self) -> None:
        """Read until the client leaves; in place of Tornado's, see ``incoming``."""
        stream = self.stream
        incoming = Incoming(self.params.max_message_size)
        read = 0
        try:
            while not self.client_terminated:
                data = await stream.read_bytes(READ_BYTES, partial=True)
                self._wire_bytes_in += len(data)
                await self._take_in(incoming.feed(data))
                read += len(data)
                if read >= READ_BYTES:
                    read = 0
                    await asyncio.sleep(0)  # there may always be more: others have their turn
        except StreamClosedError:
            self._abort()
        except TooBigError:
            self.close(CloseCode.TOO_BIG, "message too big")
            self._abort()
        except BadFrameError:
            self._abort()
        finally:
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)

    async def _take_in(self, messages: Iterable[tuple[int, bytes]]) -> None:
        for opcode, data in messages:
            waits = self._handle_message(opcode, data)
            if waits is not None:
                await waits
            if self.client_terminated:
                return

    def push(self, frames: Sequence[bytes]) -> bool:
        """Send text messages at once, if nothing is on its way; tells whether it did.

        Tornado's own way makes a task and three futures for each message, and calls the system
        for each. What the system does not take at once is left to Tornado.
        """
        stream = self.stream
        # Not with TLS, which has states of its own.
        if type(stream) is not IOStream or stream.closed() or stream.writing():
            return False
        if self.server_terminated:
            return False
        data = b"".join(part for frame in frames for part in (_head(len(frame)), frame))
        try:
            sent = stream.write_to_fd(memoryview(data))
        except OSError:
            sent = 0
        if not sent:
            return False  # it is full, or gone: Tornado finds the same
        self._message_bytes_out += sum(map(len, frames))
        self._wire_bytes_out += len(data)
        if sent < len(data):
            stream.write(data[sent:])
        return True


def name_of(user: object) -> str:
    """Give what a person is called in the words about a button.

    Whoever only has the server's token is no one in particular: Jupyter makes up a name ("Anonymous
    Metis"), another one for each browser and for each connection of a program.
    """
    name = str(getattr(user, "display_name", "") or getattr(user, "username", ""))
    return "a viewer" if name.startswith("Anonymous ") else name


class StreamSocket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """One socket of a kernel or a page."""

    auth_resource = RESOURCE

    def initialize(self, app: SwarmStreamApp) -> None:
        """Take the extension's app from the route."""
        self.app = app
        self._socket: HubSocket | None = None
        self._serving: asyncio.Task[None] | None = None
        self._may_view = False
        self._who = ""

    def set_default_headers(self) -> None:
        """Set none: they are for pages, and would end the upgrade."""

    def get_compression_options(self) -> dict[str, Any] | None:
        """Use none: tokens are small and most sockets are on one machine."""
        return None

    @property
    def max_message_size(self) -> int:
        """Tornado's own limit, which cuts the socket without a word; ours is below it."""
        return max(16 * 2**20, 2 * self.app.max_frame_bytes)

    @property
    def ping_interval(self) -> float:
        """None of Tornado's: heartbeats (PROTOCOL.md) also see a peer whose loop is stuck."""
        return 0

    @property
    def ping_timeout(self) -> float:
        """See ``ping_interval``."""
        return 0

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Give ours in place of Tornado's own."""
        protocol = super().get_websocket_protocol()
        if isinstance(protocol, WebSocketProtocol13):
            return _Protocol(self, mask_outgoing=False, params=protocol.params)
        return protocol

    @allow_unauthenticated  # checked here, in two ways
    async def get(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Let in or refuse, before the upgrade."""
        await self._let_in()
        if SUBPROTOCOL not in self._offered():
            self.set_status(400)
            message = f"offer the WebSocket subprotocol {SUBPROTOCOL}; this server has no other"
            await self.finish({"message": message, "served": [SUBPROTOCOL]})
            return
        if self.app.hub is None:
            # 503 lets a kernel try again. 404 has it serve its runs itself, as it does where there
            # is no extension: it would else hold them up for a server that never comes.
            raise web.HTTPError(404 if self.app.given_up else 503, self.app.problem)
        await super().get(*args, **kwargs)

    async def _let_in(self) -> None:
        authorization = self.request.headers.get("Authorization", "")
        if authorization.startswith(SECRET_SCHEME):
            # A page cannot have the secret, so whoever sends an Origin with it is up to no good.
            given = authorization.removeprefix(SECRET_SCHEME).encode()
            known = self.app.identity.secret.encode()
            if not known:
                # The server has just started and listens already. A 403 would be believed: the
                # kernel would take its secret for an old one and never come back.
                raise web.HTTPError(404 if self.app.given_up else 503)
            same = hmac.compare_digest(given, known)
            if not same or "Origin" in self.request.headers:
                raise web.HTTPError(403)
            self._who = "a kernel"
            return
        user = self.current_user
        if user is None:
            raise web.HTTPError(403)
        allowed = await ensure_async(
            self.authorizer.is_authorized(self, user, "execute", self.auth_resource)
        )
        if not allowed:
            raise web.HTTPError(403)
        self._may_view = True
        self._who = name_of(user)

    def _offered(self) -> list[str]:
        header = self.request.headers.get("Sec-WebSocket-Protocol", "")
        return [name.strip() for name in header.split(",")]

    def check_origin(self, origin: str | None = None) -> bool:
        """Refuse pages of other origins, as Jupyter does; programs send none."""
        return bool(super().check_origin(origin))

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Choose ours."""
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Begin to serve."""
        self.set_nodelay(True)
        hub = self.app.hub
        if hub is None:
            self.close(CloseCode.RESTARTING, "the server restarts; come back")
            return
        socket = hub.open_socket(may_produce=True, may_view=self._may_view, who=self._who)
        if socket is None:
            self.close(CloseCode.TRY_LATER, "too many connections; try again later")
            return
        self._socket = socket
        self._serving = asyncio.ensure_future(self._serve(socket))

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Take in a frame. Tornado reads the next one when what this gives, if any, is done."""
        if self._socket is None:
            return None
        if isinstance(message, bytes):
            self._socket.hang_up(HangUp(CloseCode.NOT_JSON, "frames are text messages"))
            return None
        return None if self._socket.take(message) else self._socket.room()

    def on_close(self) -> None:
        """Forget the socket."""
        if self._serving is not None:
            self._serving.cancel()
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()

    async def _serve(self, socket: HubSocket) -> None:
        try:
            why = await socket.serve(self._send, push=self._push)
        except WebSocketClosedError:
            return
        except Exception:
            self.log.exception("swarm_stream: a socket failed")
            why = HangUp(CloseCode.FAILED, "the server failed; its log says why")
        # Now, not when the peer has answered: one that is gone never does, and Tornado waits.
        socket.close()
        self.close(why.code, why.reason[:MAX_REASON])

    async def _send(self, frame: bytes) -> None:
        # Awaited: nothing more is read from the log for this socket until it has drained.
        await self.write_message(frame)

    def _push(self, frames: Sequence[bytes]) -> bool:
        protocol = self.ws_connection
        return isinstance(protocol, _Protocol) and protocol.push(frames)


def _head(size: int) -> bytes:
    """Give the head of a text message of that many bytes, in one piece and not masked."""
    if size < 126:  # noqa: PLR2004  (RFC 6455, 5.2)
        return bytes((0x80 | TEXT, size))
    if size < 2**16:
        return b"%c%c%b" % (0x80 | TEXT, 126, size.to_bytes(2, "big"))
    return b"%c%c%b" % (0x80 | TEXT, 127, size.to_bytes(8, "big"))


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
