"""Where a proxy's clients come in, and how it reaches its server: the sockets themselves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Door", "Side", "reach", "reset"]

_BACKLOG: Final = 128

Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Door:
    """A port of one's own, open or shut. While it is shut, connections are refused.

    Args:
        came: Called with the socket of each client.
        buffer_bytes: Size of the system's buffers for each socket, or None for its own choice.

    Attributes:
        port: The port, kept until ``close``.

    """

    def __init__(
        self, came: Callable[[socket.socket], None], *, buffer_bytes: int | None = None
    ) -> None:
        self._came = came
        self._buffer_bytes = buffer_bytes
        # The guard never listens: it keeps the port from others while the door is shut.
        self._guard = _bound(0)
        self.port: int = self._guard.getsockname()[1]
        self._listening: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """Whether clients are let in."""
        return self._listening is not None

    def open(self) -> None:
        """Let clients in."""
        self._listening = listening = _bound(self.port)
        _size(listening, self._buffer_bytes)  # those accepted have it from here
        listening.listen(_BACKLOG)
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def shut(self) -> None:
        """Refuse clients."""
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None

    def close(self) -> None:
        """Give the port back. May be called twice."""
        self.shut()
        self._guard.close()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client has gone meanwhile
            accepted, _ = listening.accept()
            accepted.setblocking(False)  # noqa: FBT003
            self._came(accepted)


async def reach(target: tuple[str, int], *, buffer_bytes: int | None = None) -> Side:
    """Connect to a server.

    Raises:
        OSError: If it does not answer.

    """
    raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    raw.setblocking(False)  # noqa: FBT003
    _size(raw, buffer_bytes)
    try:
        await asyncio.get_running_loop().sock_connect(raw, target)
    except BaseException:
        raw.close()
        raise
    return await asyncio.open_connection(sock=raw)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, at once."""
    with contextlib.suppress(OSError):  # closed already
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
    writer.transport.abort()


def _bound(port: int) -> socket.socket:
    raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    raw.setblocking(False)  # noqa: FBT003
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    raw.bind(("127.0.0.1", port))
    return raw


def _size(raw: socket.socket, buffer_bytes: int | None) -> None:
    if buffer_bytes is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
