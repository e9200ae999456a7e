"""A producer over the real protocol parts, which checks what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm_stream.errors import EventsLostError, ProducerFencedError, StreamClosedError
from swarm_stream.protocol import frames
from swarm_stream.protocol.buffer import Window
from swarm_stream.protocol.producer import ProducerConnection, State
from tests.faults.truth import control_event, end_event, event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.truth import Truth

__all__ = ["Producer"]

WINDOW = 12
FRAME_BYTES = 1024 + 450
"""Of an append: a few events, and what the product adds for the frame around them."""


class Producer:
    """A run: its events, their window, and what the buttons did.

    Attributes:
        name: The producer's id.
        made: Its events, the first of them at ``origin``.
        early: Whether it begins before it knows that the stream is its own.
        acts: What it was told to do, by the control's id; each once.
        void: Whether its stream was deleted under it.
        acks: Each ``next`` that it was told, and whether that answered a claim.

    """

    def __init__(
        self, truth: Truth, stream: str, name: str, *, take_over: bool, early: bool
    ) -> None:
        self.truth = truth
        self.stream = stream
        self.name = name
        self.made: list[bytes] = []
        self.acts: dict[str, int] = {}
        self.acks: list[tuple[int, bool]] = []
        self.early = early
        self.ended = False
        self.void = False
        self.window: Window[bytes] = Window(
            size=WINDOW, max_bytes=10_000, pause_at=0.8, resume_at=0.3
        )
        self.connection = ProducerConnection(
            stream,
            producer=name,
            window=self.window,
            take_over=take_over,
            max_frame_bytes=FRAME_BYTES,
            meta=b'{"title":"%b"}' % name.encode(),
        )
        self._checked: int | None = None

    @property
    def origin(self) -> int:
        return self.window.next - len(self.made)

    @property
    def state(self) -> State:
        return self.connection.state

    @property
    def can_emit(self) -> bool:
        claimed = self.early or self.connection.epoch is not None
        return claimed and not self.ended and not self.window.full

    def emit(self) -> None:
        self._put(event(self.name, self.window.next))

    def end(self) -> None:
        self._put(end_event(self.name, self.window.next))
        self.ended = True
        self.connection.finish(self.window.next - 1)

    def _put(self, raw: bytes) -> None:
        self.made.append(raw)
        self.window.put(raw)

    def connected(self) -> None:
        self.connection.connected()

    def lost(self) -> None:
        self.connection.lost()

    def tick(self, *, now: float) -> None:
        self.connection.tick(now=now)

    def frames_to_send(self) -> Sequence[frames.ClientFrame]:
        return self.connection.frames_to_send()

    def receive(self, frame: frames.ServerFrame, *, now: float) -> None:
        if isinstance(frame, frames.Control):
            self._obey(frame)
            return
        if isinstance(frame, frames.Ack | frames.ClaimReply):
            self.acks.append((frame.next, isinstance(frame, frames.ClaimReply)))
        self.connection.receive(frame, now=now)
        self.check()

    def _obey(self, frame: frames.Control) -> None:
        # As a session does: a button is pressed once, whatever the network repeats.
        if frame.id not in self.acts:
            self.acts[frame.id] = self.window.next
            if not self.ended:
                self._put(control_event(self.name, self.window.next, frame.id))
        self.connection.answer(frames.Controlled(stream=self.stream, id=frame.id, ok=True))

    def check(self) -> None:
        """All that was acknowledged is in the log, as it was made here."""
        acked = self.connection.acked
        if self.void or self.connection.epoch is None or acked == 0:
            return
        assert self.window.base <= acked
        if self._checked is None:
            self._checked = self.origin
        held = self.truth.streams[self.stream]
        assert acked <= held.tail, f"{self.name} was told {acked} of {held.tail}"
        for offset in range(self._checked, acked):
            mine = self.made[offset - self.origin]
            there = held.events[offset]
            assert there == mine, f"{self.name} was told that {mine!r} is there, but {there!r} is"
        self._checked = max(self._checked, acked)

    def check_over(self) -> None:
        """With everything healed: nothing waits, or there is a reason that is true."""
        connection, held = self.connection, self.truth.streams.get(self.stream)
        about = f"{self.name} is {connection.state}, {connection.refusal!r}"
        if connection.state in {State.LIVE, State.DONE}:
            assert connection.unacked == 0, f"{about}: {connection.unacked} not acknowledged"
            assert (connection.state is State.DONE) == self.ended, about
            assert connection.notice == "", about
            return
        assert connection.state is State.REFUSED, about
        if self.void:
            return
        assert held is not None, about
        match connection.refusal:
            case ProducerFencedError():
                assert held.holder != self.name, about
            case StreamClosedError():
                assert held.closed, about
                assert held.holder != self.name, about
            case EventsLostError():
                raise AssertionError(about)
            case _:
                # Another's name: only where somebody else has written or is there.
                assert {held.holder, *held.wrote} != {self.name}, about
