"""The kernel's end of one stream, without any IO.

``ProducerConnection`` decides what to claim, what to send and what to forget. It is fed with
``connected``, ``receive`` and ``lost``; its outputs are taken: ``frames_to_send``, ``notices``
and ``retry_at``. The events themselves stay in a window (``protocol.buffer``) that it shares
with the source; no event is forgotten before it is acknowledged.

Many of them share one socket (``runtime.link``), which also keeps the heartbeats.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from swarm_stream.errors import (
    EventsLostError,
    LocalProtocolError,
    ProducerFencedError,
    RemoteProtocolError,
    StreamClosedError,
    StreamNameTakenError,
    SwarmStreamError,
)
from swarm_stream.protocol import frames
from swarm_stream.protocol.frame_limit import FrameLimit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["TRANSITIONS", "ProducerConnection", "Signal", "State", "Unacked"]

RETRY_S: Final = 1.0
"""Seconds before events that the log could not write (a full disk) are sent again."""

# Room for the frame around the events.
_ENVELOPE_BYTES: Final = 1024


class State(enum.Enum):
    """Where a stream stands with its server."""

    OFFLINE = "offline"
    """No socket. Events gather in the window."""
    JOINING = "joining"
    """The claim is on its way."""
    LIVE = "live"
    """Events flow."""
    REFUSED = "refused"
    """Fenced, closed, taken or lost: this stream gets nothing more, whatever the socket does."""
    DONE = "done"
    """The end of the run was acknowledged."""


class Signal(enum.Enum):
    """What can happen to it."""

    CONNECTED = "connected"
    CLAIMED = "claimed"
    LOST = "lost"
    REFUSED = "refused"
    DONE = "done"


# The whole machine. A pair that is not here is a protocol violation; the diagram in
# notebooks/10_protocol.ipynb is drawn from this table.
TRANSITIONS: Final[Mapping[tuple[State, Signal], State]] = {
    (State.OFFLINE, Signal.CONNECTED): State.JOINING,
    (State.OFFLINE, Signal.LOST): State.OFFLINE,
    (State.OFFLINE, Signal.REFUSED): State.REFUSED,
    (State.JOINING, Signal.CLAIMED): State.LIVE,
    (State.JOINING, Signal.LOST): State.OFFLINE,
    (State.JOINING, Signal.REFUSED): State.REFUSED,
    (State.JOINING, Signal.DONE): State.DONE,
    (State.LIVE, Signal.CLAIMED): State.LIVE,
    (State.LIVE, Signal.LOST): State.OFFLINE,
    (State.LIVE, Signal.REFUSED): State.REFUSED,
    (State.LIVE, Signal.DONE): State.DONE,
    (State.REFUSED, Signal.CONNECTED): State.REFUSED,
    (State.REFUSED, Signal.REFUSED): State.REFUSED,
    (State.REFUSED, Signal.LOST): State.REFUSED,
    (State.DONE, Signal.CONNECTED): State.DONE,
    (State.DONE, Signal.LOST): State.DONE,
}


class Unacked(Protocol):
    """The window of events that a producer has made and the log has not acknowledged."""

    @property
    def base(self) -> int:
        """Offset of the first event held."""
        ...

    @property
    def next(self) -> int:
        """Offset that the next event will get."""
        ...

    def slice(self, offset: int, *, max_events: int, max_bytes: int) -> Sequence[bytes]:
        """Give events from ``offset`` on, at least one if there is one."""
        ...

    def ack(self, next_offset: int) -> int:
        """Let go of everything below ``next_offset``."""
        ...

    def rebase(self, offset: int) -> None:
        """Begin at ``offset``; only while nothing was put."""
        ...


class History(Protocol):
    """Events that were acknowledged and that the process happens to hold still."""

    def slice(self, offset: int, *, max_events: int, max_bytes: int) -> Sequence[bytes]:
        """Give events from ``offset`` on; none if they are no longer held."""
        ...


class ProducerConnection:
    """What one stream's producer says to its server. Not thread safe.

    Args:
        stream: The stream's name.
        producer: An id that the process makes once for each session.
        window: The events; this object only reads and acknowledges.
        meta: Description for lists and headers, a JSON object.
        take_over: Whether a live producer of the stream is fenced off.
        history: Where events are looked for that the log lost after acknowledging them.
        max_frame_bytes: The server's limit for a frame.

    Attributes:
        state: Where the stream stands.
        epoch: The epoch held, once claimed.
        server: Id of the server that answered the claim.
        acked: Everything below is durable.
        resent: Events that were sent more than once.
        refusal: Why the stream was refused, in state REFUSED.
        notice: Why the server cannot write at the moment, or empty.
        retry_at: When to call ``tick``, if at all (seconds of the caller's monotonic clock).

    """

    def __init__(  # noqa: PLR0913
        self,
        stream: str,
        *,
        producer: str,
        window: Unacked,
        meta: bytes = b"{}",
        take_over: bool = True,
        history: History | None = None,
        max_frame_bytes: int = frames.MAX_FRAME_BYTES,
    ) -> None:
        self.stream = stream
        self.producer = producer
        self.state = State.OFFLINE
        self.epoch: int | None = None
        self.server = ""
        self.acked = 0
        self.resent = 0
        self.refusal: SwarmStreamError | None = None
        self.notice = ""
        self.retry_at: float | None = None
        self._window = window
        self._meta = msgspec.Raw(meta)
        self._take_over = take_over
        self._history = history
        self._max_bytes = max_frame_bytes - _ENVELOPE_BYTES
        self._limit = FrameLimit(frames.MAX_EVENTS)
        self._out: list[frames.ClientFrame] = []
        self._sent = 0
        self._high = 0
        self._last: int | None = None

    @property
    def unacked(self) -> int:
        """Events made and not yet acknowledged."""
        return self._window.next - self._window.base

    def finish(self, end_offset: int) -> None:
        """Say that the event at ``end_offset`` is the last one: its ack makes the stream DONE."""
        self._last = end_offset
        self._check_done()

    def give_up(self) -> None:
        """Another producer of this very process takes the stream: send nothing more."""
        if self.state not in {State.DONE, State.REFUSED}:
            self._refuse(ProducerFencedError(self.stream, epoch=(self.epoch or 0) + 1))

    def connected(self) -> None:
        """A socket is open: claim the stream."""
        self._move(Signal.CONNECTED)
        if self.state is State.JOINING:
            self._claim()

    def lost(self) -> None:
        """The socket is gone."""
        self._move(Signal.LOST)
        self._out = []
        self._limit.lost()
        self.retry_at = None

    def answer(self, frame: frames.Controlled) -> None:
        """Answer a control, if there may be a socket; if there is not, it is asked again."""
        if self.state not in {State.OFFLINE, State.JOINING}:
            self._out.append(frame)

    def receive(self, frame: frames.ServerFrame, *, now: float) -> None:
        """Take in one frame of this stream.

        ``control`` frames are not for this object: the link hands them to the session.

        Raises:
            RemoteProtocolError: If the server acknowledges what was never sent.
            LocalProtocolError: If this frame cannot come in this state.

        """
        match frame:
            case frames.ClaimReply():
                self._claimed(frame)
            case frames.Ack(next=next_offset):
                # While joining, it is for a producer that had the stream on this socket before.
                if self.state is not State.JOINING:
                    self._acked(next_offset)
            case frames.Gap(next=next_offset):
                self._rewind(next_offset)
            case frames.Fenced(epoch=epoch):
                self._refuse(ProducerFencedError(self.stream, epoch=epoch))
            case frames.Error(code=code, message=message):
                self._error(code, message, now=now)
            case _:
                raise RemoteProtocolError(f"a producer was sent {type(frame).__name__!r}")

    def tick(self, *, now: float) -> None:
        """Send again what the log could not write, if its time has come."""
        if self.retry_at is not None and now >= self.retry_at:
            self.retry_at = None
            self._sent = self._window.base
            if self.state is State.JOINING:
                self._claim()

    def frames_to_send(self, *, events: bool = True) -> list[frames.ClientFrame]:
        """Give what is to be sent now, in order; at most one ``append`` a call.

        What gathers in the window while it is being sent leaves together with the next call.
        ``events`` of False keeps those for later.
        """
        out, self._out = self._out, []
        if events and self._has_events:
            out += self._append()
        return out

    def _append(self) -> Iterator[frames.Append]:
        events = self._from(self._sent)
        if not events or self.epoch is None:
            return
        offset, self._sent = self._sent, self._sent + len(events)
        self._limit.sent(self._sent, len(events))
        self.resent += max(0, min(self._high, self._sent) - offset)
        self._high = max(self._high, self._sent)
        yield frames.Append(
            stream=self.stream,
            epoch=self.epoch,
            offset=offset,
            events=[msgspec.Raw(event) for event in events],
            ending=self._last is not None,
        )

    @property
    def has_more(self) -> bool:
        """Whether ``frames_to_send`` would give something."""
        return bool(self._out) or self._has_events

    @property
    def awaits_ack(self) -> bool:
        """Whether events are on their way, and nothing was heard of them yet."""
        return self.state is State.LIVE and self.retry_at is None and self._sent > self.acked

    @property
    def _has_events(self) -> bool:
        return self.state is State.LIVE and self.retry_at is None and self._sent < self._window.next

    def _claim(self) -> None:
        self._out = [
            frames.Claim(
                stream=self.stream,
                producer=self.producer,
                epoch=self.epoch,
                meta=self._meta,
                # Once the stream is ours, coming back is no taking over.
                take_over=self._take_over or self.epoch is not None,
            )
        ]

    def _claimed(self, frame: frames.ClaimReply) -> None:
        if frame.producer not in {"", self.producer}:
            return  # for one of this process that has given the stream up to us meanwhile
        if self.epoch is None and frame.next > 0:
            # With another producer's events in it: ours come after them.
            if self._window.next > 0:
                # Too late: their offsets are given out.
                self._refuse(StreamNameTakenError(self.stream))
                return
            self._window.rebase(frame.next)
            self._high = frame.next
        if frame.next > self._window.next:
            self._refuse(
                RemoteProtocolError(
                    f"the server holds {frame.next} events of stream {self.stream!r}, but only "
                    f"{self._window.next} were ever made"
                )
            )
            return
        self._move(Signal.CLAIMED)
        self.epoch = frame.epoch
        self.server = frame.server
        self._rewind(frame.next)

    def _rewind(self, next_offset: int) -> None:
        if self.state is not State.LIVE:
            return
        if next_offset < self._window.base and not self._from(next_offset):
            self._refuse(
                EventsLostError(self.stream, first=next_offset, last=self._window.base - 1)
            )
            return
        self._sent = next_offset
        self._acked(next_offset)

    def _acked(self, next_offset: int) -> None:
        if next_offset > max(self._high, self._sent):
            raise RemoteProtocolError(
                f"the server acknowledged stream {self.stream!r} up to {next_offset}, but only "
                f"{self._high} events were sent"
            )
        self.notice = ""
        self._window.ack(next_offset)
        self._limit.acked(next_offset)
        self.acked = max(self.acked, next_offset)
        self._sent = max(self._sent, next_offset)
        self._check_done()

    def _check_done(self) -> None:
        if self._last is not None and self.acked > self._last and self.state is State.LIVE:
            self._move(Signal.DONE)

    def _error(self, code: str, message: str, *, now: float) -> None:
        match code:
            case "stream_closed":
                if (
                    self.state is State.JOINING
                    and self.epoch is not None
                    and self._last is not None
                ):
                    # Perhaps by our own end, whose ack was lost: the answer to a retry tells.
                    self._move(Signal.CLAIMED)
                    self._sent = self._window.base
                    self._check_done()
                else:
                    self._refuse(StreamClosedError(self.stream))
            case "stream_taken":
                self._refuse(StreamNameTakenError(self.stream))
            case "too_many_events" if self._limit.refused():
                self._sent = self._window.base
            case "log_failed" | "stream_full":
                self.notice = message
                self.retry_at = now + RETRY_S
            case _:
                self._refuse(RemoteProtocolError(f"{message} (stream {self.stream!r}, {code})"))

    def _from(self, offset: int) -> Sequence[bytes]:
        source: Unacked | History | None = self._window
        if offset < self._window.base:
            source = self._history
        if source is None:
            return ()
        limit = self._limit.events
        if offset < self._window.base:
            limit = min(limit, self._window.base - offset)
        return source.slice(offset, max_events=limit, max_bytes=self._max_bytes)

    def _refuse(self, error: SwarmStreamError) -> None:
        self._move(Signal.REFUSED)
        self.refusal = error
        self._out = []

    def _move(self, signal: Signal) -> None:
        try:
            self.state = TRANSITIONS[self.state, signal]
        except KeyError:
            raise LocalProtocolError(
                f"stream {self.stream!r} cannot be {signal.value} while {self.state.value}"
            ) from None
