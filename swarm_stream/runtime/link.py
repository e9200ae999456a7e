"""``ServerLink``: the kernel's one connection to its server, shared by all its sessions.

A thin driver: what is said about a stream is decided by its ``ProducerConnection``. The link
keeps the socket open, reconnects with full jitter, sends for the streams in turn and hands each
frame that arrives to its stream. IO thread only.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import random
import time
import traceback
from typing import TYPE_CHECKING, Final

from websockets.protocol import State

from swarm_stream.errors import ProtocolError
from swarm_stream.protocol import frames
from swarm_stream.protocol.backoff import Backoff
from swarm_stream.protocol.heartbeat import HeartbeatTimer
from swarm_stream.protocol.producer import State as StreamState
from swarm_stream.runtime.dial import EXPECTED, barred, dial
from swarm_stream.runtime.outgoing import LinkedStream, Outgoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.asyncio.client import ClientConnection

    from swarm_stream.config import StreamingConfig
    from swarm_stream.runtime.discovery import ServerAddress

__all__ = ["LinkState", "LinkedStream", "ServerLink"]

_log = logging.getLogger("swarm_stream.runtime")

CLOSE_LIMIT_S: Final = 0.5
"""Seconds that an orderly close of the connection may take."""


class LinkState(enum.Enum):
    """What the link knows of its server."""

    CONNECTING = "connecting"
    LIVE = "live"
    ABSENT = "absent"
    """The server has no extension: streams are served by the kernel itself."""
    REFUSED = "refused"
    """The server does not let us in: the same."""
    CLOSED = "closed"


class ServerLink:
    """Keep one socket to the server, for all streams. IO thread only.

    Args:
        address: The server.
        config: Timeouts, heartbeats and backoff.

    Attributes:
        state: What is known of the server.
        reason: What stands between us and the server, as a sentence, where something does.
        barred: Why streams that the server does not have will not get there, or empty.
        reconnects: How often the socket was opened again after it had been live.

    """

    def __init__(self, address: ServerAddress, config: StreamingConfig) -> None:
        self.address = address
        self.state = LinkState.CONNECTING
        self.reason = ""
        self.barred = ""
        self.reconnects = 0
        self._config = config
        self._streams: dict[str, LinkedStream] = {}
        self._outgoing = Outgoing()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._socket: ClientConnection | None = None
        self._connections = 0
        self._backoff = Backoff(first_s=config.backoff_first_s, limit_s=config.backoff_limit_s)
        self._timer = self._new_timer()
        # Whether the sender waits, and whether something was sent in its place just now.
        self._parked = False
        self._pushed = False
        self._decided = asyncio.Event()

    def attach(self, stream: LinkedStream) -> None:
        """Carry a stream, from now on."""
        self._streams[stream.connection.stream] = stream
        if self.state is LinkState.LIVE:
            stream.connection.connected()
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())
        self.stir(stream)

    def detach(self, stream: LinkedStream) -> None:
        """Carry a stream no more."""
        if self._streams.get(stream.connection.stream) is stream:
            del self._streams[stream.connection.stream]
            self._outgoing.left(stream)

    def stir(self, stream: LinkedStream) -> None:
        """Have the link look for what this stream has to send."""
        self._outgoing.add(stream)
        self._go_on()

    def _go_on(self) -> None:
        if not self._parked or self._pushed or not self._push():
            self._wake.set()

    def _push(self) -> bool:
        """Send at once, if nothing is on its way; tells whether there is no more to be sent.

        Once in a turn of the loop: what else is stirred in it leaves together, in the next one.
        """
        socket = self._socket
        if socket is None or socket.state is not State.OPEN:
            return False
        if socket.transport.get_write_buffer_size():
            return False
        self._pushed = True
        asyncio.get_running_loop().call_soon(self._pushed_enough)
        self._write(socket, self._outgoing.gather())
        return not self._outgoing

    def _pushed_enough(self) -> None:
        self._pushed = False

    async def decided(self) -> None:
        """Wait until the first attempt to connect has succeeded or failed."""
        await self._decided.wait()

    async def aclose(self) -> None:
        """Close the socket. May be called twice."""
        self.state = LinkState.CLOSED
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=CLOSE_LIMIT_S)
        if not self._task.done() and self._socket is not None:
            # It does not read, so that it would not hear of a close either.
            self._socket.transport.abort()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self.state not in {LinkState.ABSENT, LinkState.REFUSED, LinkState.CLOSED}:
            try:
                await self._connected_once()
            except Exception as error:  # noqa: BLE001  (whatever it was: all sessions need it)
                self._failed(error)
            self._decided.set()
            self._outgoing.lost()
            if self.state is LinkState.LIVE:
                self.state = LinkState.CONNECTING
                _log.info("connection to the server lost; connecting again")
            for stream in tuple(self._streams.values()):
                stream.connection.lost()
                self._tell(stream)
            if self.state is LinkState.CONNECTING:
                await asyncio.sleep(self._backoff.next_delay_s(draw=random.random()))  # noqa: S311

    async def _connected_once(self) -> None:
        async with dial(self.address, self._config) as socket:
            self.reconnects += self._connections > 0
            self._connections += 1
            self.state = LinkState.LIVE
            self.reason = self.barred = ""
            self._decided.set()
            _log.info("connected to the server (found by %s)", self.address.found_by)
            for stream in tuple(self._streams.values()):
                stream.connection.connected()
                self._tell(stream)
                self.stir(stream)
            self._socket = socket
            await self._carry(socket)

    def _failed(self, error: Exception) -> None:
        """Look at what ended a connection, or an attempt to make one."""
        if self.state is not LinkState.CONNECTING:
            if isinstance(error, ProtocolError):
                _log.warning("the server broke the protocol; connecting again: %s", error)
            elif not isinstance(error, EXPECTED):
                where = "".join(traceback.format_tb(error.__traceback__))
                kind = type(error).__name__
                _log.error("the connection failed (%s); connecting again\n%s", kind, where)
            return
        # Only the kind: the text of some of these quotes headers.
        _log.debug("x %s: %s", self.address.found_by, type(error).__name__)
        bar = barred(error, self.address)
        self.barred = "" if bar is None else bar.why
        if bar is None:
            self.reason = ""
        elif self._connections:
            # What the server has of the runs is there, and somebody else answers in its place.
            self._say(f"{bar.why}. It was there before, so the kernel goes on trying")
        else:
            self.state = LinkState.REFUSED if bar.by_credential else LinkState.ABSENT
            self._say(bar.why)

    def _say(self, reason: str) -> None:
        if reason != self.reason:
            _log.warning("%s", reason)
        self.reason = reason

    async def _carry(self, socket: ClientConnection) -> None:
        timer = self._timer = self._new_timer()
        reader = asyncio.ensure_future(self._read(socket, timer))
        reader.add_done_callback(lambda _: self._wake.set())
        watch = asyncio.ensure_future(self._watch(socket, timer))
        watch.add_done_callback(lambda _: self._wake.set())
        try:
            while not reader.done() and not watch.done():
                self._wake.clear()
                out = self._outgoing.gather()
                if out:
                    await self._send(socket, out)
                if timer.due(now=time.monotonic()):
                    beat = frames.encode(frames.Heartbeat(t=time.time() * 1000))
                    await self._send(socket, (beat,))
                if not out:
                    self._parked = True
                    await self._wake.wait()
                    self._parked = False
            for ended in (reader, watch):
                if ended.done():
                    ended.result()
        finally:
            self._parked = False
            watch.cancel()
            reader.cancel()
            await asyncio.gather(reader, watch, return_exceptions=True)

    def _new_timer(self) -> HeartbeatTimer:
        return HeartbeatTimer(
            now=time.monotonic(),
            interval_s=self._config.heartbeat_s,
            silence_limit_s=self._config.silence_limit_s,
        )

    async def _send(self, socket: ClientConnection, out: Sequence[bytes]) -> None:
        """Send frames; waits until there is room for more."""
        *first, last = out
        if socket.state is State.OPEN:  # if it is not, ``send`` raises what there is
            self._write(socket, first)
        await socket.send(last, text=True)
        self._timer.sent(now=time.monotonic())

    def _write(self, socket: ClientConnection, out: Sequence[bytes]) -> None:
        """Send frames with one call of the system; ``websockets`` makes one for each."""
        if not out:
            return
        for frame in out:
            socket.protocol.send_text(frame)
        socket.transport.write(b"".join(socket.protocol.data_to_send()))
        self._timer.sent(now=time.monotonic())

    async def _read(self, socket: ClientConnection, timer: HeartbeatTimer) -> None:
        async for text in socket:
            timer.heard(now=time.monotonic())
            try:
                frame = frames.decode_server_frame(text)
            except frames.FrameError as error:
                # A newer server may say more than we know.
                _log.debug("x unknown frame: %s", error)
                continue
            if isinstance(frame, frames.Ack | frames.Heartbeat):
                # It works. That it lets us in and hears our claims does not tell that it will.
                self._backoff.reset()
            name = getattr(frame, "stream", None)
            stream = self._streams.get(name) if name is not None else None
            if stream is None:
                if isinstance(frame, frames.Error):
                    _log.warning("the server refused a frame: %s", frame.message)
                continue
            if isinstance(frame, frames.Control):
                self._press(stream, frame)
                continue
            stream.connection.receive(frame, now=time.monotonic())
            self._tell(stream)
            self._outgoing.answered(stream)
            self._let_go_if_over(stream)
            if stream.connection.has_more:
                self.stir(stream)
            elif self._outgoing:
                self._go_on()

    def _let_go_if_over(self, stream: LinkedStream) -> None:
        """Carry a stream no more that has nothing to say: a session, and all that it holds."""
        if stream.connection.state in {StreamState.DONE, StreamState.REFUSED}:
            self.detach(stream)

    def _press(self, stream: LinkedStream, frame: frames.Control) -> None:
        try:
            stream.control_arrived(frame)
        except Exception:  # noqa: BLE001  (it is one session's: the others go on)
            _log.exception("stream %s: a button failed", frame.stream)
            message = "the button failed in the run's kernel, whose log says why"
            stream.connection.answer(
                frames.Controlled(stream=frame.stream, id=frame.id, ok=False, message=message)
            )
            self.stir(stream)

    def _tell(self, stream: LinkedStream) -> None:
        try:
            stream.link_changed()
        except Exception:  # noqa: BLE001  (it is one session's: the others go on)
            _log.exception("stream %s took no notice of its server", stream.connection.stream)

    async def _watch(self, socket: ClientConnection, timer: HeartbeatTimer) -> None:
        """Wake the sender when a heartbeat or a retry is due; cut a socket that is silent."""
        while True:
            # A retry may be set by a frame that arrives meanwhile: look once a second.
            now = time.monotonic()
            await asyncio.sleep(min(1.0, max(0.01, timer.deadline - now)))
            now = time.monotonic()
            for stream in tuple(self._streams.values()):
                stream.connection.tick(now=now)
                if stream.connection.has_more:
                    self.stir(stream)
                else:
                    self._let_go_if_over(stream)
            if timer.gone(now=now):
                # Not left to the sender: it may be waiting for this peer to read. Nor closed in
                # order: nobody would answer.
                socket.transport.abort()
                return
            if now >= timer.deadline:
                self._wake.set()
