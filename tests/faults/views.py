"""A viewer over the real protocol part, which compares all that it is shown with the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from swarm_stream.protocol import frames
from swarm_stream.protocol.subscriber import Missing, Phase, Shown, SubscriberConnection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.truth import Truth

__all__ = ["Viewer"]


class Viewer:
    """A view: what it was shown, compared with the truth at once.

    Attributes:
        shown: Offsets and events, in order.
        gone: What it was told to be missing, with the offset before which that was.
        trace: What it was fed with, for ``vectors``.
        void: Whether its stream was deleted under it.

    """

    def __init__(
        self, truth: Truth, stream: str, name: str, *, start: int | str, wait: bool
    ) -> None:
        self.truth = truth
        self.stream = stream
        self.name = name
        self.word = start if isinstance(start, str) else None
        self.chose_a_word = self.word is not None
        self.start = start if isinstance(start, int) else None
        self.wait = wait
        self.connection = SubscriberConnection(
            stream, start=start if isinstance(start, int) else 0, wait=wait
        )
        self.history: list[Shown | Missing] = []
        self.trace: list[Any] = []
        self.pressed: dict[str, frames.Control] = {}
        self.answered: dict[str, bool] = {}
        self.shared = False
        self.void = False
        self._next = self.start
        self._heard_end = False
        self._out: list[frames.ClientFrame] = []

    @property
    def phase(self) -> Phase:
        return self.connection.phase

    @property
    def may_retry(self) -> bool:
        """Whether the server refused for a reason that may be over on a new connection."""
        failure = self.connection.failure
        return (
            self.phase is Phase.FAILED
            and failure is not None
            and (failure[0] in {"log_failed", "hole"} or self.stream in self.truth.streams)
            and not self.void
        )

    def connected(self) -> None:
        self.trace.append("connected")
        self.connection.connected()

    def lost(self) -> None:
        self.trace.append("lost")
        self._heard_end = False
        self.connection.lost()
        self._out.clear()

    def tick(self, *, now: float) -> None:
        """A view has no clock."""

    def frames_to_send(self) -> Sequence[frames.ClientFrame]:
        out, self._out = [*self.connection.frames_to_send(), *self._out], []
        if self.word is None:
            return out
        return [
            msgspec.structs.replace(frame, start=self.word)
            if isinstance(frame, frames.Subscribe)
            else frame
            for frame in out
        ]

    def press(self, control: frames.Control) -> None:
        """Press a button."""
        self.trace.append(control)
        match self.phase:
            case Phase.LIVE:
                self.pressed[control.id] = control
                self._out.append(control)
            case Phase.JOINING | Phase.GONE:
                self.pressed[control.id] = control  # goes out with ``subscribed``
            case _:
                self.answered[control.id] = False

    def receive(self, frame: frames.ServerFrame, *, now: float) -> None:
        self.trace.append(frame)
        if isinstance(frame, frames.Subscribed) and self.word is not None:
            self._begin(frame)
        if isinstance(frame, frames.Error) and frame.cause == "control":
            self._give_up_buttons()
        self.connection.receive(frame)
        if isinstance(frame, frames.Controlled):
            self.pressed.pop(frame.id, None)
            self.answered[frame.id] = frame.ok
        if isinstance(frame, frames.Subscribed) and self.phase is Phase.LIVE:
            self._out += self.pressed.values()
        self._take()
        if self.phase is Phase.CLOSED:
            self._give_up_buttons()
        self.check()

    def _give_up_buttons(self) -> None:
        self.answered |= dict.fromkeys(self.pressed, False)
        self.pressed.clear()

    def _begin(self, frame: frames.Subscribed) -> None:
        expected = {"head": frame.head, "tail": frame.tail}[self.word or ""]
        assert frame.start == expected, f"{self.word} is not {frame.start}"
        self.word = None
        self.start = self._next = self.connection.next = frame.start

    def _take(self) -> None:
        held = self.truth.streams.get(self.stream)
        for what in self.connection.take():
            self.history.append(what)
            if self.void:
                continue
            assert held is not None
            assert self._next is not None
            match what:
                case Shown(offset=offset, events=events):
                    assert offset == self._next, f"shown {offset}, wanted {self._next}"
                    expected = held.events[offset : offset + len(events)]
                    assert [bytes(raw) for raw in events] == expected
                    self._next += len(events)
                case Missing(first=first, last=last):
                    assert first == self._next, f"missing {first}, wanted {self._next}"
                    assert last < held.head, f"{last} is there: the log begins at {held.head}"
                    self._next = last + 1

    def check(self) -> None:
        """A server that keeps its word never leaves a hole and never says things twice."""
        connection = self.connection
        if self.void:
            return
        if not self.shared:
            assert connection.holes == 0, f"{self.name} was sent a hole"
            assert connection.doubled == 0, f"{self.name} was sent events twice"
        assert connection.producer == "none" or not self._heard_end, (
            f"{self.name} hears of a producer that is {connection.producer} after the end"
        )
        self._heard_end = connection.producer == "none"
        reasons = {"no_such_stream", "log_failed", "hole" if self.shared else ""}
        assert connection.failure is None or connection.failure[0] in reasons, (
            f"{self.name} failed: {connection.failure}"
        )
        if self.phase is Phase.CLOSED:
            held = self.truth.streams[self.stream]
            assert held.closed, f"{self.name} was told the end of an open stream"
            assert connection.next == held.tail, f"{self.name} ends at {connection.next}"

    def check_over(self, *, live: bool | None) -> None:
        """With everything healed: all was shown, and what is said of the producer is true."""
        held = self.truth.streams.get(self.stream)
        connection = self.connection
        if self.void:
            return
        about = f"{self.name} is {self.phase} at {connection.next}"
        if held is None:
            waits = self.wait and self.phase is Phase.JOINING
            assert waits or self.phase is Phase.FAILED, f"{about}, there is no stream"
            return
        if held.closed:
            assert self.phase is Phase.CLOSED, f"{about}, the stream ends at {held.tail}"
            return
        assert self.phase is Phase.LIVE, f"{about}, the stream is at {held.tail}"
        assert connection.next == held.tail, f"{about} of {held.tail}"
        expected = {True: {"live"}, False: {"stalled"}, None: {"live", "stalled"}}[live]
        assert connection.producer in expected, (
            f"{self.name} hears that the producer is {connection.producer}, live: {live}"
        )
        assert connection.notice == "", f"{self.name} still says {connection.notice!r}"
        if live:
            assert not self.pressed, f"{self.name}: nobody answered {list(self.pressed)}"
