"""``StreamReader``: events of a stream on a server, read over any number of connections.

A thin driver of ``SubscriberConnection``, as a page's view is of its twin: connects, reconnects
with full jitter, keeps heartbeats, and counts what was received, missing and doubled.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from websockets.exceptions import ConnectionClosed

from swarm_stream.errors import (
    NoSuchStreamError,
    OffsetOutOfRangeError,
    RemoteProtocolError,
    ServerUnavailableError,
)
from swarm_stream.events.model import decode_event
from swarm_stream.protocol import frames
from swarm_stream.protocol.backoff import Backoff
from swarm_stream.protocol.heartbeat import HeartbeatTimer
from swarm_stream.protocol.subscriber import Missing, Phase, SubscriberConnection
from swarm_stream.runtime.dial import EXPECTED, barred, dial
from swarm_stream.runtime.rest import NOT_LET_IN

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from websockets.asyncio.client import ClientConnection

    from swarm_stream.config import StreamingConfig
    from swarm_stream.events.model import AnyEvent, Unknown
    from swarm_stream.runtime.discovery import ServerAddress

__all__ = ["Counter", "StreamReader"]

_log = logging.getLogger("swarm_stream.runtime")


class Counter(NamedTuple):
    """What became of a stream's events on their way to one reader."""

    received: int
    """Events given, each once and in order."""
    missing: int
    """Events that the log had let go of before they were read."""
    doubled: int
    """Events that came again after a reconnect, and were not given again."""
    reconnects: int
    """How often the connection was made anew."""


class StreamReader:
    """Read one stream of a server. One event loop; iterate once.

    Args:
        address: The server, with a credential that may read.
        stream: The stream's name.
        config: Timeouts, heartbeats and backoff.
        start: The first offset wanted.
        wait: Whether to wait for a stream that does not exist yet.

    """

    def __init__(
        self,
        address: ServerAddress,
        stream: str,
        config: StreamingConfig,
        *,
        start: int = 0,
        wait: bool = False,
    ) -> None:
        self._address = address
        self._config = config
        self._connection = SubscriberConnection(stream, start=start, wait=wait)
        self._connections = 0
        self._backoff = Backoff(first_s=config.backoff_first_s, limit_s=config.backoff_limit_s)
        self._giving = False

    @property
    def counter(self) -> Counter:
        """What was received, missing and doubled so far, and the reconnects."""
        viewer = self._connection
        return Counter(
            viewer.received, viewer.missing, viewer.doubled, max(0, self._connections - 1)
        )

    @property
    def _ended(self) -> bool:
        return self._connection.phase is Phase.CLOSED

    async def __aiter__(self) -> AsyncGenerator[AnyEvent | Unknown]:
        """Give events from ``start`` on: what was said, then what is being said, to the end.

        Connections may break meanwhile; that is not seen here. Cancelling is safe.

        Raises:
            OffsetOutOfRangeError: If the log no longer holds the next event wanted. Reading may
                begin anew at the error's ``head``.
            NoSuchStreamError: If there is no such stream, and ``wait`` was not asked for.
            ServerUnavailableError: If the server has no extension, does not let us read, or cannot
                be connected to as the environment is set up.
            RemoteProtocolError: If the server breaks the protocol for good, or has lost its log.

        """
        viewer = self._connection
        while not self._ended:
            try:
                async with await self._open() as socket:
                    self._connections += 1
                    async with aclosing(self._carry(socket)) as events:
                        async for event in events:
                            yield event
            except ServerUnavailableError:
                raise  # an OSError, too
            except EXPECTED as error:
                if isinstance(error, ConnectionClosed) and _login_is_over(error):
                    raise ServerUnavailableError(NOT_LET_IN) from None
                _log.debug("x reading %s: %s", viewer.stream, type(error).__name__)
            viewer.lost()
            if not self._ended:
                await asyncio.sleep(self._backoff.next_delay_s(draw=random.random()))  # noqa: S311

    async def _open(self) -> ClientConnection:
        try:
            return await dial(self._address, self._config)
        except Exception as error:  # noqa: BLE001  (``barred`` tells them apart)
            bar = barred(error, self._address)
            if bar is not None and (bar.by_credential or not self._connections):
                raise ServerUnavailableError(bar.why) from None
            # Only the kind: the text of some of these quotes headers.
            raise ConnectionAbortedError(type(error).__name__) from None

    async def _carry(self, socket: ClientConnection) -> AsyncGenerator[AnyEvent | Unknown]:
        viewer = self._connection
        timer = HeartbeatTimer(
            now=time.monotonic(),
            interval_s=self._config.heartbeat_s,
            silence_limit_s=self._config.silence_limit_s,
        )
        viewer.connected()
        beating = asyncio.ensure_future(self._beat(socket, timer))
        try:
            while not self._ended:
                for frame in viewer.frames_to_send():
                    await socket.send(frames.encode(frame), text=True)
                    timer.sent(now=time.monotonic())
                text = await socket.recv()
                timer.heard(now=time.monotonic())
                try:
                    viewer.receive(frames.decode_server_frame(text))
                except frames.FrameError:
                    continue  # a newer server may say more than we know
                self._check_failed()
                # That it was let in does not tell yet that it is served.
                self._backoff.reset()
                for taken in viewer.take():
                    if isinstance(taken, Missing):
                        raise OffsetOutOfRangeError(
                            viewer.stream,
                            offset=taken.first,
                            head=taken.last + 1,
                            tail=max(viewer.tail or 0, taken.last + 1),
                        )
                    self._giving = True
                    for event in taken.events:
                        yield decode_event(event)
                    self._giving = False
                # Whoever took long over them was not listening: that is no silence of the server.
                timer.heard(now=time.monotonic())
        finally:
            self._giving = False
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    async def _beat(self, socket: ClientConnection, timer: HeartbeatTimer) -> None:
        while True:
            await asyncio.sleep(max(0.05, timer.deadline - time.monotonic()))
            now = time.monotonic()
            if timer.gone(now=now) and not self._giving:
                # No closing handshake: whoever is silent would not answer that either.
                socket.transport.abort()
                return
            if timer.due(now=now):
                await socket.send(frames.encode(frames.Heartbeat(t=time.time() * 1000)), text=True)
                timer.sent(now=now)

    def _check_failed(self) -> None:
        viewer = self._connection
        if viewer.phase is not Phase.FAILED or viewer.failure is None:
            return
        code, message = viewer.failure
        if code == "no_such_stream":
            raise NoSuchStreamError(viewer.stream)
        if code == "not_allowed":
            raise ServerUnavailableError(f"{message} (give it in SWARM_STREAM_TOKEN)")
        if code != "log_failed":  # a full disk or the like passes: the next connection asks again
            raise RemoteProtocolError(f"{message} (stream {viewer.stream!r}, {code})")
        raise ConnectionAbortedError(message)


def _login_is_over(error: ConnectionClosed) -> bool:
    code = error.rcvd.code if error.rcvd is not None else 0
    return code in {frames.CloseCode.LOGIN, frames.CloseCode.NOT_ALLOWED}
