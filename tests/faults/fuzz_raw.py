"""A WebSocket client that keeps to no rule: bytes are sent as they are given."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import TYPE_CHECKING, Final

import psutil

from swarm_stream.protocol.frames import SUBPROTOCOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.jupyter import JupyterServer

__all__ = [
    "CLOSE",
    "CONTINUED",
    "CUT",
    "PING",
    "TEXT",
    "Raw",
    "connected",
    "files",
    "frame",
    "quiet_again",
    "upgrade",
    "upgraded",
]

CONTINUED, TEXT, BINARY, CLOSE, PING = 0x0, 0x1, 0x2, 0x8, 0x9
CUT: Final = 1006
"""What a client calls a connection that ended without a close frame."""


def frame(  # noqa: PLR0913
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    masked: bool = True,
    announced: int | None = None,
) -> bytes:
    """Give a frame as a client sends it, with whatever is wrong with it."""
    length = len(payload) if announced is None else announced
    head = bytes([final << 7 | reserved << 4 | opcode])
    mask = masked << 7
    if length < 126:
        head += bytes([mask | length])
    elif length < 2**16:
        head += struct.pack("!BH", mask | 126, length)
    else:
        head += struct.pack("!BQ", mask | 127, length)
    return head + (bytes(4) if masked else b"") + payload  # a mask of zeros changes nothing


class Raw:
    """A TCP connection to a Jupyter server.

    Attributes:
        status: Of the upgrade, once it was answered.

    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.status = 0

    async def upgrade(
        self, server: JupyterServer, *, path: str = "/swarm-stream/ws", **headers: str
    ) -> None:
        """Ask for a WebSocket; ``status`` tells what came of it."""
        await self.send(upgrade(server, path=path, **headers))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            self.status = int((await self._reader.readuntil(b"\r\n\r\n")).split()[1])

    async def send(self, data: bytes) -> None:
        """Send bytes, if the server still takes them."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def end(self, *, answer: bool = False) -> int:
        """Read until the server ends the connection; gives its close code.

        ``answer`` has the close answered, as every good client does.
        """
        try:
            while True:
                opcode, length = await self._reader.readexactly(2)
                if length == 126:
                    (length,) = struct.unpack("!H", await self._reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
                payload = await self._reader.readexactly(length)
                if opcode & 0xF == CLOSE:
                    if answer:
                        await self.send(frame(CLOSE, payload[:2]))
                    return int.from_bytes(payload[:2], "big") if payload else 1005
        except (asyncio.IncompleteReadError, ConnectionError):
            return CUT

    async def leave(self) -> None:
        """Go without a word. May be called twice."""
        self._writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def connected(server: JupyterServer) -> AsyncIterator[Raw]:
    """Connect, and say nothing."""
    raw = Raw(*await asyncio.open_connection("127.0.0.1", server.port))
    try:
        yield raw
    finally:
        await raw.leave()


@contextlib.asynccontextmanager
async def upgraded(server: JupyterServer, **headers: str) -> AsyncIterator[Raw]:
    """Connect, and ask for a WebSocket with the server's token or with other headers."""
    async with connected(server) as raw:
        await raw.upgrade(server, **headers)
        yield raw


def upgrade(server: JupyterServer, *, path: str = "/swarm-stream/ws", **headers: str) -> bytes:
    """Give the request for a socket, as a program with the server's token makes it."""
    fields = {
        "Host": f"127.0.0.1:{server.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": SUBPROTOCOL,
        **server.headers,
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


def files(server: JupyterServer) -> int:
    """Tell how many files and sockets the server has open."""
    assert server.process is not None
    return psutil.Process(server.process.pid).num_fds()


async def quiet_again(server: JupyterServer, before: int) -> None:
    """Wait until the server has given back what connections took; a test times out else."""
    while files(server) > before:
        await asyncio.sleep(0.05)
