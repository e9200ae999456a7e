"""``Channel``: one session's way out, from its buffer to the server or to the kernel's own hub.

The session puts events from its own threads; everything else here happens on the IO thread.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from swarm_stream.errors import FlushTimeoutError
from swarm_stream.protocol import frames
from swarm_stream.protocol.producer import ProducerConnection, State
from swarm_stream.runtime.buffer import TokenBuffer
from swarm_stream.runtime.link import LinkState
from swarm_stream.runtime.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.config import StreamingConfig
    from swarm_stream.runtime.io_thread import IOThread
    from swarm_stream.runtime.link import ServerLink
    from swarm_stream.runtime.local import LocalHub, LocalStream
    from swarm_stream.runtime.meter import Reason

__all__ = ["Channel"]

_log = logging.getLogger("swarm_stream.runtime")


class Channel:
    """Carry one stream's events out. ``put`` and ``end`` from any thread, the rest on IO.

    Args:
        stream: The stream's name.
        producer: The session's id as a producer.
        meta: Description for lists and headers, a JSON object.
        config: Buffer limits.
        io: The IO thread.
        local: The kernel's own hub.
        link: The way to the server, or None where there is none.
        take_over: Whether a live producer of that name is fenced off.
        on_acked: Called with the log's next offset when it has moved.
        on_change: Called when ``notice``, ``refusal`` or ``server`` changed.
        on_control: Called with a control that arrived.

    Attributes:
        buffer: The unacknowledged events.
        connection: What the server was told.
        here: Its events in the kernel's own hub, for views of this process; None until ``host``.
        served_locally: Whether acknowledgements come from this kernel, because no server will.

    """

    def __init__(  # noqa: PLR0913
        self,
        stream: str,
        *,
        producer: str,
        meta: bytes,
        config: StreamingConfig,
        io: IOThread,
        local: LocalHub,
        link: ServerLink | None,
        take_over: bool,
        on_acked: Callable[[int], None],
        on_change: Callable[[], None],
        on_control: Callable[[frames.Control], None],
    ) -> None:
        self.stream = stream
        self.buffer: TokenBuffer[bytes] = TokenBuffer(config, on_put=self._put)
        self.link = link
        self.served_locally = link is None
        self._io = io
        self._local = local
        self._producer = producer
        self._meta = meta
        self._on_acked = on_acked
        self._on_change = on_change
        self._changes = Waiters()
        self._on_control = on_control
        self.here: LocalStream | None = None
        self._acked = 0
        self._barred = ""
        self._reconnects_before = 0
        self._copying = False
        self._asked_by: dict[str, str] = {}
        self.connection = ProducerConnection(
            stream,
            producer=producer,
            window=self.buffer,
            meta=meta,
            take_over=take_over,
            history=self,
        )

    @property
    def notice(self) -> str:
        """What keeps events from the log or the view from the server, as a sentence, or empty."""
        if self.connection.refusal is not None:
            return str(self.connection.refusal)
        if self._barred:
            return f"{self._barred}. Until then this process serves the run itself"
        if self.link is not None and self.link.reason:
            return self.link.reason
        waiting = len(self.buffer)
        if waiting and self.link is not None and self.link.state is LinkState.CONNECTING:
            return f"the server does not answer; {waiting} events wait for it, nothing is lost"
        return self.connection.notice

    @property
    def reachable(self) -> bool:
        """Whether somebody is there who acknowledges: the server, or the kernel in its place."""
        if self.served_locally or self.link is None:
            return True
        return self.link.state is LinkState.LIVE and self.connection.state in {
            State.LIVE,
            State.DONE,
        }

    @property
    def hopeful(self) -> bool:
        """Whether the server is there, or is being looked for."""
        if self.link is None or self.connection.refusal is not None:
            return False
        return self.link.state in {LinkState.LIVE, LinkState.CONNECTING}

    @property
    def why_full(self) -> Reason:
        """What keeps the buffer full, if it is."""
        if self.connection.notice:
            return "log"
        return "buffer" if self.reachable else "server"

    @property
    def reconnects(self) -> int:
        """How often the connection was opened again since the stream was."""
        return 0 if self.link is None else self.link.reconnects - self._reconnects_before

    @property
    def viewers(self) -> int | None:
        """Views that the kernel's own hub serves; None where the server knows and we do not."""
        return self._local.hub.viewers.count(self.stream) if self.served_locally else None

    async def claimed(self) -> None:
        """Wait until the server has answered the claim, or will not. On any loop.

        Raises:
            StreamNameTakenError: If another producer is live.
            StreamClosedError: If the stream has ended.

        """
        connection = self.connection
        await self._changes.wait(
            lambda: (
                self.served_locally
                or connection.epoch is not None
                or connection.refusal is not None
            )
        )
        if connection.refusal is not None:
            raise connection.refusal

    async def flush_at_end(self, timeout_s: float) -> None:
        """Wait for the last acknowledgements, for as long as somebody is there to give them.

        What is not acknowledged stays in the buffer, and the view and ``notice`` say so.
        """
        flushed = asyncio.ensure_future(self.flush(timeout_s))
        away = asyncio.ensure_future(self._changes.wait(lambda: not self.reachable))
        try:
            await asyncio.wait({flushed, away}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in (flushed, away):
                waiting.cancel()
            await asyncio.gather(flushed, away, return_exceptions=True)

    def open(self) -> None:
        """Ask the server for the stream: on the IO thread."""
        if self.link is not None:
            self._reconnects_before = self.link.reconnects
            self.link.attach(self)
            self.link_changed()

    def host(self) -> None:
        """Have the kernel's own hub serve it, too: on the IO thread.

        Not before the server has let us have the name, if it answers: an earlier session's events
        make way for these.
        """
        self.here = self._local.host(
            self.stream,
            producer=self._producer,
            meta=self._meta,
            buffer=self.buffer,
            sender=self,
        )
        if self.buffer.base:
            self.here.rebase(self.buffer.base)
        self._stir()

    async def flush(self, timeout_s: float) -> int:
        """Wait until all that was put is durable; gives how many events that is. On any loop.

        Raises:
            FlushTimeoutError: If it is not within ``timeout_s``.

        """
        goal = self.buffer.next
        try:
            async with asyncio.timeout(timeout_s):
                await self.buffer.wait_acked(goal)
        except TimeoutError:
            unacked = len(self.buffer)
            raise FlushTimeoutError(self.stream, unacked=unacked, timeout_s=timeout_s) from None
        return goal

    def give_up(self) -> None:
        """Leave the stream to another session of this process: on the IO thread."""
        self.connection.give_up()
        if self.link is not None:
            self.link.detach(self)
        self.link_changed()

    def close(self) -> None:
        """End: on the IO thread."""
        if self.link is not None:
            self.link.detach(self)

    def end(self, offset: int) -> None:
        """Say that the event at ``offset`` is the last one. From any thread."""
        self._io.post(self._finish, offset)

    def _finish(self, offset: int) -> None:
        self.connection.finish(offset)
        self._stir()

    def _put(self) -> None:
        # From the thread that put, once until the buffer is armed again.
        self._io.post(self._stir)

    def _stir(self) -> None:
        self.buffer.rearm()
        if self.served_locally:
            self._copy()
            self._ack_here()
        elif self.link is not None:
            self.link.stir(self)
            if not self._copying:
                self._copy()

    def _copy(self) -> None:
        self._copying = False
        if self.here is not None:
            self.here.copy()

    def _ack_here(self) -> None:
        if self.here is not None:
            self.buffer.ack(self.here.next)
            self._tell_acked(self.here.next)

    def _tell_acked(self, next_offset: int) -> None:
        if next_offset > self._acked:
            self._acked = next_offset
            self._on_acked(next_offset)

    # What the link calls.

    def link_turn(self) -> None:
        """Take in what was put since, for views of this kernel, too.

        After it was sent, which is urgent, and before the loop looks at what the server answers:
        what is acknowledged leaves the buffer.
        """
        self.buffer.rearm()
        if not self._copying:
            self._copying = True
            asyncio.get_running_loop().call_soon(self._copy)

    def link_changed(self) -> None:
        """Look at what the link and the server say."""
        connection, link = self.connection, self.link
        if self.here is not None and connection.epoch is not None and not self._acked:
            first = self.buffer.base
            if first and self.here.next == 0:
                self.here.rebase(first)
        self._tell_acked(connection.acked)
        # A server that has some of it is waited for: the rest belongs there.
        barred = link is not None and bool(link.barred) and connection.epoch is None
        if not self.served_locally and (connection.state is State.REFUSED or barred):
            self.served_locally = True
            if link is not None and barred:
                self._barred = link.barred
                link.detach(self)
            _log.warning("stream %s: %s", self.stream, self.notice)
            self._copy()
            self._ack_here()
        self._on_change()
        self._changes.wake()

    def control_arrived(self, frame: frames.Control) -> None:
        """Pass a control from the server on."""
        self._asked_by[frame.id] = "server"
        self._on_control(frame)

    # What the kernel's own hub calls.

    def send(self, frame: frames.ServerFrame) -> None:
        """Take a frame of the kernel's own hub: a control of one of its viewers."""
        if isinstance(frame, frames.Control):
            self._asked_by[frame.id] = "here"
            self._on_control(frame)

    def answer(self, frame: frames.Controlled) -> None:
        """Answer a control, where it came from. From any thread."""
        if self._io.inside:
            # At once: a run that was cancelled may be over in a moment, and whoever hears of its
            # end first takes the button for one that came too late.
            self._answer(frame)
        else:
            self._io.post(self._answer, frame)

    def _answer(self, frame: frames.Controlled) -> None:
        if self._asked_by.pop(frame.id, "here") == "here":
            self._local.hub.answer(frame)
        elif self.link is not None:
            self.connection.answer(frame)
            self.link.stir(self)

    def slice(self, offset: int, *, max_events: int, max_bytes: int) -> list[bytes]:
        """Give acknowledged events again, for a server that lost them."""
        if self.here is None:
            return []
        return list(self.here.slice(offset, max_events=max_events, max_bytes=max_bytes))
