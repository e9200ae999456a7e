"""A WebSocket client that costs as little as it can, so that the servers are measured.

The same one drives every server, as producer and as viewer. It masks with zeros, takes no
fragments and no compression: good for loads on this machine, and for nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import os
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Wire", "dial"]

_TEXT: Final = 0x81
_CLOSE: Final = 0x88
_PONG: Final = 0x8A
_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)


class Wire(asyncio.Protocol):
    """One connection. ``on_text`` is called with each message as it came."""

    def __init__(self, request: bytes, on_text: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._request = request
        self._on_text = on_text
        self._held = b""
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        for waiting in (self.opened, self.closed):
            if waiting.done():
                continue
            if waiting is self.opened:
                waiting.set_exception(exc or ConnectionError("closed before it was open"))
            else:
                waiting.set_result(None)
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        data = self._held + data if self._held else data
        if not self.opened.done():
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._held = head
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.opened.set_exception(ConnectionError(head.decode(errors="replace")[:200]))
                self._transport.abort()
                return
            self.opened.set_result(None)
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            end_of_frame = start + length
            if start > size or end_of_frame > size:
                break
            self._frame(data[at], data[start:end_of_frame])
            at = end_of_frame
        self._held = data[at:]

    def send(self, text: bytes) -> None:
        """Send a message, at once or as soon as may be; does not wait.

        Raises:
            ConnectionError: If the connection is closed.

        """
        if self._transport.is_closing():
            raise ConnectionError("the server has closed the connection")
        self._transport.write(_framed(_TEXT, text))

    async def drained(self) -> None:
        """Wait while too much is on its way out."""
        await self._may_write.wait()

    def close(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def _frame(self, first: int, payload: bytes) -> None:
        if first == _TEXT:
            self._on_text(payload)
        elif first == _CLOSE:
            self._transport.close()
        elif first == 0x89:
            self._transport.write(_framed(_PONG, payload))


def _framed(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        head = bytes((first, _MASKED | size))
    elif size < 2**16:
        head = bytes((first, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, _MASKED | 127)) + size.to_bytes(8, "big")
    return b"%b%b%b" % (head, _NO_MASK, payload)


async def dial(
    url: str, on_text: Callable[[bytes], None], headers: Mapping[str, str] | None = None
) -> Wire:
    """Open a connection."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
        "\r\n",
    ]
    request = "\r\n".join(lines).encode()
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(
        lambda: Wire(request, on_text), parts.hostname, parts.port
    )
    await wire.opened
    return wire
