"""A viewer's end of one stream, without any IO.

``SubscriberConnection`` is fed with ``connected``, ``receive`` and ``lost``; what is to be sent
and shown is taken with ``frames_to_send`` and ``take``. What it holds to: an event is shown
once, in order, or counted as missing. A hole is never shown; the stream is asked for again from
``next``.

Twin of ``frontend/src/subscriber.ts``; both are held to ``tests/vectors/subscriber``. Change
them together.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

from swarm_stream.protocol import frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

__all__ = ["MAX_STRIKES", "Missing", "Phase", "Shown", "SubscriberConnection"]

MAX_STRIKES: Final = 3
"""A server that leaves the same hole this often in a row will leave it for ever."""


class Phase(enum.Enum):
    """Where a subscription stands."""

    OFFLINE = "offline"
    """No connection."""
    JOINING = "joining"
    """Asked, not answered."""
    LIVE = "live"
    """Events come."""
    GONE = "gone"
    """Like joining, after the log had let go of what was wanted."""
    CLOSED = "closed"
    """All was shown and no more will come."""
    FAILED = "failed"
    """The server refused; only a new connection tries again."""


class Shown(NamedTuple):
    """Consecutive events to show, the first of them at ``offset``."""

    offset: int
    events: Sequence[msgspec.Raw]


class Missing(NamedTuple):
    """Offsets ``first`` to ``last`` are no longer kept: say so in their place."""

    first: int
    last: int


class SubscriberConnection:
    """Where one viewer stands on one stream. Not thread safe.

    Args:
        stream: The stream's name.
        start: The first offset wanted.
        wait: Whether to wait for a stream that does not exist yet.

    Attributes:
        phase: Where the subscription stands.
        next: The offset wanted next.
        tail: The server's tail when it last said so.
        received: Events shown.
        missing: Events that the log had let go of.
        doubled: Events that came again, and were not shown again.
        holes: How often the server left events out.
        producer: Whether the stream's producer is there, when the server last said so.
        notice: What keeps events from the log, in the server's words.
        failure: Code and sentence of why it failed, in phase FAILED.

    """

    def __init__(self, stream: str, *, start: int = 0, wait: bool = False) -> None:
        self.stream = stream
        self.phase = Phase.OFFLINE
        self.next = start
        self.tail: int | None = None
        self.received = 0
        self.missing = 0
        self.doubled = 0
        self.holes = 0
        self.strikes = 0
        self.producer: str | None = None
        self.notice = ""
        self.failure: tuple[str, str] | None = None
        self._wait = wait
        self._out: list[frames.ClientFrame] = []
        self._taken: list[Shown | Missing] = []

    @property
    def lag(self) -> int:
        """How many events the viewer is behind what the server was last known to hold."""
        return max(0, (self.tail or 0) - self.next)

    def connected(self) -> None:
        """A socket is open: subscribe."""
        if self.phase is not Phase.CLOSED:
            self.strikes = 0
            self._join(Phase.JOINING)

    def lost(self) -> None:
        """The socket is gone."""
        if self.phase not in {Phase.CLOSED, Phase.FAILED}:
            self.phase = Phase.OFFLINE
            self.producer = None
            self._out = []

    def receive(self, frame: frames.ServerFrame) -> None:  # noqa: C901  (one case for each)
        """Take in one frame of this stream."""
        if self.phase in {Phase.CLOSED, Phase.OFFLINE, Phase.FAILED}:
            return
        match frame:
            case frames.Subscribed(tail=tail, producer=producer):
                self.phase, self.tail, self.producer = Phase.LIVE, tail, producer
            case frames.Events(offset=offset, events=events):
                # While joining, events are those of the subscription that was just given up.
                if self.phase is Phase.LIVE:
                    self._take(offset, events)
            case frames.Gone(head=head, tail=tail):
                self._gone(head, tail)
            case frames.Status(producer=producer, notice=notice):
                self.producer, self.notice = producer, notice
            case frames.Closed(tail=tail):
                if self.phase is Phase.LIVE:
                    self._close(tail)
            case frames.Error(code=code, message=message, cause=cause):
                if cause != "control":
                    self._fail(code, message)
            case _:
                pass  # answers to controls are for whoever pressed the button

    def frames_to_send(self) -> list[frames.ClientFrame]:
        """Give what is to be sent now, in order."""
        out, self._out = self._out, []
        return out

    def take(self) -> list[Shown | Missing]:
        """Give what is to be shown, in order."""
        taken, self._taken = self._taken, []
        return taken

    def _take(self, offset: int, events: Sequence[msgspec.Raw]) -> None:
        if offset > self.next:
            self._hole()
            return
        known = min(self.next - offset, len(events))
        fresh = events[known:]
        self.doubled += known
        if fresh:
            self._taken.append(Shown(self.next, fresh))
            self.next += len(fresh)
            self.received += len(fresh)
            self.strikes = 0
        self.tail = max(self.tail or 0, self.next)

    def _hole(self) -> None:
        self.holes += 1
        self.strikes += 1
        if self.strikes >= MAX_STRIKES:
            self._fail("hole", f"the server does not send event {self.next}")
        else:
            self._join(Phase.JOINING)

    def _gone(self, head: int, tail: int) -> None:
        if self.next > tail:
            self._log_lost(tail)
        elif head <= self.next:
            # Inside of what the log holds nothing is gone; a server that says so is broken.
            self._hole()
        else:
            self._taken.append(Missing(self.next, head - 1))
            self.missing += head - self.next
            self.next, self.tail, self.strikes = head, tail, 0
            self._join(Phase.GONE)

    def _close(self, tail: int) -> None:
        if tail > self.next:
            self._hole()
        elif tail < self.next:
            self._log_lost(tail)
        else:
            self.phase, self.tail = Phase.CLOSED, tail

    def _log_lost(self, tail: int) -> None:
        self._fail(
            "log_lost",
            f"the server's log ends at {tail}, before event {self.next - 1}, which was seen here; "
            "the log was lost or replaced",
        )

    def _join(self, phase: Phase) -> None:
        self.phase = phase
        self._out.append(frames.Subscribe(stream=self.stream, start=self.next, wait=self._wait))

    def _fail(self, code: str, message: str) -> None:
        self.phase = Phase.FAILED
        self.failure = (code, message)
